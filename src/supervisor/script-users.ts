import { knownUser } from "../base/known-users.ts";
import type { UserIds } from "../base/program.ts";
import { errorText } from "../base/system-error.ts";
import type { NotifyScriptPlan, VrrpPlan } from "../config/node-plan.ts";
import type { ScriptUser } from "../ipc/script-user.ts";

/**
 * Finds the users of all programs of the elections. It is done here, as the host's name service may take seconds, in which an
 * active node would be silent; and each is asked for once, so that elections that died come back while it hangs.
 */
export function scriptUsers(
  plan: Pick<VrrpPlan, "instances" | "notify" | "syncGroups" | "tracks">,
  find: (name: string | null) => UserIds | null = knownUser,
): readonly ScriptUser[] {
  return [...namesOf(plan)].map((name) => {
    try {
      return { name, ids: find(name), problem: null };
    } catch (error) {
      return { name, ids: null, problem: errorText(error) };
    }
  });
}

function namesOf({
  instances,
  notify,
  syncGroups,
  tracks,
}: Parameters<typeof scriptUsers>[0]): ReadonlySet<string | null> {
  const own = [...instances, ...syncGroups].flatMap((each): readonly (NotifyScriptPlan | null)[] =>
    each.notify === null ? [] : Object.values(each.notify),
  );
  const programs = [notify?.script ?? null, ...own].filter((program) => program !== null);
  const scripts = tracks.filter((track) => track.kind === "script");
  return new Set([...programs, ...scripts].map(({ user }) => user));
}

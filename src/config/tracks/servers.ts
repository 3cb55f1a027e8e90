import type { CheckConfig, ServersTrackConfig } from "../config.ts";
import { errorAt, warningAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";
import { delaysOf, type TrackElement, type TrackKind } from "./kind.ts";

/** `service = "web"` and `upstream = "apps"`: whether enough of the servers behind them are healthy. */

type Subject = ServersTrackConfig["of"];

interface CheckedServer {
  readonly weight: number;
  readonly backup?: boolean;
  readonly drain?: boolean;
  readonly check: readonly CheckConfig[] | null;
}

/** `service = "web"`: the servers of an L4 service. */
export const serviceKind: TrackKind = kindOf("service");

/** `upstream = "apps"`: the servers of an upstream; backups do not count. */
export const upstreamKind: TrackKind = kindOf("upstream");

function kindOf(of: Subject): TrackKind {
  return {
    subject: of,
    keys: ["at_least", "up_delay", "down_delay", "reverse"],
    calledAfter: (entry) => entry[of] ?? "",
    read: (entry, effect) => ({
      kind: "servers",
      ...effect,
      of,
      target: entry[of] ?? "",
      atLeast: entry.at_least ?? 1,
      ...delaysOf(entry),
    }),
    rules: (track, model) => [...serverFindings(of, track, model), ...darknessFindings(of, track)],
  };
}

function serverFindings(of: Subject, { value, path }: TrackElement, model: Model): readonly Finding[] {
  const tables = of === "service" ? model.sections.services : model.sections.upstreams;
  const table = tables.find((one) => one.value.name === value[of])?.value;
  if (table === undefined) return [];
  const servers: readonly CheckedServer[] = table.servers;
  if (table.servers.some(({ address }) => typeof address === "object" && "name" in address)) {
    const what = `${of} "${table.name}" has servers that go by a name, and how many that is nobody knows`;
    return [errorAt([...path, of], what, "write their addresses, or track something else")];
  }
  const counting = servers.filter(
    ({ weight, backup, drain }) => weight > 0 && backup !== true && drain !== true,
  );
  const least = value.at_least ?? 1;
  if (counting.length < least) {
    const what = `${of} "${table.name}" has ${counting.length} that count (neither weight = 0 nor drained nor a backup), so ${least} are never healthy`;
    const remedy = `write at_least = ${Math.max(1, counting.length)}, or add servers`;
    const key = value.at_least === null ? of : "at_least";
    return [errorAt([...path, key], what, remedy)];
  }
  const unchecked = counting.filter(({ check }) => check === null && table.check === null).length;
  if (unchecked < least) return [];
  const what = `nothing checks ${unchecked} of the servers of ${of} "${table.name}", which always count as healthy`;
  return [errorAt([...path, of], what, `add a check to the [[${of}]], or remove the track`)];
}

/** All nodes mostly see the same servers: nobody would be left to show that there are none. */
function darknessFindings(of: Subject, { value, path }: TrackElement): readonly Finding[] {
  if (value.weight !== 0) return [];
  const what = `a node that finds too few healthy servers gives its addresses up; if all nodes do, nobody answers`;
  const remedy = "write weight = -10: then one node goes on answering, with a sorry server or an error page";
  return [warningAt([...path, of], what, remedy)];
}

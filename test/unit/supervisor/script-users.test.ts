import { expect, test } from "bun:test";
import type { NotifyScriptPlan } from "../../../src/config/node-plan.ts";
import { scriptUsers } from "../../../src/supervisor/script-users.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";

const program = (user: string | null): NotifyScriptPlan => ({
  command: ["/bin/true"],
  timeoutMs: 1000,
  user,
});
const nobody = { master: null, backup: null, fault: null, stop: null, script: null };

test("the users of all programs of the elections are found, each once, and who is not found is told of", () => {
  const plan = vrrpPlan(
    [instancePlan({ notify: { ...nobody, master: program("ops"), script: program(null) } })],
    {
      notify: { node: "lb1", script: program("gone"), fifo: null },
      syncGroups: [
        { name: "all", instances: ["public-1"], tracks: [], notify: { ...nobody, stop: program("ops") } },
      ],
    },
  );
  const asked: (string | null)[] = [];
  const found = scriptUsers(plan, (name) => {
    asked.push(name);
    if (name === "gone") throw new Error("there is no user gone to run a script as");
    return name === null ? null : { uid: 7, gid: 8 };
  });
  expect(found).toEqual([
    { name: "gone", ids: null, problem: "there is no user gone to run a script as" },
    { name: "ops", ids: { uid: 7, gid: 8 }, problem: null },
    { name: null, ids: null, problem: null },
  ]);
  expect(asked).toHaveLength(3);
  expect(scriptUsers(vrrpPlan([instancePlan()]))).toEqual([]);
});

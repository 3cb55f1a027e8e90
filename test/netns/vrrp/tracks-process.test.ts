import { expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProcessTrackPlan } from "../../../src/config/track-plan.ts";
import type { ProcessEvent } from "../../../src/kernel/proc-connector.ts";
import { describeProcess, subscribeProcesses } from "../../../src/kernel/processes.ts";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { waitFor } from "../../support/lab.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { fastPlan, pairLab, vip } from "./pair-lab.ts";

/** A program of a name that nothing else on this machine has: pids are common to all namespaces of a lab. */
class Program implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "edge-ha-process-"));
  readonly name: string = `eh${process.pid}x`;
  readonly path: string = join(this.#directory, this.name);

  constructor() {
    copyFileSync("/bin/sleep", this.path);
  }

  plan(more: Partial<ProcessTrackPlan> = {}): VrrpPlan {
    const track: ProcessTrackPlan = {
      kind: "process",
      reverse: false,
      name: "program",
      process: this.name,
      arguments: [],
      atLeast: 1,
      upDelayMs: 0,
      downDelayMs: 0,
      weight: -150,
      ...more,
    };
    return { ...fastPlan({ priority: 200, tracks: ["program"] }), tracks: [track] };
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }
}

test("the address moves when the process ends, and comes back with another one", async () => {
  await using pair = await pairLab();
  using program = new Program();
  const first = pair.lb1.spawn([program.path, "1000"]);
  const lb1 = await VrrpRole.start(pair.lb1, program.plan());
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, fastPlan({ priority: 100 }));
  await lb2.reaches("backup");
  expect(lb1.status()?.claims).toEqual([]);
  first.kill("SIGKILL");
  await lb2.reaches("active");
  await lb1.reaches("backup");
  expect(await pair.lb2.holds(vip)).toBe(true);
  expect(lb1.status()?.claims).toEqual([`track program: no process ${program.name} runs: −150`]);
  const second = pair.lb1.spawn([program.path, "1000"]);
  await lb1.reaches("active");
  expect(lb1.log()).toContain(`track program: down → up: 1 process ${program.name} runs`);
  second.kill("SIGKILL");
  await lb1.reaches("backup");
}, 60_000);

test("as many processes are wanted as the plan says, with the arguments that it says", async () => {
  await using pair = await pairLab();
  using program = new Program();
  const children = [1001, 1001, 1002].map((seconds) => pair.lb1.spawn([program.path, String(seconds)]));
  const plan = program.plan({ atLeast: 2, arguments: ["1001"], weight: 0 });
  const lb1 = await VrrpRole.start(pair.lb1, plan);
  await lb1.reaches("active");
  children[2]?.kill("SIGKILL");
  children[1]?.kill("SIGKILL");
  await lb1.reaches("fault");
  expect(lb1.status()?.reason).toBe(`track program: 1 process ${program.name} 1001 runs, 2 are wanted`);
}, 60_000);

test("the kernel tells of starts in the first namespaces, and says so elsewhere", async () => {
  const events: ProcessEvent[] = [];
  const end = subscribeProcesses((event) => void events.push(event));
  // A container has namespaces of its own: there processes are looked at instead.
  if (end === null) return;
  const child = Bun.spawn(["/bin/sleep", "1000"]);
  await waitFor("the start is told", () =>
    events.some((event) => event.kind === "exec" && event.pid === child.pid),
  );
  expect(describeProcess(child.pid)).toEqual({ name: "sleep", words: ["/bin/sleep", "1000"] });
  end();
  child.kill("SIGKILL");
  await child.exited;
  expect(describeProcess(child.pid)).toBeNull();
});

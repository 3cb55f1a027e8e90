import { expect, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { FrrBfd } from "../../support/frr-bfd.ts";
import { waitFor } from "../../support/lab.ts";
import { vrrpPlan } from "../../support/vrrp-plans.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab } from "./pair-lab.ts";

/** FRR's bfdd 8.4 at the other end: lb1 runs ours, lb2 runs FRR. */
const ends = {
  4: { ours: "192.0.2.10", theirs: "192.0.2.11" },
  6: { ours: "fe80::10", theirs: "fe80::11" },
} as const;

function ourPlan(family: 4 | 6, intervalMs = 60): VrrpPlan {
  const { ours: source, theirs: peer } = ends[family];
  const pace = { intervalMs, minReceiveMs: intervalMs, multiplier: 4 };
  return vrrpPlan([], { bfd: [{ name: "peer", interface: "eth0", peer, source, ...pace }] });
}

for (const family of [4, 6] as const) {
  test(`IPv${family}: FRR and we see each other up, slowed down, taken down and dead`, async () => {
    await using pair = await pairLab();
    const { ours, theirs } = ends[family];
    if (family === 6) {
      await pair.lb1.ip(["address", "add", `${ours}/64`, "dev", "eth0"]);
      await pair.lb2.ip(["address", "add", `${theirs}/64`, "dev", "eth0"]);
    }
    const local = family === 6 ? { localAddress: theirs } : {};
    const peer = { interface: "eth0", peer: ours, ...local };
    const us = await VrrpRole.start(pair.lb1, ourPlan(family));
    const frr = await FrrBfd.start(pair.lb2, [{ ...peer, interval: 50, multiplier: 3 }]);
    await Promise.all([us.sessionReaches("up"), frr.reaches("up", ours)]);
    await waitFor("we know FRR's pace", () => us.session()?.detectionMs === 180);
    await waitFor("FRR knows ours", async () => {
      const session = await frr.session(ours);
      return session?.["remote-detect-multiplier"] === 4 && session["remote-transmit-interval"] === 60;
    });

    // FRR's timers, then ours, changed while it is up: both by a poll sequence.
    await frr.configure(peer, "transmit-interval 150", "receive-interval 120");
    await waitFor("we follow FRR's timers", () => {
      return us.session()?.detectionMs === 450 && us.session()?.transmitIntervalMs === 120;
    });
    expect(await us.configure(ourPlan(family, 200))).toBeNull();
    await waitFor("FRR follows ours", async () => {
      return (await frr.session(ours))?.["remote-transmit-interval"] === 200;
    });
    await waitFor("FRR has answered our poll", () => us.session()?.transmitIntervalMs === 200);
    expect(us.session()?.counters["wentDown"]).toBe(0);

    await frr.configure(peer, "shutdown");
    await us.sessionReaches("down");
    expect(us.session()?.reason).toBe(`${theirs} was taken down by its operator`);
    await frr.configure(peer, "no shutdown");
    await us.sessionReaches("up");

    await us.kill("SIGKILL");
    await frr.reaches("down", ours);
    expect((await frr.session(ours))?.diagnostic).toBe("control detection time expired");
    const again = await VrrpRole.start(pair.lb1, ourPlan(family));
    await Promise.all([again.sessionReaches("up"), frr.reaches("up", ours)]);

    await again.stop();
    await frr.reaches("down", ours);
    expect((await frr.session(ours))?.["remote-diagnostic"]).toBe("administratively down");
    const last = await VrrpRole.start(pair.lb1, ourPlan(family));
    await last.sessionReaches("up");
    await frr.kill();
    await last.sessionReaches("down");
    expect(last.session()?.reason).toStartWith(`no packet from ${theirs} for `);
  }, 60_000);
}

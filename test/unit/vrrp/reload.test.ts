import { describe, expect, test } from "bun:test";
import { toHex } from "../../../src/base/bytes.ts";
import type { ScriptTrackPlan } from "../../../src/config/track-plan.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { startedPair } from "./vrrp-pair.ts";

const first = vrrpPlan([instancePlan({ priority: 200 })]);
const second = vrrpPlan([instancePlan({ priority: 100 })]);
const uplink: ScriptTrackPlan = {
  kind: "script",
  reverse: false,
  name: "uplink",
  command: ["/usr/local/bin/check-uplink"],
  intervalMs: 1000,
  timeoutMs: 500,
  jitterMs: 0,
  rise: 1,
  fall: 2,
  weight: -150,
  user: null,
};

describe("a new plan", () => {
  test("changes nothing on the wire and in the kernel when it is the old one", () => {
    const { clock, segment, lb1 } = startedPair([first, second]);
    clock.advance(10_000);
    const before = { sent: segment.sent.length, announced: lb1.machine.announced.length };
    lb1.node.configure(vrrpPlan([instancePlan({ priority: 200 })]), []);
    expect({ sent: segment.sent.length, announced: lb1.machine.announced.length }).toEqual(before);
    clock.advance(1000);
    expect(segment.sent.length).toBe(before.sent + 1);
  });

  test("applies a changed priority in place, and the election decides", () => {
    const { clock, lb1, lb2 } = startedPair([first, second]);
    clock.advance(4000);
    lb1.node.configure(vrrpPlan([instancePlan({ priority: 50 })]), []);
    expect(lb1.status()).toMatchObject({ state: "active", priority: 50 });
    clock.advance(4000);
    expect([lb1.state(), lb2.state()]).toEqual(["backup", "active"]);
  });

  test("exchanges one address and leaves the role alone", () => {
    const { clock, segment, lb1 } = startedPair([first, second]);
    clock.advance(10_000);
    lb1.node.configure(vrrpPlan([instancePlan({ priority: 200, vip: "192.0.2.101" })]), []);
    expect(lb1.machine.holds("192.0.2.100")).toBe(false);
    expect(lb1.machine.holds("192.0.2.101")).toBe(true);
    expect(lb1.state()).toBe("active");
    expect(lb1.machine.announced.at(-1)).toBe("192.0.2.101");
    // Version 3, priority 200, the new list.
    expect(toHex(segment.sent.at(-1)?.payload ?? new Uint8Array())).toEndWith("c0000265");
  });

  test("resigns an instance that is gone and starts one that is new", () => {
    const { clock, lb1, lb2 } = startedPair([first, second]);
    clock.advance(4000);
    const other = instancePlan({ name: "public-2", vrid: 52, vip: "192.0.2.101" });
    lb1.node.configure(vrrpPlan([other]), []);
    clock.advance(700);
    expect(lb2.state()).toBe("active");
    expect(lb1.machine.holds("192.0.2.100")).toBe(false);
    clock.advance(4000);
    expect(lb1.state("public-2")).toBe("active");
  });

  test("leaves everything as it is when it cannot be carried out", () => {
    const { clock, lb1 } = startedPair([first, second]);
    clock.advance(4000);
    const bad = vrrpPlan([instancePlan({ priority: 50 })], { tracks: [{ ...uplink, user: "nemo" }] });
    expect(() => lb1.node.configure(bad, [])).toThrow("there is no user nemo to run a script as");
    expect(lb1.status()).toMatchObject({ state: "active", priority: 200 });
  });
});

/** Lets the script's promise and then its timer have their turn. */
async function advance(clock: { advance(ms: number): void }, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    clock.advance(100);
    await Promise.resolve();
    await Promise.resolve();
  }
}

describe("a tracked script", () => {
  const tracked = vrrpPlan([instancePlan({ priority: 200, tracks: ["uplink"] })], { tracks: [uplink] });
  const failed = { hasSucceeded: false, text: "exit status 1" };

  test("lowers the priority after `fall` failures, and the address moves", async () => {
    const { clock, lb1, lb2 } = startedPair([tracked, second]);
    await advance(clock, 4000);
    expect(lb1.state()).toBe("active");
    lb1.machine.scripts.set("/usr/local/bin/check-uplink", failed);
    await advance(clock, 2100);
    expect(lb1.status()).toMatchObject({
      priority: 50,
      basePriority: 200,
      claims: ["track uplink: exit status 1: −150"],
    });
    await advance(clock, 4000);
    expect([lb1.state(), lb2.state()]).toEqual(["backup", "active"]);
    lb1.machine.scripts.clear();
    await advance(clock, 8000);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "backup"]);
  });

  test("withdraws the claim with weight 0", async () => {
    const withdrawing = vrrpPlan(tracked.instances, { tracks: [{ ...uplink, weight: 0 }] });
    const { clock, lb1 } = startedPair([withdrawing, second]);
    lb1.machine.scripts.set("/usr/local/bin/check-uplink", failed);
    await advance(clock, 4000);
    expect(lb1.status()).toMatchObject({
      state: "fault",
      reason: "track uplink: exit status 1",
      claims: ["track uplink: exit status 1: claim withdrawn"],
    });
  });
});

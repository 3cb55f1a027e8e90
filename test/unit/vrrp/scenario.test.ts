import { describe, expect, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { type InstanceWish, instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { startedPair } from "./vrrp-pair.ts";

const vip = "192.0.2.100";

function plans(first: InstanceWish = {}, second: InstanceWish = {}): readonly [VrrpPlan, VrrpPlan] {
  return [
    vrrpPlan([instancePlan({ priority: 200, ...first })]),
    vrrpPlan([instancePlan({ priority: 100, ...second })]),
  ];
}

describe("a pair", () => {
  test("lets the preferred node take the address, announced in a burst and again later", () => {
    const { clock, lb1, lb2 } = startedPair(plans());
    clock.advance(4000);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "backup"]);
    expect([lb1.machine.holds(vip), lb2.machine.holds(vip)]).toEqual([true, false]);
    expect(lb1.machine.announced.length).toBe(5);
    clock.advance(5000);
    expect(lb1.machine.announced.length).toBe(10);
    expect(lb2.status().peer).toEqual({ address: "192.0.2.10", priority: 200 });
  });

  test("moves the address within Skew_Time when the active node is stopped", () => {
    const { clock, lb1, lb2 } = startedPair(plans());
    clock.advance(4000);
    lb1.stop();
    clock.advance(616);
    expect(lb2.state()).toBe("active");
    expect(lb1.machine.holds(vip)).toBe(false);
    expect(lb2.log.at(-1)).toBe("public-1: backup → active: 192.0.2.10 resigned");
  });

  test("moves the address after Active_Down_Interval when the active node loses its cable", () => {
    const { clock, lb1, lb2 } = startedPair(plans());
    clock.advance(4000);
    lb1.machine.setCarrier("eth0", false);
    clock.advance(1);
    expect(lb1.state()).toBe("fault");
    expect(lb1.machine.holds(vip)).toBe(false);
    clock.advance(3700);
    expect(lb2.state()).toBe("active");
    expect(lb2.status().reason).toStartWith("no advertisement from 192.0.2.10 for 3.6");
  });

  test("brings it back with preempt, and not without", () => {
    for (const [preempts, expected] of [
      [true, ["active", "backup"]],
      [false, ["backup", "active"]],
    ] as const) {
      const { clock, lb1, lb2 } = startedPair(plans({ preempts }, { preempts }));
      clock.advance(4000);
      lb1.machine.setCarrier("eth0", false);
      clock.advance(4000);
      lb1.machine.setCarrier("eth0", true);
      clock.advance(8000);
      expect([lb1.state(), lb2.state()]).toEqual([...expected]);
    }
  });

  test("breaks a tie by the higher address", () => {
    const { clock, segment, lb1, lb2 } = startedPair(plans({ priority: 100 }));
    segment.isolate("lb1", "eth0", 1);
    clock.advance(4000);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "active"]);
    segment.heal();
    clock.advance(1100);
    expect([lb1.state(), lb2.state()]).toEqual(["backup", "active"]);
    expect(lb1.machine.holds(vip)).toBe(false);
  });

  test("announces the address again after a losing rival was heard", () => {
    const { clock, segment, lb1 } = startedPair(plans());
    segment.isolate("lb1", "eth0", 1);
    clock.advance(10_000);
    const before = lb1.machine.announced.length;
    segment.heal();
    clock.advance(1100);
    expect(lb1.machine.announced.length).toBe(before + 5);
  });

  test("learns the interval of the active node in version 3", () => {
    const { clock, lb1, lb2 } = startedPair(plans({ advertIntervalMs: 100 }));
    clock.advance(2000);
    lb1.kill();
    clock.advance(400);
    expect(lb2.state()).toBe("active");
    expect(lb2.status().counters["oddInterval"]).toBeGreaterThan(0);
  });

  test("drops another interval in version 2: both are active, and the log says why", () => {
    const { clock, lb1, lb2 } = startedPair(plans({ version: 2, advertIntervalMs: 2000 }, { version: 2 }));
    clock.advance(8000);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "active"]);
    expect(lb2.log).toContain(
      "public-1: advertisement from 192.0.2.10 dropped: its interval is 2 s, ours is 1 s",
    );
  });

  test("counts another list of addresses once for each node that is heard if that is asked for", () => {
    const [first, second] = plans({ vip: "192.0.2.99" }, { skipsAddressCheck: true });
    const { clock, lb1, lb2 } = startedPair([first, second]);
    clock.advance(20_000);
    expect(lb1.state()).toBe("active");
    expect(lb2.status().counters["oddAddressList"]).toBe(1);
    lb2.node.configure(vrrpPlan([instancePlan({ priority: 100 })]), []);
    clock.advance(5000);
    expect(lb2.status().counters["oddAddressList"]).toBeGreaterThan(4);
  });

  test("does not make two actives of two lists of addresses", () => {
    const { clock, lb1, lb2 } = startedPair(plans({ version: 2 }, { version: 2, vip: "192.0.2.101" }));
    clock.advance(8000);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "backup"]);
    expect(lb2.status().counters["oddAddressList"]).toBeGreaterThan(0);
  });

  test("takes a password into account", () => {
    const { clock, lb1, lb2 } = startedPair(
      plans({ version: 2, password: "s3cr3t" }, { version: 2, password: "s3cr3t" }),
    );
    clock.advance(8000);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "backup"]);
    expect(lb2.status().counters["droppedAuth"]).toBe(0);
  });
});

describe("a node", () => {
  test("puts an address back that somebody else removed", () => {
    const { clock, lb1 } = startedPair(plans());
    clock.advance(4000);
    lb1.machine.removeByHand(vip);
    clock.advance(1);
    expect(lb1.machine.holds(vip)).toBe(true);
    expect(lb1.log.at(-1)).toBe("public-1: 192.0.2.100/24 on eth0 was removed by someone else: put back");
  });

  test("finds by comparing what no event told", () => {
    const { clock, lb1 } = startedPair(plans());
    clock.advance(4000);
    lb1.machine.removeByHand(vip);
    lb1.node.reconcile();
    expect(lb1.machine.holds(vip)).toBe(true);
  });

  test("keeps the address and its role when its process is killed and the next one adopts", () => {
    const { clock, lb1, lb2 } = startedPair(plans());
    clock.advance(4000);
    lb1.kill();
    clock.advance(200);
    lb1.start(["public-1"]);
    expect(lb1.state()).toBe("active");
    clock.advance(5000);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "backup"]);
    expect(lb2.status().counters["becameActive"]).toBe(0);
    lb1.stop();
    clock.advance(700);
    expect(lb1.machine.holds(vip)).toBe(false);
  });

  test("removes at the start what an earlier run left, and nothing else", () => {
    const { clock, lb1 } = startedPair(plans());
    clock.advance(4000);
    lb1.machine.addByHand("eth0", "192.0.2.77", 0x45);
    lb1.machine.addByHand("eth0", "192.0.2.78");
    lb1.kill();
    // Another node may have claimed by now.
    clock.advance(3500);
    lb1.start();
    expect(lb1.machine.holds(vip)).toBe(false);
    expect(lb1.machine.holds("192.0.2.77")).toBe(false);
    expect(lb1.machine.holds("192.0.2.78")).toBe(true);
  });

  test("neither takes nor removes an address that somebody else configured", () => {
    const { clock, lb2 } = startedPair(plans());
    lb2.machine.addByHand("eth0", vip);
    clock.advance(4000);
    lb2.stop();
    expect(lb2.machine.holds(vip)).toBe(true);
  });

  test("is in fault without an address of its own, and recovers with one", () => {
    const { clock, lb1 } = startedPair(plans());
    clock.advance(4000);
    lb1.machine.removeByHand("192.0.2.10");
    clock.advance(1);
    expect(lb1.status()).toMatchObject({
      state: "fault",
      reason: "interface eth0 has no IPv4 address of its own",
    });
    lb1.machine.addByHand("eth0", "192.0.2.10");
    clock.advance(1);
    expect(lb1.state()).toBe("backup");
  });

  test("is in fault with a configured source that it does not have", () => {
    const { lb1 } = startedPair(plans({ source: "192.0.2.99" }));
    expect(lb1.status().reason).toBe("source address 192.0.2.99 is not on this host");
  });

  test("is in fault while its interface does not exist", () => {
    const { lb1 } = startedPair(plans());
    lb1.node.configure(vrrpPlan([instancePlan({ interface: "eth7" })]), []);
    expect(lb1.status().reason).toBe("interface eth7 does not exist");
  });

  test("withdraws its claim while no proxy is alive, if the instance needs one", () => {
    const { clock, lb1, lb2 } = startedPair(plans({ needsProxy: true }));
    clock.advance(4000);
    lb1.node.setProxiesAlive(false);
    expect(lb1.status()).toMatchObject({
      state: "fault",
      priority: 0,
      claims: ["no proxy process is able to serve: claim withdrawn"],
    });
    clock.advance(700);
    expect(lb2.state()).toBe("active");
    lb1.node.setProxiesAlive(true);
    clock.advance(4000);
    expect(lb1.state()).toBe("active");
  });
});

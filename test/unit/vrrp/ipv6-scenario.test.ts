import { describe, expect, test } from "bun:test";
import type { HmacPlan, VrrpPlan } from "../../../src/config/node-plan.ts";
import { type InstanceWish, instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { fakeCluster, type FakeRouterMachine, startedPair } from "./vrrp-pair.ts";

const vip = "2001:db8::100";
const linkLocal = "fe80::200:5eff:fe00:233";

function plans(first: InstanceWish = {}, second: InstanceWish = {}): readonly [VrrpPlan, VrrpPlan] {
  return [
    vrrpPlan([instancePlan({ vip, priority: 200, ...first })]),
    vrrpPlan([instancePlan({ vip, priority: 100, ...second })]),
  ];
}

const bothFamilies = (priority: number): VrrpPlan =>
  vrrpPlan([
    instancePlan({ priority }),
    instancePlan({ name: "public-1-v6", vip, priority: 255 - priority }),
  ]);

const dropped = (machine: FakeRouterMachine): readonly string[] =>
  Object.entries(machine.status().counters)
    .filter(([name, count]) => /^(dropped|odd)/.test(name) && count > 0)
    .map(([name]) => name);

describe("a pair over IPv6", () => {
  test("elects, announces the link-local address and the other, moves both on a cut, and brings them back", () => {
    const { clock, lb1, lb2, segment } = startedPair(plans());
    clock.advance(4000);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "backup"]);
    expect(lb1.machine.announced).toEqual(Array.from({ length: 5 }, () => [linkLocal, vip]).flat());
    expect(lb1.status().addresses).toEqual([`${linkLocal}/64`, `${vip}/64`]);
    expect(lb2.status().peer).toEqual({ address: "fe80::a", priority: 200 });
    expect(segment.sent.at(-1)?.payload.length).toBe(40);
    lb1.machine.setCarrier("eth0", false);
    clock.advance(4000);
    expect([lb1.state(), lb2.state()]).toEqual(["fault", "active"]);
    for (const address of [linkLocal, vip]) {
      expect([lb1.machine.holds(address), lb2.machine.holds(address)]).toEqual([false, true]);
    }
    lb1.machine.setCarrier("eth0", true);
    clock.advance(8000);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "backup"]);
    expect([...dropped(lb1), ...dropped(lb2)]).toEqual([]);
  });

  test("breaks a tie by the higher link-local address, as a number and not as text", () => {
    const { clock, lb1, lb2 } = startedPair(plans({ priority: 100 }));
    lb1.machine.addByHand("eth0", "fe80::9");
    lb1.machine.removeByHand("fe80::a");
    lb2.machine.addByHand("eth0", "fe80::10");
    lb2.machine.removeByHand("fe80::b");
    clock.advance(9000);
    expect([lb1.state(), lb2.state()]).toEqual(["backup", "active"]);
    expect(lb1.status().peer).toEqual({ address: "fe80::10", priority: 100 });
  });

  test("signs and believes", () => {
    const key = { id: 1, hex: "0123456789abcdef0123456789abcdef" };
    const hmac: HmacPlan = { keys: [key], activeKey: 1, timeWindowMs: 30_000, mode: "enforce" };
    const { clock, lb1, lb2, segment } = startedPair(plans({ hmac }, { hmac }));
    clock.advance(10_000);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "backup"]);
    expect(segment.sent.at(-1)?.payload.length).toBe(68);
    expect([...dropped(lb1), ...dropped(lb2)]).toEqual([]);
  });

  test("shares its VRID with a router over IPv4 on the same interface, and neither minds the other", () => {
    const { clock, lb1, lb2 } = startedPair([bothFamilies(200), bothFamilies(100)]);
    clock.advance(10_000);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "backup"]);
    expect([lb1.state("public-1-v6"), lb2.state("public-1-v6")]).toEqual(["backup", "active"]);
    expect([...dropped(lb1), ...dropped(lb2)]).toEqual([]);
  });
});

describe("a node over IPv6", () => {
  test("is in fault without a link-local address of its own, and while that is tentative or another's", () => {
    const { clock, lb1 } = startedPair(plans());
    const { machine } = lb1;
    clock.advance(100);
    machine.removeByHand("fe80::a");
    machine.addByHand("eth0", "2001:db8::a");
    clock.advance(100);
    expect(lb1.status().reason).toBe("interface eth0 has no IPv6 link-local address of its own");
    machine.addByHand("eth0", "fe80::a");
    machine.setReadiness("fe80::a", "tentative");
    clock.advance(100);
    expect(lb1.status().reason).toBe("fe80::a is tentative: duplicate address detection has not finished");
    machine.setReadiness("fe80::a", "duplicate");
    clock.advance(100);
    expect(lb1.status().reason).toBe("fe80::a is another host's too: duplicate address detection has failed");
    expect(lb1.state()).toBe("fault");
    machine.setReadiness("fe80::a", "ready");
    clock.advance(100);
    expect(lb1.state()).toBe("backup");
  });

  test("never takes a virtual link-local address for its own, nor another's tag", () => {
    const { clock, lb1 } = startedPair(plans());
    lb1.machine.removeByHand("fe80::a");
    lb1.machine.addByHand("eth0", linkLocal);
    lb1.machine.addByHand("eth0", "fe80::77", 0x45);
    clock.advance(100);
    expect(lb1.status().reason).toBe("interface eth0 has no IPv6 link-local address of its own");
  });

  test("takes the source it is told to, once that is on its own interface and ready", () => {
    const { clock, lb1, lb2 } = startedPair(plans({ source: "fe80::99" }));
    clock.advance(100);
    expect(lb1.status().reason).toBe("source address fe80::99 is not on this host");
    lb1.machine.addByHand("eth0", "fe80::99");
    lb1.machine.setReadiness("fe80::99", "tentative");
    clock.advance(100);
    expect(lb1.status().reason).toStartWith("fe80::99 is tentative");
    lb1.machine.setReadiness("fe80::99", "ready");
    clock.advance(8000);
    expect(lb2.status().peer).toEqual({ address: "fe80::99", priority: 200 });
  });

  test("puts an address back that somebody else removed", () => {
    const { clock, lb1 } = startedPair(plans());
    clock.advance(4000);
    lb1.machine.removeByHand(linkLocal);
    clock.advance(1);
    expect(lb1.machine.holds(linkLocal)).toBe(true);
  });

  test("says when an address is another host's too, and tries again, ever more seldom", () => {
    const { clock, lb1 } = startedPair(plans());
    clock.advance(4000);
    const announced = lb1.machine.announced.filter((address) => address === vip).length;
    for (const seconds of [1, 2, 4]) {
      lb1.machine.setReadiness(vip, "duplicate");
      clock.advance(10);
      expect([lb1.state(), lb1.status().duplicates]).toEqual(["active", [`${vip}/64`]]);
      expect(lb1.log.at(-1)).toContain(
        `public-1: ${vip}/64 on eth0 is another host's too, and does not answer here: duplicate address detection has failed; it is tried again in ${seconds} s`,
      );
      clock.advance(seconds * 1000 - 20);
      expect(lb1.machine.holds(vip)).toBe(true);
      lb1.machine.holdBack(vip);
      clock.advance(20);
    }
    lb1.machine.setReadiness(vip, "ready");
    clock.advance(10);
    expect(lb1.status().duplicates).toEqual([]);
    expect(lb1.machine.announced.filter((address) => address === vip).length).toBeGreaterThan(announced);
  });

  test("forgets a duplicate that a new plan does not have, and stops without it", () => {
    const instance = instancePlan({ vip, priority: 200 });
    const [first, second] = instance.addresses;
    if (first === undefined || second === undefined) throw new Error("an IPv6 router has two addresses");
    const other = { ...second, address: "2001:db8::101", detectsDuplicates: true };
    const withBoth = { ...instance, addresses: [first, { ...second, detectsDuplicates: true }, other] };
    const withOther = { ...instance, name: "renamed", addresses: [first, other] };
    const cluster = fakeCluster([vrrpPlan([withBoth])]);
    const { clock } = cluster;
    const [lb1] = cluster.machines;
    if (lb1 === undefined) throw new Error("a machine was made");
    lb1.start();
    clock.advance(4000);
    for (const address of [vip, other.address]) lb1.machine.setReadiness(address, "duplicate");
    clock.advance(10);
    expect(lb1.status().duplicates).toEqual([`${vip}/64`, `${other.address}/64`]);
    lb1.node.configure(vrrpPlan([withOther]), []);
    clock.advance(3000);
    expect([lb1.machine.holds(vip), lb1.machine.holds(other.address)]).toEqual([false, true]);
    // It was tried again meanwhile, and nobody else had it.
    expect(lb1.status("renamed").duplicates).toEqual([]);
    expect(lb1.log.at(-1)).toStartWith(`renamed: ${other.address}/64 on eth0 is no other host's any more`);
    lb1.stop();
    clock.advance(6000);
    expect([lb1.isUp, lb1.machine.holds(vip), lb1.machine.holds(other.address)]).toEqual([
      false,
      false,
      false,
    ]);
  });
});

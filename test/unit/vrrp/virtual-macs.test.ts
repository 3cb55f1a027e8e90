import { describe, expect, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import type { LinkDetails } from "../../../src/kernel/virtual-mac-links.ts";
import { isFor, linkFor, obstacleBelow, refusalText } from "../../../src/vrrp/virtual-mac-fitness.ts";
import { SystemError } from "../../../src/base/system-error.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { startedPair } from "./vrrp-pair.ts";

const link = "vrrp4-51-eth0";

function plan(priority: number, isVirtual = true): VrrpPlan {
  return vrrpPlan([instancePlan({ priority, virtualMac: isVirtual ? link : null })]);
}

describe("the interface of a virtual MAC", () => {
  test("is made with its router, up while the router is active, and gone with it", () => {
    const { clock, lb1, lb2 } = startedPair([plan(200), plan(100)]);
    clock.advance(10_000);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "backup"]);
    expect(lb1.machine.virtualMacLinks.done).toEqual([`make ${link} on eth0`, `up ${link}`]);
    expect(lb2.machine.virtualMacLinks.done).toEqual([`make ${link} on eth0`]);
    expect(lb1.status().virtualMac).toEqual({ interface: link, mac: "00:00:5e:00:01:33" });
    lb1.stop();
    clock.advance(10_000);
    expect(lb2.state()).toBe("active");
    expect(lb1.machine.virtualMacLinks.done.slice(2)).toEqual([`down ${link}`, `remove ${link}`]);
    expect(lb2.machine.virtualMacLinks.done.slice(1)).toEqual([`up ${link}`]);
  });

  test("is taken over as it is by a process that adopts, and set down by one that does not", () => {
    const { clock, lb1 } = startedPair([plan(200), plan(100)]);
    clock.advance(10_000);
    lb1.kill();
    lb1.start(["public-1"]);
    clock.advance(1000);
    expect(lb1.state()).toBe("active");
    expect(lb1.machine.virtualMacLinks.done).toEqual([`make ${link} on eth0`, `up ${link}`]);
    lb1.kill();
    clock.advance(30_000);
    lb1.start();
    expect(lb1.machine.virtualMacLinks.done.slice(2)).toEqual([`down ${link}`]);
    expect(lb1.machine.holds("192.0.2.100")).toBe(false);
  });

  test("comes back, with the address, when somebody removes it or sets it down", () => {
    const { clock, lb1 } = startedPair([plan(200), plan(100)]);
    clock.advance(10_000);
    const { virtualMacLinks } = lb1.machine;
    lb1.machine.removeByHand("192.0.2.100");
    virtualMacLinks.removeByHand(link);
    clock.advance(5);
    expect(virtualMacLinks.done.slice(2)).toEqual([`make ${link} on eth0`, `up ${link}`]);
    expect([lb1.state(), lb1.machine.holds("192.0.2.100")]).toEqual(["active", true]);
    virtualMacLinks.setUp({ name: link }, false);
    clock.advance(5);
    expect(virtualMacLinks.done.slice(4)).toEqual([`down ${link}`, `up ${link}`]);
  });

  test("goes and comes with the setting, while the address stays", () => {
    const { clock, lb1, lb2 } = startedPair([plan(200), plan(100)]);
    clock.advance(10_000);
    lb1.node.configure(plan(200, false), []);
    clock.advance(5);
    expect(lb1.machine.virtualMacLinks.done.at(-1)).toBe(`remove ${link}`);
    expect([lb1.state(), lb1.machine.holds("192.0.2.100")]).toEqual(["active", true]);
    lb1.node.configure(plan(200), []);
    clock.advance(10_000);
    expect(lb1.machine.virtualMacLinks.done.slice(-2)).toEqual([`make ${link} on eth0`, `up ${link}`]);
    expect([lb1.state(), lb2.state()]).toEqual(["active", "backup"]);
  });

  test("that cannot be made is a reason to take no part", () => {
    const { clock, lb1, lb2 } = startedPair([plan(200), plan(100)]);
    lb1.kill();
    lb1.machine.virtualMacLinks.removeByHand(link);
    lb1.machine.virtualMacLinks.obstacle = "net.ipv4.conf.all.arp_filter: set it to 0";
    lb1.start();
    clock.advance(10_000);
    expect(lb1.status()).toMatchObject({
      state: "fault",
      reason: "no virtual MAC: net.ipv4.conf.all.arp_filter: set it to 0",
    });
    expect(lb2.state()).toBe("active");
    lb1.machine.virtualMacLinks.obstacle = null;
    lb1.node.reconcile();
    clock.advance(10_000);
    expect(lb1.state()).toBe("active");
  });

  test("of an interface that comes later is made then, and what an earlier run left is removed", () => {
    const { clock, lb1 } = startedPair([plan(200), plan(100)]);
    lb1.kill();
    lb1.machine.setCarrier("eth0", false);
    lb1.start();
    clock.advance(5);
    expect(lb1.status().reason).toBe("interface eth0 has no carrier");
    expect(lb1.machine.virtualMacLinks.list().map(({ name }) => name)).toEqual(["eth0", link]);
    lb1.node.configure(plan(200, false), []);
    clock.advance(5);
    expect(lb1.machine.virtualMacLinks.list().map(({ name }) => name)).toEqual(["eth0"]);
  });
});

describe("where a virtual MAC can be", () => {
  const eth0: LinkDetails = {
    index: 2,
    name: "eth0",
    mac: new Uint8Array(6),
    isUp: true,
    isEthernet: true,
    kind: null,
    group: 0,
    alias: null,
    parentIndex: null,
    isMacvlanBridge: false,
  };

  test("on Ethernet, but not on what has one MAC only", () => {
    for (const kind of [null, "vlan", "bond", "bridge", "veth"]) {
      expect(obstacleBelow({ ...eth0, kind })).toBeNull();
    }
    expect(obstacleBelow({ ...eth0, name: "lo", isEthernet: false })).toBe("lo is no Ethernet interface");
    expect(obstacleBelow({ ...eth0, kind: "macvlan" })).toStartWith(
      "eth0 is a macvlan, which has one MAC only",
    );
    expect(refusalText("eth0", new SystemError("RTM_NEWLINK", "EBUSY"))).toContain("belongs to a bridge");
  });

  test("an interface that is there does if nothing about it differs", () => {
    const [router] = plan(100).instances;
    if (router === undefined) throw new Error("there is no router");
    const request = linkFor(router, eth0);
    const own = { kind: "macvlan", group: 0x4548, parentIndex: 2, isMacvlanBridge: true } as const;
    const found: LinkDetails = { ...eth0, name: link, mac: request.mac, ...own };
    expect(isFor(found, request)).toBe(true);
    for (const other of [{ group: 0 }, { parentIndex: 3 }, { isMacvlanBridge: false }, { mac: eth0.mac }]) {
      expect(isFor({ ...found, ...other }, request)).toBe(false);
    }
  });
});

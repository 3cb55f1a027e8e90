import { describe, expect, test } from "bun:test";
import type { VrrpInstancePlan } from "../../../src/config/node-plan.ts";
import { extra, route, rule } from "../../support/holdings-bench.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { startedPair } from "./vrrp-pair.ts";

const vip = "192.0.2.100";
const more = {
  extraAddresses: [{ ...extra("2001:db8::100"), length: 64 }],
  routes: [route("198.51.100.0")],
  rules: [rule(1000)],
};
const plans = [
  vrrpPlan([instancePlan({ priority: 200, ...more })]),
  vrrpPlan([instancePlan({ priority: 100, ...more })]),
] as const;

const on = (name: string, vrid: number): VrrpInstancePlan =>
  instancePlan({ name, interface: name, vrid, vip: `192.0.${vrid}.100` });

describe("an interface of an active router", () => {
  test("keeps nothing of it when it gets another name while it is up", () => {
    const { clock, lb1, lb2 } = startedPair(plans);
    clock.advance(5000);
    expect(lb1.state()).toBe("active");
    lb1.machine.changeLink("eth0", { name: "lan0" });
    clock.advance(50);
    expect(lb1.status()).toMatchObject({ state: "fault", reason: "interface eth0 does not exist" });
    expect([vip, "2001:db8::100"].filter((address) => lb1.machine.holds(address))).toEqual([]);
    expect([lb1.machine.fib.routes, lb1.machine.fib.rules]).toEqual([[], []]);
    clock.advance(5000);
    expect(lb2.state()).toBe("active");
    lb1.machine.changeLink("lan0", { name: "eth0" });
    clock.advance(5000);
    expect(lb1.state()).toBe("active");
    expect(lb1.machine.holds("2001:db8::100")).toBe(true);
  });

  test("loses an extra address to the one that has its name now", () => {
    const withExtra = instancePlan({ priority: 200, extraAddresses: [extra("2001:db8::100", "eth1")] });
    const { clock, lb1 } = startedPair([
      vrrpPlan([withExtra, on("eth1", 3), on("eth2", 4)]),
      vrrpPlan([on("eth1", 3), on("eth2", 4)]),
    ]);
    const { host } = lb1.machine.boot();
    const nameOf = (index: number): string | undefined =>
      host.routes.links().find((link) => link.index === index)?.name;
    const where = (): readonly (string | undefined)[] =>
      host.routes
        .addresses()
        .flatMap((found) => (found.address === "2001:db8::100" ? [nameOf(found.linkIndex)] : []));
    clock.advance(5000);
    expect(where()).toEqual(["eth1"]);
    lb1.machine.changeLink("eth1", { name: "old1" });
    lb1.machine.changeLink("eth2", { name: "eth1" });
    clock.advance(50);
    expect(lb1.state()).toBe("active");
    expect(where()).toEqual(["eth1"]);
  });

  test("is announced anew with another MAC, and asked from it", () => {
    const { clock, lb1, lb2 } = startedPair(plans);
    clock.advance(20_000);
    const mac = Uint8Array.of(2, 0x11, 0x22, 0x33, 0x44, 0x55);
    const before = lb1.machine.announced.length;
    lb1.machine.changeLink("eth0", { mac });
    clock.advance(20);
    expect(lb1.machine.announced.slice(before, before + 2)).toEqual([vip, "2001:db8::100"]);
    clock.advance(20_000);
    expect(lb1.machine.askedAs.at(-1)).toEqual(mac);
    expect(lb1.status()).toMatchObject({ state: "active", splitBrain: null });
    expect(lb2.status()).toMatchObject({ state: "backup", splitBrain: null });
    const later = lb1.machine.announced.length;
    clock.advance(60_000);
    expect(lb1.machine.announced.length).toBe(later);
  });
});

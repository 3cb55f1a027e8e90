import { describe, expect, test } from "bun:test";
import { leaseS, wasHeldJustNow } from "../../../src/vrrp/lease.ts";
import { instancePlan } from "../../support/vrrp-plans.ts";

const lease = (remainingS: number | null, address = "192.0.2.100") => {
  return { linkIndex: 2, address, prefixLength: 24, protocol: 0x45, remainingS };
};
const everySecond = instancePlan({ advertIntervalMs: 1000 });

describe("leaseS()", () => {
  test("lasts until a backup has claimed, and never less than the next process needs", () => {
    expect(leaseS({ advertIntervalMs: 10, downAfter: 3 })).toBe(5);
    expect(leaseS({ advertIntervalMs: 1000, downAfter: 3 })).toBe(5);
    expect(leaseS({ advertIntervalMs: 3000, downAfter: 3 })).toBe(13);
    expect(leaseS({ advertIntervalMs: 40_950, downAfter: 3 })).toBe(165);
    expect(leaseS({ advertIntervalMs: 1000, downAfter: 30 })).toBe(32);
  });
});

describe("wasHeldJustNow()", () => {
  test("is true while no backup can have claimed: less than three intervals since the renewal", () => {
    expect(wasHeldJustNow(everySecond, [lease(5)])).toBe(true);
    expect(wasHeldJustNow(everySecond, [lease(3)])).toBe(true);
    expect(wasHeldJustNow(everySecond, [lease(2)])).toBe(false);
    expect(wasHeldJustNow(everySecond, [lease(0)])).toBe(false);
  });

  test("is false for an address without lease, or with one that is not ours", () => {
    expect(wasHeldJustNow(everySecond, [lease(null)])).toBe(false);
    expect(wasHeldJustNow(everySecond, [lease(3600)])).toBe(false);
    expect(wasHeldJustNow(everySecond, [])).toBe(false);
    expect(wasHeldJustNow(everySecond, [lease(5, "192.0.2.101")])).toBe(false);
  });

  test("is false at intervals that the kernel's seconds cannot tell apart", () => {
    expect(wasHeldJustNow(instancePlan({ advertIntervalMs: 300 }), [lease(5)])).toBe(false);
    expect(wasHeldJustNow(instancePlan({ advertIntervalMs: 340 }), [lease(5)])).toBe(true);
  });
});

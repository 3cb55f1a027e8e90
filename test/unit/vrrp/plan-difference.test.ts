import { describe, expect, test } from "bun:test";
import { planDifference } from "../../../src/vrrp/plan-difference.ts";
import { instancePlan } from "../../support/vrrp-plans.ts";

describe("planDifference", () => {
  const plan = instancePlan();

  test("has nothing to do when nothing changed", () => {
    expect(planDifference([plan], [instancePlan()])).toEqual({ removed: [], added: [], changed: [] });
  });

  test("goes on with an instance whose name, priority or addresses changed", () => {
    const next = instancePlan({ name: "renamed", priority: 90, vip: "192.0.2.101" });
    expect(planDifference([plan], [next])).toEqual({ removed: [], added: [], changed: [next] });
  });

  test("ends one virtual router and begins another when the VRID or the interface changed", () => {
    for (const next of [instancePlan({ vrid: 52 }), instancePlan({ interface: "eth1" })]) {
      expect(planDifference([plan], [next])).toEqual({ removed: [plan], added: [next], changed: [] });
    }
  });
});

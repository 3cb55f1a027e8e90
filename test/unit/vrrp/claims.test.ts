import { describe, expect, test } from "bun:test";
import type { SyncGroupPlan, VrrpInstancePlan } from "../../../src/config/node-plan.ts";
import type { PathPlace } from "../../../src/vrrp/adverts.ts";
import { Claims } from "../../../src/vrrp/claims.ts";
import type { Burden } from "../../../src/vrrp/tracking.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";

const link = { index: 2, name: "eth0", mac: new Uint8Array(6), isUp: true, hasCarrier: true, mtu: 1500 };
const spoken = { link, group: "224.0.0.18", source: "192.0.2.10", speaker: null };
const usable: PathPlace = { interface: "eth0", place: spoken, problem: null, networks: () => [] };
const instances = [1, 2, 3, 4].map((vrid) => instancePlan({ name: `public-${vrid}`, vrid, priority: 200 }));
const group: SyncGroupPlan = {
  name: "VG_1",
  instances: ["public-1", "public-2", "public-3"],
  tracks: [],
  notify: null,
};

/** Claims of four routers, three of them in a group; notes who was looked at. */
class Bench {
  readonly looks: string[] = [];
  readonly burdens = new Map<string, Burden>();
  readonly claims: Claims;

  constructor(plans: readonly VrrpInstancePlan[] = instances) {
    this.claims = new Claims({
      plan: () => vrrpPlan(plans, { syncGroups: [group] }),
      groupOf: (name) => (group.instances.includes(name) ? group : null),
      tracks: { burdens: (names) => names.flatMap((name) => this.burdens.get(name) ?? []) },
      places: {
        of: ({ name }) => {
          this.looks.push(name);
          return [usable];
        },
      },
    });
  }

  priorities(plans: readonly VrrpInstancePlan[]): readonly (number | string)[] {
    const survey = this.claims.survey();
    return plans.map((plan) => {
      const { claim } = survey.weigh(plan);
      return claim.kind === "standing" ? claim.priority : claim.reason;
    });
  }
}

describe("a survey", () => {
  test("looks at each router once, however many share what it finds", () => {
    const bench = new Bench();
    const survey = bench.claims.survey();
    for (const plan of instances) {
      survey.weigh(plan);
      survey.pathsOf(plan);
    }
    expect(bench.looks.toSorted()).toEqual(instances.map(({ name }) => name));
  });

  test("has what burdens one member of a group burden all, and nobody else", () => {
    const tracked = instances.map((plan) => (plan.vrid === 2 ? { ...plan, tracks: ["uplink"] } : plan));
    const bench = new Bench(tracked);
    bench.burdens.set("uplink", { name: "track uplink", weight: -30, reason: "uplink fails: -30" });
    expect(bench.priorities(tracked)).toEqual([170, 170, 170, 200]);
  });

  test("weighs one that is about to leave by its own plan, beside those of the plan in force", () => {
    const old = instancePlan({ name: "public-1", vrid: 9, priority: 50 });
    expect(new Bench().priorities([old, ...instances])).toEqual([50, 200, 200, 200, 200]);
  });
});

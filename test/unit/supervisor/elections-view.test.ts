import { expect, test } from "bun:test";
import type { VrrpInstancePlan, VrrpPlan } from "../../../src/config/node-plan.ts";
import type { InstanceStatus } from "../../../src/ipc/status.ts";
import { ElectionsView } from "../../../src/supervisor/elections-view.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const plan = {
  instances: ["first", "second"].map(
    (name) => ({ name, advertIntervalMs: 1_000, downAfter: 3 }) as VrrpInstancePlan,
  ),
} as unknown as VrrpPlan;
const bfd = { sessions: [], strays: {} };
const instance = (
  name: string,
  state: InstanceStatus["state"],
  handedOverAt: string | null,
): InstanceStatus =>
  ({ name, interface: "eth0", family: 4, vrid: 51, state, handedOverAt }) as InstanceStatus;
const handedOver = { interface: "eth0", family: 4, vrid: 7, at: "2026-01-01T00:00:00.000Z" } as const;

test("ElectionsView has what the predecessor left until the elections have told of themselves", () => {
  const view = new ElectionsView(new FakeClock(), { active: ["first"], handedOver: [handedOver] });
  view.heard({ kind: "unchanged" });
  expect(view.active).toEqual(["first"]);
  expect(view.handedOver).toEqual([handedOver]);
  expect(view.adoptable(plan)).toEqual(["first"]);
  const instances = [instance("first", "backup", null), instance("second", "active", handedOver.at)];
  view.heard({ kind: "status", instances, bfd });
  expect(view.active).toEqual(["second"]);
  expect(view.handedOver).toEqual([{ ...handedOver, vrid: 51 }]);
  expect(view.adoptable(plan)).toEqual(["second"]);
});

test("ElectionsView lets nothing be adopted from elections that have been silent for too long", () => {
  const clock = new FakeClock();
  const view = new ElectionsView(clock, null);
  view.heard({ kind: "status", instances: [instance("first", "active", null)], bfd });
  clock.advance(5_000);
  expect(view.adoptable(plan)).toEqual([]);
  view.keptUntilNow();
  expect(view.adoptable(plan)).toEqual(["first"]);
});

import { expect, test } from "bun:test";
import { type DirectorPlan, noDirectorPlan } from "../../../src/config/node-plan.ts";
import { ArrivingPlan, type PlanMessage } from "../../../src/ipc/arriving-plan.ts";
import { DirectorOrders } from "../../../src/supervisor/director-orders.ts";
import { plannedService } from "../../support/ipvs-services.ts";

const plan = (...services: DirectorPlan["services"]): DirectorPlan => ({
  ...noDirectorPlan,
  services,
});
const [web, mail] = [plannedService({ name: "web" }), plannedService({ name: "mail" })];

/** A director process as far as its plan goes. */
class Puppet {
  plan: DirectorPlan | null = null;
  readonly #arriving = new ArrivingPlan();

  hear(message: PlanMessage | null): string {
    if (message === null) return "nothing";
    this.plan = this.#arriving.take(message) ?? this.plan;
    return message.kind;
  }
}

test("a process is told its first plan whole, and of others what is different", () => {
  const orders = new DirectorOrders(
    () => [],
    () => [],
  );
  const director = new Puppet();
  const ahead = (message: PlanMessage): void => void director.hear(message);
  // Nobody has a plan that could be changed.
  expect(orders.next(plan(web))).toBeNull();
  expect(director.hear(orders.whole(plan(web, mail), ahead))).toBe("configure");
  expect(director.plan).toEqual(plan(web, mail));
  const heavier = plannedService({ name: "mail", scheduler: "sh" });
  const next = orders.next(plan(web, heavier));
  expect(JSON.stringify(next)).not.toContain('"web"');
  expect(director.hear(next)).toBe("change");
  expect(director.plan).toEqual(plan(web, heavier));
  // Refused: the way back is a change, too.
  director.hear(orders.next(plan(web, mail)));
  expect(director.plan).toEqual(plan(web, mail));
});

test("a process that comes after one that died is told everything", () => {
  const orders = new DirectorOrders(
    () => [],
    () => [],
  );
  orders.whole(plan(web), () => undefined);
  orders.next(plan(mail));
  const successor = new Puppet();
  const ahead = (message: PlanMessage): void => void successor.hear(message);
  expect(successor.hear(orders.whole(plan(mail), ahead))).toBe("configure");
  successor.hear(orders.next(plan(mail, web)));
  expect(successor.plan).toEqual(plan(mail, web));
});

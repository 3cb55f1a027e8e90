import { expect, test } from "bun:test";
import { type DirectorPlan, noDirectorPlan } from "../../../src/config/node-plan.ts";
import { changedDirectorPlan } from "../../../src/ipc/director-change.ts";
import type { ToDirector } from "../../../src/ipc/messages.ts";
import { planOfText } from "../../../src/ipc/plan-text.ts";
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

  hear(message: ToDirector): string {
    if (message.kind === "configure") this.plan = planOfText(message.plan);
    else if (message.kind === "change" && this.plan !== null)
      this.plan = changedDirectorPlan(this.plan, message.change);
    return message.kind;
  }
}

test("a process is told its first plan whole, and of others what is different", () => {
  const orders = new DirectorOrders(
    () => [],
    () => [],
  );
  const director = new Puppet();
  expect(director.hear(orders.whole(plan(web, mail)))).toBe("configure");
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
  orders.whole(plan(web));
  orders.next(plan(mail));
  const successor = new Puppet();
  expect(successor.hear(orders.whole(plan(mail)))).toBe("configure");
  successor.hear(orders.next(plan(mail, web)));
  expect(successor.plan).toEqual(plan(mail, web));
});

import { SystemError } from "../../src/base/system-error.ts";
import { isSameRoute, ruleKey } from "../../src/kernel/fib-messages.ts";
import type {
  ChangeOutcome,
  RouteChange,
  RouteEvent,
  RouteRequest,
  RuleRequest,
} from "../../src/kernel/rtnetlink.ts";

/** The routes and rules of a fake machine. */
export class FakeFib {
  routes: RouteRequest[] = [];
  rules: RuleRequest[] = [];
  readonly #tell: (event: RouteEvent) => void;

  constructor(tell: (event: RouteEvent) => void) {
    this.#tell = tell;
  }

  /** Carries out a change as the kernel would. */
  apply(change: Extract<RouteChange, { readonly kind: `${string}-${"route" | "rule"}` }>): ChangeOutcome {
    switch (change.kind) {
      case "add-route":
        return this.#addRoute(change.route);
      case "remove-route":
        return this.#removeRoute(change.route);
      case "add-rule":
        if (this.rules.some((rule) => ruleKey(rule) === ruleKey(change.rule))) return "idle";
        this.rules.push(change.rule);
        return "done";
      case "remove-rule": {
        const { protocol } = change.rule;
        const gone = this.rules.find(
          (rule) => ruleKey(rule) === ruleKey(change.rule) && [0, protocol].includes(rule.protocol),
        );
        if (gone === undefined) return "idle";
        this.rules = this.rules.filter((rule) => rule !== gone);
        this.#tell({ kind: "rule", rule: gone, isGone: true });
        return "done";
      }
      default:
        throw new SystemError("sendmsg", "EOPNOTSUPP");
    }
  }

  /** The kernel has one route of each destination, metric and table. */
  #addRoute(route: RouteRequest): ChangeOutcome {
    const isTaken = this.routes.some(
      (each) =>
        each.destination.address === route.destination.address &&
        each.destination.length === route.destination.length &&
        each.table === route.table &&
        each.metric === route.metric,
    );
    if (isTaken) return "idle";
    this.routes.push(route);
    return "done";
  }

  #removeRoute(route: RouteRequest): ChangeOutcome {
    const gone = this.routes.find((each) => isSameRoute(each, route) && each.protocol === route.protocol);
    if (gone === undefined) return "idle";
    this.routes = this.routes.filter((each) => each !== gone);
    this.#tell({ kind: "route", route: gone, isGone: true });
    return "done";
  }
}

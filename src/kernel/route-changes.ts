import { unreachable } from "../base/assert.ts";
import { hasCode, type SystemError } from "../base/system-error.ts";
import { leasePayload } from "./address-lease.ts";
import { routePayload, rulePayload, type RouteRequest, type RuleRequest } from "./fib-messages.ts";
import { madeRequests, type NetlinkConnection, type NetlinkRequest } from "./netlink/connection.ts";
import { messageFlag } from "./netlink/message.ts";
import { addressPayload, addressRemoval, routeMessage, type AddressRequest } from "./route-messages.ts";

/** PURE: changes to addresses, routes and rules as requests to the kernel, many at a time. */

/** What names an address on an interface. */
export type AddressKey = Pick<AddressRequest, "linkIndex" | "address" | "prefixLength">;

/** One change. */
export type RouteChange =
  | { readonly kind: "add-address"; readonly address: AddressRequest }
  /** Makes an address valid for so many seconds from now, and adds it if it is gone. */
  | { readonly kind: "lease-address"; readonly address: AddressRequest; readonly lifetimeS: number }
  | { readonly kind: "remove-address"; readonly address: AddressKey }
  | { readonly kind: "add-route" | "remove-route"; readonly route: RouteRequest }
  | { readonly kind: "add-rule" | "remove-rule"; readonly rule: RuleRequest };

/** What became of a change: `idle` if what was to be added was there, or what was to be removed was not. */
export type ChangeOutcome = "done" | "idle" | SystemError;

/** Codes that mean "nothing to do", by the kind of change; an interface that is gone has no addresses and routes. */
const idleCodes: Readonly<Record<RouteChange["kind"], readonly string[]>> = {
  "add-address": ["EEXIST"],
  "lease-address": [],
  "remove-address": ["EADDRNOTAVAIL", "ENODEV"],
  "add-route": ["EEXIST"],
  "remove-route": ["ESRCH", "ENODEV"],
  "add-rule": ["EEXIST"],
  "remove-rule": ["ENOENT"],
};

/** Carries out changes in their order with few system calls; throws if the kernel does not answer. */
export function applyChanges(
  connection: NetlinkConnection,
  changes: readonly RouteChange[],
): readonly ChangeOutcome[] {
  const refusals = connection.batch(
    changes.map((change) => requestOf(change, true)),
    madeRequests,
  );
  return changes.map((change, index) => {
    const refusal = refusals[index] ?? null;
    if (refusal === null || !isTagRefused(change, refusal)) return outcomeOf(change, refusal);
    const [again = null] = connection.batch([requestOf(change, false)], madeRequests);
    return outcomeOf(change, again);
  });
}

function isTagRefused(change: RouteChange, refusal: SystemError): boolean {
  const adds = change.kind === "add-address" || change.kind === "lease-address";
  return adds && change.address.protocol !== 0 && hasCode(refusal, "EINVAL", "EOPNOTSUPP");
}

function outcomeOf(change: RouteChange, refusal: SystemError | null): ChangeOutcome {
  if (refusal === null) return "done";
  return hasCode(refusal, ...idleCodes[change.kind]) ? "idle" : refusal;
}

// What exists is never replaced: it may be somebody else's.
const creating = messageFlag.create | messageFlag.exclusive;

function requestOf(change: RouteChange, isTagged: boolean): NetlinkRequest {
  switch (change.kind) {
    case "add-address": {
      const { address } = change;
      const payload = addressPayload(address, isTagged && address.protocol !== 0);
      const operation = `RTM_NEWADDR ${address.address}/${address.prefixLength}`;
      return { operation, type: routeMessage.newAddress, flags: creating, payload };
    }
    case "lease-address": {
      const { address, lifetimeS } = change;
      const payload = leasePayload(address, isTagged && address.protocol !== 0, lifetimeS);
      const operation = `RTM_NEWADDR ${address.address}/${address.prefixLength} for ${lifetimeS} s`;
      // The one that is there is our own: who does not own an address does not renew it.
      const flags = messageFlag.create | messageFlag.replace;
      return { operation, type: routeMessage.newAddress, flags, payload };
    }
    case "remove-address": {
      const { address } = change;
      const operation = `RTM_DELADDR ${address.address}/${address.prefixLength}`;
      return { operation, type: routeMessage.delAddress, flags: 0, payload: addressRemoval(address) };
    }
    case "add-route":
    case "remove-route": {
      const isNew = change.kind === "add-route";
      const { address, length } = change.route.destination;
      return {
        operation: `${isNew ? "RTM_NEWROUTE" : "RTM_DELROUTE"} ${address}/${length}`,
        type: isNew ? routeMessage.newRoute : routeMessage.delRoute,
        flags: isNew ? creating : 0,
        payload: routePayload(change.route),
      };
    }
    case "add-rule":
    case "remove-rule": {
      const isNew = change.kind === "add-rule";
      return {
        operation: `${isNew ? "RTM_NEWRULE" : "RTM_DELRULE"} ${change.rule.priority}`,
        type: isNew ? routeMessage.newRule : routeMessage.delRule,
        flags: isNew ? creating : 0,
        payload: rulePayload(change.rule),
      };
    }
    default:
      return unreachable(change);
  }
}

import type { Prefix } from "../base/address.ts";
import type { VirtualRoutePlan, VirtualRulePlan } from "./node-plan.ts";

/** PURE: routes and rules in the words of `ip route` and `ip rule`. */

/** Writes a route; it is one of a kind in this form. */
export function routeText(route: VirtualRoutePlan): string {
  const { destination, isOnLink, metric, source, table, type, via } = route;
  return [
    "route",
    ...(type === "unicast" ? [] : [type]),
    destination.length === 0 ? `default (${written(destination)})` : written(destination),
    ...(via === null ? [] : ["via", via]),
    ...(route.interface === null ? [] : ["dev", route.interface]),
    ...(source === null ? [] : ["src", source]),
    ...(metric === 0 ? [] : ["metric", metric]),
    ...(table === 254 ? [] : ["table", table]),
    ...(isOnLink ? ["onlink"] : []),
  ].join(" ");
}

/** Writes a rule; it is one of a kind in this form. */
export function ruleText(rule: VirtualRulePlan): string {
  const { action, family, from, inputInterface, mark, outputInterface, priority, to } = rule;
  const everything = family === 4 ? "every IPv4 packet" : "every IPv6 packet";
  const conditions = [
    ...(from === null ? [] : ["from", written(from)]),
    ...(to === null ? [] : ["to", written(to)]),
    ...(inputInterface === null ? [] : ["iif", inputInterface]),
    ...(outputInterface === null ? [] : ["oif", outputInterface]),
    ...(mark === null ? [] : ["fwmark", `0x${mark.value.toString(16)}/0x${mark.mask.toString(16)}`]),
  ];
  const isWhole = from === null && to === null;
  const what = isWhole ? [everything, ...conditions] : conditions;
  const outcome = action.kind === "table" ? `table ${action.table}` : action.kind;
  return `rule ${priority}: ${what.join(" ")} ${outcome}`;
}

function written({ address, length }: Prefix): string {
  return `${address}/${length}`;
}

import { familyOf, networkOf, prefixContains } from "../../base/address.ts";
import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import { planningConfig, type Model, type Resolved } from "../model.ts";
import { destinationOf, networksOn, routePlans, ruleFamily } from "../plan-holdings.ts";
import { virtualMacLink } from "../plan-virtual-mac.ts";
import { routeText } from "../route-text.ts";
import type { VirtualRouteEntry, VirtualRuleEntry } from "../schema/holdings.ts";
import type { PerNode } from "../schema/per-node.ts";
import { closest, quoted } from "../suggestion.ts";

/** What a virtual router may have beside its addresses, alone and beside the others' on the same nodes; extra-addresses.ts has the rest of the rules for extra addresses. */
export function holdingRules(model: Model): readonly Finding[] {
  return [
    ...model.instances.flatMap((one) => interfaces(one, model)),
    ...model.instances.flatMap(routes),
    ...twiceTheSameRoute(model),
    ...model.instances.flatMap((one) => gateways(one, model)),
    ...model.instances.flatMap((one) => rules(one)),
    ...twiceTheSameRule(model),
  ];
}

/** An interface that no node of the router is said to have may be right, and may be a slip of the pen. */
function interfaces({ config, path }: Resolved, model: Model): readonly Finding[] {
  const given: (readonly [PerNode<string> | null, KeyPath])[] = [
    ...config.extraAddresses.map(
      (extra, index) => [extra.interface, [...path, "extra_addresses", index, "interface"]] as const,
    ),
    ...config.routes.map(
      (route, index) => [route.interface, [...path, "routes", index, "interface"]] as const,
    ),
  ];
  const members = config.members.map(({ node }) => node);
  const known = new Set([
    ...model.sections.nodes
      .filter(({ value }) => members.includes(value.name))
      .flatMap(({ value }) => Object.keys(value.address)),
    ...config.members.flatMap((member) => virtualMacLink(config, member) ?? []),
  ]);
  return given.flatMap(([value, at]) =>
    value === null ? [] : misplaced(value, { at, members, known: [...known] }),
  );
}

function misplaced(
  value: PerNode<string>,
  where: { readonly at: KeyPath; readonly members: readonly string[]; readonly known: readonly string[] },
): readonly Finding[] {
  const { at, members, known } = where;
  const byNode = typeof value === "string" ? {} : value;
  const strangers = Object.keys(byNode).filter((node) => !members.includes(node));
  const names = typeof value === "string" ? [value] : Object.values(byNode);
  const unknown = names.filter((name) => name !== "lo" && !known.includes(name));
  const refused = strangers.map((node): Finding => {
    const what = `"${node}" takes no part in this router`;
    return {
      severity: "error",
      path: [...at, node],
      what,
      remedy: `use ${quoted(members)}`,
      pointsAtKey: true,
    };
  });
  const doubted = unknown.map((name) => {
    const near = closest(name, known);
    const remedy = near === null ? "check that the nodes have it" : `did you mean "${near}"?`;
    return warningAt(at, `no [[node]] of this router has an address on "${name}"`, remedy);
  });
  return [...refused, ...doubted];
}

function routes({ config, path }: Resolved): readonly Finding[] {
  return config.routes.flatMap((route, index) => {
    const at = [...path, "routes", index];
    const findings = [...routeFamilies(route, at), ...nowhere(route, at)];
    const destination = destinationOf(route);
    const network = networkOf(destination).address;
    if (network !== destination.address) {
      const what = `${destination.address}/${destination.length} has bits set beyond its prefix, and the kernel refuses it`;
      findings.push(errorAt([...at, "destination"], what, `write "${network}/${destination.length}"`));
    }
    return findings;
  });
}

function routeFamilies(route: VirtualRouteEntry, at: KeyPath): Finding[] {
  const family = familyOf(destinationOf(route).address);
  return (["via", "source"] as const).flatMap((key) => {
    const value = route[key];
    if (value === null || familyOf(value) === family) return [];
    const what = `${value} is no IPv${family} address, as the destination is`;
    return [errorAt([...at, key], what, "write an address of the same family")];
  });
}

/** A route that leads nowhere has no way. */
function nowhere(route: VirtualRouteEntry, at: KeyPath): Finding[] {
  const isUnicast = route.type === "unicast";
  if (isUnicast) {
    if (!route.on_link || route.via !== null) return [];
    return [errorAt([...at, "on_link"], "means something with via only", "remove it, or write via")];
  }
  return (["via", "interface", "source"] as const).flatMap((key) =>
    route[key] === null
      ? []
      : [errorAt([...at, key], `a route of type "${route.type}" leads nowhere`, "remove it, or the type")],
  );
}

/** The kernel has one route of each destination, metric and table. */
function twiceTheSameRoute(model: Model): readonly Finding[] {
  const first = new Map<string, KeyPath>();
  const config = planningConfig(model);
  return model.instances.flatMap((resolved) =>
    resolved.config.routes.flatMap((_, index) => {
      const at = [...resolved.path, "routes", index];
      for (const member of resolved.config.members) {
        const plan = routePlans(config, resolved.config, member)[index];
        if (plan === undefined) continue;
        const { destination, metric, table } = plan;
        const key = JSON.stringify([member.node, destination, metric, table]);
        const earlier = first.get(key);
        if (earlier !== undefined) {
          const what = `there is a route to ${destination.address}/${destination.length} with this metric in this table in line ${model.line(earlier)} already`;
          return [errorAt(at, what, "remove it here or there, or give it another metric")];
        }
        first.set(key, at);
      }
      return [];
    }),
  );
}

/** The kernel refuses a gateway that no network of the interface has. */
function gateways(resolved: Resolved, model: Model): readonly Finding[] {
  const config = planningConfig(model);
  return resolved.config.routes.flatMap((route, index) => {
    const { via } = route;
    const isOther = via !== null && familyOf(via) !== familyOf(destinationOf(route).address);
    if (via === null || isOther || route.on_link || via.startsWith("fe80:")) return [];
    const far = resolved.config.members.flatMap((member) => {
      const plan = routePlans(config, resolved.config, member)[index];
      const on = plan?.interface ?? null;
      if (plan === undefined || on === null) return [];
      const networks = networksOn(config, member.node).filter((one) => one.interface === on);
      const own = config.nodes.find(({ name }) => name === member.node)?.addresses ?? [];
      // An own address without its prefix may be in the gateway's network.
      const canTell = own.every((one) => one.interface !== on || one.prefixLength !== null);
      const isNear = networks.some(({ network }) => prefixContains(network, via));
      return canTell && !isNear ? [{ node: member.node, on, text: routeText(plan) }] : [];
    });
    const [one] = far;
    if (one === undefined) return [];
    const what = `${via} is in no network of ${one.on} on [[node]] "${one.node}", so the kernel may refuse the route`;
    const remedy = "correct via or interface, or write on_link = true if it is a neighbour all the same";
    return [warningAt([...resolved.path, "routes", index, "via"], what, remedy)];
  });
}

function rules({ config, path }: Resolved): readonly Finding[] {
  return config.rules.flatMap((rule, index) => {
    const at = [...path, "rules", index];
    const findings: Finding[] = [];
    if (rule.type === "table" && rule.table === null)
      findings.push(errorAt([...at, "table"], "is missing", "write table = 100, or another type"));
    if (rule.type !== "table" && rule.table !== null) {
      const what = `a rule of type "${rule.type}" asks no table`;
      findings.push(errorAt([...at, "table"], what, "remove it, or the type"));
    }
    if ([rule.from, rule.to, rule.iif, rule.oif, rule.mark].every((one) => one === null)) {
      const what = "says nothing about the packets it is for: it would be for all";
      findings.push(errorAt(at, what, 'add from, to, iif, oif or mark, as in from = "192.0.2.100"'));
    }
    findings.push(...ruleFamilies(rule, at));
    if (rule.priority > 32_766) {
      const what = `${rule.priority} comes after the main table, which answers nearly everything`;
      findings.push(warningAt([...at, "priority"], what, "write a priority below 32766"));
    }
    return findings;
  });
}

function ruleFamilies(rule: VirtualRuleEntry, at: KeyPath): readonly Finding[] {
  const { from, to, family } = rule;
  if (from !== null && to !== null && familyOf(from.address) !== familyOf(to.address)) {
    return [errorAt([...at, "to"], "is of another family than from", "write two rules")];
  }
  const address = from ?? to;
  if (address === null || family === null || familyOf(address.address) === family) return [];
  return [errorAt([...at, "family"], `${address.address} is not of this family`, "remove it")];
}

function twiceTheSameRule(model: Model): readonly Finding[] {
  const first = new Map<string, KeyPath>();
  return model.instances.flatMap((resolved) =>
    resolved.config.rules.flatMap((rule, index) => {
      const at = [...resolved.path, "rules", index];
      const same = JSON.stringify({ ...rule, family: ruleFamily(rule, resolved.config) });
      for (const { node } of resolved.config.members) {
        const earlier = first.get(`${node} ${same}`);
        if (earlier !== undefined) {
          return [errorAt(at, `is the same as in line ${model.line(earlier)}`, "remove it here or there")];
        }
        first.set(`${node} ${same}`, at);
      }
      return [];
    }),
  );
}

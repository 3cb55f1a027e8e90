import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import { farPeer } from "../bfd-reach.ts";
import type { BfdSessionPlan } from "../bfd-plan.ts";
import type { Model, Resolved } from "../model.ts";
import { derivedSessions } from "../plan-bfd.ts";
import { sessionEnds } from "../session-ends.ts";
import { formatDuration } from "../units.ts";

/** BFD between the nodes: what virtual routers share is one session, with ends in one network, and faster than what it is to outrun. */
export function bfdRules(model: Model): readonly Finding[] {
  return [...contradictions(model), ...model.instances.flatMap((one) => ownFindings(one, model))];
}

/** Points at the router's own `bfd`, or at the cluster's. */
export function bfdPath({ path }: Resolved, model: Model): KeyPath {
  const { vips, vrrps, cluster } = model.sections;
  const own = [...vips, ...vrrps].find((element) => element.path === path);
  return own?.value.bfd === null && cluster !== null ? [...cluster.path, "bfd"] : [...path, "bfd"];
}

/** Who asks for a session. */
interface Asked {
  readonly resolved: Resolved;
  readonly session: BfdSessionPlan;
}

/** Virtual routers and their heartbeats share a session of one name, and can only have the same one in mind. */
function contradictions(model: Model): readonly Finding[] {
  const nodes = model.sections.nodes.map(({ value }) => value);
  const first = new Map<string, Asked>();
  return model.instances.flatMap((resolved) => {
    const findings = nodes.flatMap(({ name: node }) =>
      derivedSessions(resolved.config, nodes, node).flatMap((session) => {
        const key = `${node} ${session.name}`;
        const other = first.get(key);
        if (other === undefined) first.set(key, { resolved, session });
        return other === undefined ? [] : contradiction(node, other, { resolved, session }, model);
      }),
    );
    // Each session is seen from both ends, and there may be one on each of several paths.
    return findings.slice(0, 1);
  });
}

function contradiction(
  node: string,
  other: Asked,
  { resolved, session }: Asked,
  model: Model,
): readonly Finding[] {
  const at = bfdPath(resolved, model);
  const [one, two] = [session, other.session];
  if (one.intervalMs !== two.intervalMs || one.multiplier !== two.multiplier) {
    const line = model.line(bfdPath(other.resolved, model));
    const what = `"${node}" has one BFD session ${one.name} for all virtual routers and heartbeats, and line ${line} gives it another pace`;
    return [errorAt(at, what, "write the same interval and multiplier in both")];
  }
  if (one.peer === two.peer && one.source === two.source) return [];
  const what = `"${node}" has one BFD session ${one.name} for all virtual routers and heartbeats, and it is with ${one.peer} for "${resolved.config.name}" and with ${two.peer} for "${other.resolved.config.name}"`;
  return [errorAt(at, what, "name the same interfaces of the nodes in both, or write bfd = false in one")];
}

function ownFindings(resolved: Resolved, model: Model): readonly Finding[] {
  const { bfd, members, advertIntervalMs, downAfter } = resolved.config;
  if (bfd === null) return [];
  const at = bfdPath(resolved, model);
  const nodes = model.sections.nodes.map(({ value }) => value);
  const findings: Finding[] = [];
  for (const [index, one] of members.entries()) {
    const stranger = members.slice(index + 1).find((two) => sessionEnds(nodes, one, two) === null);
    if (stranger === undefined) continue;
    const what = `"${one.node}" and "${stranger.node}" have no addresses of one family on ${one.interface} and ${stranger.interface}`;
    findings.push(
      errorAt(at, what, "give both an IPv4 address in [node.address], or write bfd = false here"),
    );
  }
  const detectionMs = bfd.intervalMs * bfd.multiplier;
  const silenceMs = advertIntervalMs * downAfter;
  if (detectionMs >= silenceMs) {
    const what = `${formatDuration(detectionMs)} of silence is no sooner than the ${formatDuration(silenceMs)} after which advertisements are missed`;
    findings.push(warningAt(at, what, 'write a shorter interval, such as "100ms", or leave bfd out'));
  }
  return [...findings, ...farSessions(resolved, model)];
}

/** The first session that has no chance to come up. */
function farSessions(resolved: Resolved, model: Model): readonly Finding[] {
  const nodes = model.sections.nodes.map(({ value }) => value);
  for (const node of nodes) {
    for (const { interface: on, peer } of derivedSessions(resolved.config, nodes, node.name)) {
      const remedy = "write bfd = false here";
      const finding = farPeer({ node, on, peer }, model, { path: bfdPath(resolved, model), remedy });
      if (finding !== null) return [finding];
    }
  }
  return [];
}

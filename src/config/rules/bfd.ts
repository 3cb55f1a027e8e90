import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model, Resolved } from "../model.ts";
import { sessionEnds } from "../session-ends.ts";
import { formatDuration } from "../units.ts";

/** BFD between the nodes: one pace for each pair and interface, a family in common, and faster than what it is to outrun. */
export function bfdRules(model: Model): readonly Finding[] {
  return [...differingPaces(model), ...model.instances.flatMap((one) => ownFindings(one, model))];
}

/** Points at the router's own `bfd`, or at the cluster's. */
function pathOf({ path }: Resolved, model: Model): KeyPath {
  const { vips, vrrps, cluster } = model.sections;
  const own = [...vips, ...vrrps].find((element) => element.path === path);
  return own?.value.bfd === null && cluster !== null ? [...cluster.path, "bfd"] : [...path, "bfd"];
}

function differingPaces(model: Model): readonly Finding[] {
  const first = new Map<string, Resolved>();
  return model.instances.flatMap((resolved) => {
    const { bfd, members } = resolved.config;
    if (bfd === null) return [];
    let clash: { readonly other: Resolved; readonly pair: string } | null = null;
    for (const [index, one] of members.entries()) {
      for (const two of members.slice(index + 1)) {
        const ends = [one, two].map(({ node, interface: on }) => `${node}/${on}`).sort();
        const key = ends.join(" ");
        const other = first.get(key);
        if (other === undefined) first.set(key, resolved);
        else if (JSON.stringify(other.config.bfd) !== JSON.stringify(bfd)) {
          clash ??= { other, pair: `"${one.node}" and "${two.node}"` };
        }
      }
    }
    if (clash === null) return [];
    const line = model.line(pathOf(clash.other, model));
    const what = `${clash.pair} have one BFD session for all virtual routers on an interface, and line ${line} has another pace`;
    return [errorAt(pathOf(resolved, model), what, "write the same interval and multiplier in both")];
  });
}

function ownFindings(resolved: Resolved, model: Model): readonly Finding[] {
  const { bfd, members, advertIntervalMs, downAfter } = resolved.config;
  if (bfd === null) return [];
  const at = pathOf(resolved, model);
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
  return findings;
}

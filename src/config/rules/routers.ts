import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import { calledVip, type Model, type Resolved } from "../model.ts";
import type { VipEntry, VrrpEntry } from "../schema/vrrp.ts";
import type { Element } from "../sections.ts";
import { formatDuration } from "../units.ts";
import { authRule, inheritedAuthRule } from "./authentication.ts";

/** What the protocol demands of virtual routers among each other: one VRID each on an interface, and different priorities. */
export function routerRules(model: Model): readonly Finding[] {
  return [
    ...duplicateVrids(model),
    ...model.instances.flatMap((one) => priorities(one, model)),
    ...model.sections.vips.flatMap(loneNode),
  ];
}

/** What it demands of versions, intervals and authentication, which takes a sound `[cluster]` to judge. */
export function protocolRules(model: Model): readonly Finding[] {
  const cluster = model.sections.cluster;
  const findings: Finding[] = [];
  if (cluster !== null) {
    const { advert_interval: interval, vrrp_version: version, auth, checksum } = cluster.value;
    findings.push(...intervalRule(interval, version, [...cluster.path, "advert_interval"]));
    findings.push(...authRule(auth, version, [...cluster.path, "auth"]));
    if (version === 2 && checksum !== null) {
      const what = "version 2 has one way to make the checksum";
      findings.push(errorAt([...cluster.path, "checksum"], what, "remove it, or write vrrp_version = 3"));
    }
  }
  for (const element of [...model.sections.vips, ...model.sections.vrrps])
    findings.push(...ownProtocol(element, model));
  return findings;
}

function ownProtocol({ value, path }: Element<VipEntry | VrrpEntry>, model: Model): readonly Finding[] {
  const cluster = model.sections.cluster?.value;
  const version = ("prefer" in value ? null : value.version) ?? cluster?.vrrp_version ?? 3;
  const findings: Finding[] = [];
  const differs = version !== cluster?.vrrp_version;
  if (value.advert_interval !== null) {
    findings.push(...intervalRule(value.advert_interval, version, [...path, "advert_interval"]));
  } else if (differs && cluster !== undefined) {
    findings.push(...intervalRule(cluster.advert_interval, version, [...path, "version"]));
  }
  if (version === 2 && value.checksum !== null) {
    const what = "version 2 has one way to make the checksum";
    findings.push(errorAt([...path, "checksum"], what, versionRemedy(value)));
  }
  if (value.auth !== null) findings.push(...authRule(value.auth, version, [...path, "auth"]));
  else if (differs) findings.push(...inheritedAuthRule(cluster?.auth ?? null, version, [...path, "version"]));
  return findings;
}

function versionRemedy(value: VipEntry | VrrpEntry): string {
  return "prefer" in value
    ? "remove it, or write vrrp_version = 3 in [cluster]"
    : "remove it, or write version = 3";
}

/** RFC 3768 §5.3.7: whole seconds in one byte; RFC 9568 §5.2.7: centiseconds in 12 bits. */
function intervalRule(ms: number, version: 2 | 3, path: KeyPath): readonly Finding[] {
  const shown = formatDuration(ms);
  if (version === 2) {
    if (ms % 1000 === 0 && ms >= 1000) return [];
    const what = `version 2 counts whole seconds, and ${shown} is none`;
    return [
      errorAt(
        path,
        what,
        `write "${Math.max(1, Math.round(ms / 1000))}s", or version 3 for shorter intervals`,
      ),
    ];
  }
  if (ms % 10 !== 0) {
    const what = `version 3 counts hundredths of a second, and ${shown} is no multiple of 10ms`;
    return [errorAt(path, what, `write "${Math.max(10, Math.round(ms / 10) * 10)}ms"`)];
  }
  if (ms <= 40_950) return [];
  return [errorAt(path, `version 3 goes up to 40.95s, and ${shown} is more`, 'write "40s" or less')];
}

/** RFC 9568 §5.2.3: a VRID stands for one virtual router on a network. */
function duplicateVrids(model: Model): readonly Finding[] {
  const first = new Map<string, Resolved>();
  return model.instances.flatMap((resolved) => {
    const { config, path } = resolved;
    let clash: { readonly other: Resolved; readonly on: string } | null = null;
    for (const { node, interface: own, heartbeats } of config.members) {
      for (const on of [own, ...heartbeats.map((heartbeat) => heartbeat.interface)]) {
        const segment = `${node} ${on} IPv${config.family} ${config.vrid}`;
        const other = first.get(segment);
        if (other === undefined) first.set(segment, resolved);
        else if (other !== resolved) clash ??= { other, on };
      }
    }
    if (clash === null) return [];
    const line = model.line(clash.other.path);
    const what = `${config.vrid} on ${clash.on} is already the VRID of ${calledVip(clash.other)} in line ${line}`;
    return [
      errorAt(
        [...path, "vrid"],
        what,
        "choose another from 1 to 255; every router on a network needs its own",
      ),
    ];
  });
}

function priorities(resolved: Resolved, model: Model): readonly Finding[] {
  const { config, path } = resolved;
  if (config.form === "vip") return [];
  const at = [...path, "priority"];
  const findings: Finding[] = [];
  const seen = new Map<number, string>();
  for (const { node, priority, interface: on } of config.members) {
    const earlier = seen.get(priority);
    if (earlier !== undefined) findings.push(errorAt(at, ...samePriority(earlier, node, priority)));
    seen.set(priority, node);
    if (priority === 255 && !ownsAll(resolved, node, model)) {
      const what = `255 is for the owner of the address, and "${node}" has not all of this router's addresses as its own on ${on}`;
      findings.push(errorAt(at, what, "write a priority from 1 to 254"));
    }
  }
  return findings;
}

function samePriority(one: string, other: string, priority: number): readonly [string, string] {
  const what = `"${one}" and "${other}" both have priority ${priority}, so the higher own address would win, whatever is meant`;
  const lower = priority > 10 ? priority - 10 : priority;
  const higher = priority > 10 ? priority : priority + 10;
  return [
    what,
    `give each node its own number, as in priority = { ${one} = ${higher}, ${other} = ${lower} }`,
  ];
}

function ownsAll(resolved: Resolved, node: string, model: Model): boolean {
  const member = resolved.config.members.find((one) => one.node === node);
  const own = model.sections.nodes.find(({ value }) => value.name === node)?.value.address[
    member?.interface ?? ""
  ];
  return resolved.listed.every(({ address }) => own?.some((one) => one.address === address) === true);
}

/** An address that only one node may hold does not move when the node dies. */
function loneNode({ value, path }: Element<VipEntry>): readonly Finding[] {
  if (value.prefer.length !== 1) return [];
  const what = `only "${value.prefer[0]}" may hold the address, so it is gone when that node is`;
  return [warningAt([...path, "prefer"], what, "add a second node to the list")];
}

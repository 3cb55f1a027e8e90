import type { BfdConfig } from "../config.ts";
import { farPeer } from "../bfd-reach.ts";
import { errorAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import { derivedSessions } from "../plan-bfd.ts";
import type { BfdSessionEntry } from "../schema/bfd-session.ts";
import type { Element } from "../sections.ts";
import { bfdPath } from "./bfd.ts";

/** `[[bfd]]`: a neighbour's own address, on the link, and a session that nothing else makes. */
export function bfdSessionRules(model: Model): readonly Finding[] {
  const seen = new Map<string, Element<BfdSessionEntry>>();
  return model.sections.bfds.flatMap((element, index) => {
    const ends = model.bfd[index]?.ends ?? [];
    const findings = ends.flatMap((end) => {
      const twice = twiceMade(end, element, { seen, model });
      return twice.length > 0 ? twice : placeFindings(end, element, model);
    });
    for (const end of ends) seen.set(endKey(end), seen.get(endKey(end)) ?? element);
    return findings.slice(0, 1);
  });
}

type End = BfdConfig["ends"][number];

/** A packet is known by where it comes from: two sessions with one neighbour would take each other's. */
function endKey({ node, interface: on, peer }: End): string {
  return `${node} ${on} ${peer}`;
}

function peerPath({ value, path }: Element<BfdSessionEntry>, node: string): KeyPath {
  return typeof value.peer === "string" ? [...path, "peer"] : [...path, "peer", node];
}

function twiceMade(
  end: End,
  element: Element<BfdSessionEntry>,
  among: { readonly seen: ReadonlyMap<string, Element<BfdSessionEntry>>; readonly model: Model },
): readonly Finding[] {
  const { model } = among;
  const { node, interface: on, peer } = end;
  const at = peerPath(element, node);
  const what = `"${node}" already has a session with ${peer} on ${on}`;
  const other = among.seen.get(endKey(end));
  if (other !== undefined) {
    const line = model.line(other.path);
    return [errorAt(at, `${what}, "${other.value.name}" of line ${line}`, "remove one of the two")];
  }
  const nodes = model.sections.nodes.map(({ value }) => value);
  const maker = model.instances.find(({ config }) =>
    derivedSessions(config, nodes, node).some((session) => session.interface === on && session.peer === peer),
  );
  if (maker === undefined) return [];
  const line = model.line(bfdPath(maker, model));
  const remedy = `remove this [[bfd]], or write bfd = false in "${maker.config.name}"`;
  return [errorAt(at, `${what}, by the bfd of line ${line} that "${maker.config.name}" goes by`, remedy)];
}

function placeFindings(
  { node: name, interface: on, peer }: End,
  element: Element<BfdSessionEntry>,
  model: Model,
): readonly Finding[] {
  const path = peerPath(element, name);
  const virtual = model.instances.find(({ config }) =>
    config.addresses.some(({ address }) => address === peer),
  );
  if (virtual !== undefined) {
    const what = `${peer} is an address of "${virtual.config.name}", which moves between nodes`;
    return [errorAt(path, what, "write the neighbour's own address")];
  }
  const node = model.sections.nodes.find(({ value }) => value.name === name)?.value;
  const remedy = "write the address of a neighbour on the link";
  const far = node === undefined ? null : farPeer({ node, on, peer }, model, { path, remedy });
  return far === null ? [] : [far];
}

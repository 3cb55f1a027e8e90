import type { InstanceConfig } from "../config.ts";
import { warningAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model, Resolved } from "../model.ts";
import type { VipEntry, VrrpEntry } from "../schema/vrrp.ts";
import { formatDuration } from "../units.ts";

/** A key that a router can have and its cluster too. */
type SharedKey =
  | "accept"
  | "auth"
  | "bfd"
  | "down_after"
  | "group"
  | "group6"
  | "heartbeats"
  | "peers"
  | "preempt"
  | "preempt_delay";

/** What no RFC knows, or forbids: where it stands, what the RFC says instead, and what to write. */
interface Deviation {
  readonly key: SharedKey;
  readonly why: string;
  readonly remedy: string;
}

/**
 * `strict = true` holds a virtual router to its RFC: RFC 9568 for version 3, RFC 3768 for version 2. Each point is
 * refused where it is written, in the router or in `[cluster]`, once.
 */
export function strictRules(model: Model): readonly Finding[] {
  const findings = model.instances.flatMap((resolved) => deviations(resolved, model));
  return [
    ...new Map(findings.map((finding) => [JSON.stringify([finding.path, finding.what]), finding])).values(),
  ];
}

function deviations(resolved: Resolved, model: Model): readonly Finding[] {
  const { config, path } = resolved;
  if (!config.isStrict) return [];
  const { value } = routerElement(config.name, model);
  const above = model.sections.cluster?.path ?? [];
  const at = (key: SharedKey | "strict"): KeyPath => [
    ...((value?.[key] ?? null) === null ? above : path),
    key,
  ];
  const place = at("strict");
  const rfc = config.version === 3 ? "RFC 9568" : "RFC 3768";
  const line = model.line(place);
  const refused = points(config, value?.accept ?? model.sections.cluster?.value.accept ?? null);
  const findings = refused.map(({ key, why, remedy }): Finding => {
    const what = `strict = true in line ${line} keeps to ${rfc}: ${why}`;
    return { severity: "error", path: at(key), what, remedy, pointsAtKey: true };
  });
  // An owner's address is the interface's own, and answers from its MAC.
  const isOwned = config.members.some(({ priority }) => priority === 255);
  if (config.virtualMac !== false || isOwned) return findings;
  const what = `${rfc} has a virtual router answer from a MAC of its own (§7.3), and this one answers from the interface's`;
  return [...findings, warningAt(place, what, "write virtual_mac = true")];
}

function routerElement(name: string, { sections }: Model): { readonly value: VipEntry | VrrpEntry | null } {
  const found = [...sections.vips, ...sections.vrrps].find(({ value }) => value.name === name);
  return { value: found?.value ?? null };
}

function points(config: InstanceConfig, accept: boolean | null): readonly Deviation[] {
  const { version, family, group, members } = config;
  const found: Deviation[] = [];
  const usualGroup = family === 4 ? "224.0.0.18" : "ff02::12";
  const isOwned = members.some(({ priority }) => priority === 255);
  const refuse = (isThere: boolean, key: SharedKey, why: string, remedy: string): void => {
    if (isThere) found.push({ key, why, remedy: `${remedy}, or strict = false` });
  };
  const destination = version === 3 ? "§5.1.1.2" : "§5.2.2";
  refuse(
    config.unicast !== null,
    "peers",
    `advertisements go to a multicast group (${destination}), not to peers`,
    'write peers = "multicast"',
  );
  refuse(
    config.unicast === null && group !== usualGroup,
    family === 4 ? "group" : "group6",
    `the group is ${usualGroup} (${destination}), not ${group}`,
    `write ${family === 4 ? "group" : "group6"} = "${usualGroup}"`,
  );
  refuse(
    config.password !== null || config.hmac !== null,
    "auth",
    version === 3 ? "there is no authentication (§9)" : "there is no authentication but type 0 (§5.3.6)",
    "remove it",
  );
  refuse(
    members.some(({ heartbeats }) => heartbeats.length > 0),
    "heartbeats",
    "a virtual router speaks on its own network alone",
    "write heartbeats = []",
  );
  refuse(
    config.downAfter !== 3,
    "down_after",
    `an active router is gone after 3 intervals (§6.1), not ${config.downAfter}`,
    "write down_after = 3",
  );
  refuse(
    config.preemptDelayMs > 0,
    "preempt_delay",
    `preemption has no delay (§6.1), let alone ${formatDuration(config.preemptDelayMs)}`,
    'write preempt_delay = "0s"',
  );
  refuse(
    config.bfd !== null,
    "bfd",
    "nobody claims before three intervals of silence (§6.4.2), as BFD would have it",
    "write bfd = false in the router, or remove it from [cluster]",
  );
  refuse(
    isOwned && !config.preempts,
    "preempt",
    "the owner of the addresses (priority 255) always preempts (§6.1)",
    "write preempt = true",
  );
  refuse(
    version === 2 && accept === true,
    "accept",
    "nobody but the owner accepts packets to the addresses (§6.4.3)",
    "remove it",
  );
  return found;
}

import { errorAt, type Finding, type KeyPath } from "../finding.ts";
import type { ServiceEntry } from "../schema/service.ts";
import type { Element } from "../sections.ts";
import { familyOf } from "../../base/address.ts";
import { serviceAddresses } from "../sockets.ts";
import type { Model } from "../model.ts";
import { availabilityRules } from "./availability.ts";
import { persistenceRules } from "./persistence.ts";
import { schedulerFlagFindings, thresholdFindings } from "./balancing.ts";

/** What a service can be that edge-ha relays itself. */
export function relayRules({ value, path }: Element<ServiceEntry>, model: Model): readonly Finding[] {
  const inKernel = 'remove it, or let the kernel forward with "dr", "nat" or "tunnel"';
  const refuse = (key: string, what: string, remedy = inKernel): Finding =>
    errorAt([...path, key], what, remedy);
  const findings: Finding[] = [];
  if (value.fwmark !== null)
    findings.push(refuse("fwmark", "a relay listens on addresses and ports, not on marks"));
  if (value.protocol === "sctp") {
    const what = "a relay carries TCP and UDP, and no sctp";
    findings.push(refuse("protocol", what, 'write forward = "dr", "nat" or "tunnel"'));
  }
  findings.push(...transportFindings(value, path));
  if (value.scheduler === "lblc" || value.scheduler === "lblcr") {
    const what = `"${value.scheduler}" keeps the pages of one site on one cache, and a relay knows no sites`;
    findings.push(
      refuse("scheduler", what, 'write "wlc", or "dh" to go by the address that clients came to'),
    );
  }
  const kernelOnly = {
    tunnel: value.tunnel !== null,
    persistence_engine: value.persistence_engine !== null,
  };
  for (const [key, isWritten] of Object.entries(kernelOnly)) {
    if (isWritten) findings.push(refuse(key, "only the kernel's forwarding knows this"));
  }
  for (const [index, server] of value.servers.entries()) {
    const onServer = {
      forward: server.forward !== null && server.forward !== "proxy",
      tunnel: server.tunnel !== null,
    };
    for (const [key, isWritten] of Object.entries(onServer)) {
      if (!isWritten) continue;
      const what = "only the kernel's forwarding knows this";
      findings.push(errorAt([...path, "servers", index, key], what, inKernel));
    }
    findings.push(...thresholdFindings(server, [...path, "servers", index]));
  }
  // Of the engine it was said above that a relay has none.
  const persistent = { value: { ...value, persistence_engine: null }, path };
  const addresses = serviceAddresses(
    value,
    model.instances.map(({ config }) => config),
  );
  return [
    ...findings,
    ...availabilityRules({ value, path }),
    ...schedulerFlagFindings({ value, path }),
    ...persistenceRules(persistent, new Set(addresses.map(familyOf))),
  ];
}

/** What means something for one protocol only. */
function transportFindings(value: ServiceEntry, path: KeyPath): readonly Finding[] {
  const { protocol, one_packet: isOnePacket, idle_timeout: idle, connect_timeout: connect } = value;
  const findings: Finding[] = [];
  if (isOnePacket && protocol !== "udp") {
    const what = `only of UDP each packet can go its own way, and this is ${protocol}`;
    findings.push(errorAt([...path, "one_packet"], what, 'remove it, or write protocol = "udp"'));
  }
  if (idle !== null && protocol !== "udp") {
    const what = `connections end by themselves: only flows of UDP end by time, and this is ${protocol}`;
    findings.push(errorAt([...path, "idle_timeout"], what, 'remove it, or write protocol = "udp"'));
  }
  if (connect !== null && protocol === "udp") {
    const what = "with UDP no server accepts anything that could be waited for";
    findings.push(errorAt([...path, "connect_timeout"], what, "remove it"));
  }
  if (value.proxy_protocol !== null && protocol === "udp") {
    const what = "a relay tells it at the beginning of a TCP connection, and datagrams have none";
    findings.push(errorAt([...path, "proxy_protocol"], what, "remove it"));
  }
  return findings;
}

import { unreachable } from "../base/assert.ts";
import type { Summary } from "./analyst.ts";
import type { Finding, Notice, Place } from "./complaint.ts";
import { heardIn } from "./heard.ts";
import type { BfdPacket, NeighbourPacket, Packet, VrrpPacket } from "./packet.ts";

/** PURE: what was seen, as objects for `--json`; docs/operating.md describes them, and new keys may come. */

/** One line of output. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Writes milliseconds since 1970 as ISO 8601. */
export type Stamp = (atMs: number) => string;

/** Gives a packet as an object. */
export function packetObject(packet: Packet, stamp: Stamp): JsonObject {
  switch (packet.kind) {
    case "vrrp":
      return vrrpObject(packet, stamp);
    case "neighbour":
      return neighbourObject(packet, stamp);
    case "bfd":
      return bfdObject(packet, stamp);
    default:
      return unreachable(packet);
  }
}

/** Gives a notice as an object. */
export function noticeObject(notice: Notice, stamp: Stamp): JsonObject {
  const time = stamp(notice.atMs);
  if (notice.kind === "event")
    return { kind: "event", time, ...placeObject(notice.place), text: notice.text };
  return { kind: notice.kind, time, ...findingObject(notice.finding, stamp) };
}

/** Gives the summary as an object; `dropped` are frames that the kernel had no room for. */
export function summaryObject(summary: Summary, dropped: number, stamp: Stamp): JsonObject {
  const { fromMs, toMs, packets, routers, bfd, findings, omitted } = summary;
  return {
    kind: "summary",
    from: fromMs === null ? null : stamp(fromMs),
    to: toMs === null ? null : stamp(toMs),
    packets,
    dropped,
    routers: routers.map(({ place, packets: counts, reigns, active, addresses }) =>
      Object.assign({}, placeObject(place), {
        addresses,
        active,
        routers: counts.map(({ source, count }) => {
          const reign = reigns.find((one) => one.source === source);
          return {
            source,
            packets: count,
            activeMs: Math.round(reign?.ms ?? 0),
            timesActive: reign?.times ?? 0,
          };
        }),
      }),
    ),
    bfd,
    findings: findings.map(({ finding, isOpen }) =>
      Object.assign({}, findingObject(finding, stamp), { isOpen }),
    ),
    omitted,
  };
}

function vrrpObject(packet: VrrpPacket, stamp: Stamp): JsonObject {
  const { reading, source, destination, ttl, family } = packet;
  const outside = { ...envelopeObject(packet, stamp), source, destination, ttl, family };
  const heard = heardIn(packet);
  if (reading.kind === "malformed") {
    const { cause, explanation, version, vrid, priority } = reading;
    return { kind: "malformed", ...outside, cause, explanation, version, vrid, priority };
  }
  if (reading.kind === "request") {
    const { version, vrid, priority } = reading.advert;
    return { kind: "request", ...outside, version, vrid, priority };
  }
  const { version, vrid, priority, intervalMs, addresses } = reading.advert;
  return {
    kind: "advert",
    ...outside,
    version,
    vrid,
    priority,
    intervalMs,
    addresses,
    authentication: heard?.credentials.kind ?? "none",
    keyId: heard?.trailer?.keyId ?? null,
    checksum: reading.checksum,
  };
}

function neighbourObject(packet: NeighbourPacket, stamp: Stamp): JsonObject {
  const { protocol, address, mac, isGratuitous } = packet;
  return { kind: protocol, ...envelopeObject(packet, stamp), address, mac, isGratuitous };
}

function bfdObject(packet: BfdPacket, stamp: Stamp): JsonObject {
  const { source, destination, ttl, family, isMultihop, reading } = packet;
  const outside = {
    kind: "bfd",
    ...envelopeObject(packet, stamp),
    source,
    destination,
    ttl,
    family,
    isMultihop,
  };
  if (reading.kind === "malformed")
    return { ...outside, malformed: reading.cause, explanation: reading.explanation };
  return { ...outside, ...reading.packet };
}

function envelopeObject({ atMs, interface: on, vlans, sourceMac }: Packet, stamp: Stamp): JsonObject {
  return { time: stamp(atMs), interface: on, vlans, sourceMac };
}

function findingObject(finding: Finding, stamp: Stamp): JsonObject {
  const { code, severity, place, about, text, advice, sinceMs, lastMs, count } = finding;
  return {
    code,
    severity,
    ...placeObject(place),
    about,
    text,
    advice,
    since: stamp(sinceMs),
    last: stamp(lastMs),
    count,
  };
}

function placeObject({ interface: on, vlans, vrid, family }: Place): JsonObject {
  return { interface: on, vlans, vrid, family };
}

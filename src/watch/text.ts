import { unreachable } from "../base/assert.ts";
import { virtualMac } from "../config/virtual-mac.ts";
import { diagnosticText } from "../vrrp/bfd/diagnostic.ts";
import { formatMs } from "../vrrp/timers.ts";
import type { Summary } from "./analyst.ts";
import type { Notice, Place } from "./complaint.ts";
import { heardIn } from "./heard.ts";
import type { BfdPacket, NeighbourPacket, Packet, VrrpPacket } from "./packet.ts";

/** PURE: what was seen, in lines for a person. */

/** How lines are written. */
export interface TextStyle {
  readonly hasColour: boolean;
  /** Whether lines name the interface. */
  readonly namesInterface: boolean;
  /** Writes the time of day of milliseconds since 1970. */
  readonly clock: (atMs: number) => string;
}

const colour = { error: 31, warning: 33, event: 36, over: 32, faint: 2 } as const;

/** Writes a packet as one line. */
export function packetLine(packet: Packet, style: TextStyle): string {
  return `${head(packet.atMs, packet, style)}${describe(packet)}`;
}

/** Writes a notice as one line. */
export function noticeLine(notice: Notice, style: TextStyle): string {
  if (notice.kind === "event") {
    const line = `-- ${subject(notice.place)}${plain(notice.text)}`;
    return head(notice.atMs, notice.place, style) + painted(line, "event", style);
  }
  const { finding, atMs } = notice;
  const { place, severity } = finding;
  const start = head(atMs, place, style);
  if (notice.kind === "over") {
    const lasted = formatMs(atMs - finding.sinceMs);
    return start + painted(`ok ${subject(place)}over after ${lasted}: ${plain(finding.text)}`, "over", style);
  }
  const advice = finding.advice === "" ? "" : `; what to do: ${finding.advice}`;
  const line = `${severity === "error" ? "!!" : "! "} ${subject(place)}${plain(finding.text)}${advice}`;
  return start + painted(line, severity, style);
}

/** Writes the summary. */
export function summaryLines(summary: Summary, style: TextStyle): readonly string[] {
  const { fromMs, toMs, packets } = summary;
  const spanMs = fromMs === null || toMs === null ? 0 : toMs - fromMs;
  const lines = [`${counted(packets, "packet")} in ${formatMs(spanMs)}`];
  for (const { place, packets: counts, reigns, active, addresses } of summary.routers) {
    const on = head(null, place, style);
    lines.push(`${on}${subject(place).replace(/: $/, "")}: ${addresses.join(", ")}`);
    for (const { source, count } of counts) {
      const reign = reigns.find((one) => one.source === source);
      const times = reign === undefined || reign.times === 1 ? "" : ` in ${reign.times} times`;
      const was = reign === undefined ? "never active" : `active for ${formatMs(reign.ms)}${times}`;
      lines.push(
        `  ${source}  ${counted(count, "advertisement")}, ${was}${source === active ? ", is it now" : ""}`,
      );
    }
  }
  for (const { source, destination, state, count } of summary.bfd) {
    lines.push(`BFD ${source} → ${destination}: ${counted(count, "packet")}, ${state}`);
  }
  lines.push(...findingLines(summary, style));
  return lines;
}

const nothingSeen =
  "nothing was seen: nobody advertises on this network, or its advertisements do not get here";

function findingLines({ findings, omitted, packets }: Summary, style: TextStyle): readonly string[] {
  if (findings.length === 0) return [packets === 0 ? nothingSeen : "nothing wrong was seen"];
  const lines = findings.map(({ finding, isOpen }) => {
    const { place, text, severity, count } = finding;
    const line = `  ${severity === "error" ? "!!" : "! "} ${subject(place)}${plain(text)} (${counted(count, "time")}${isOpen ? "" : ", over"})`;
    return painted(line, severity, style);
  });
  const more = omitted === 0 ? [] : [`  and ${omitted} more that there was no room for`];
  return [`${counted(findings.length, "finding")}:`, ...lines, ...more];
}

function describe(packet: Packet): string {
  switch (packet.kind) {
    case "vrrp":
      return describeVrrp(packet);
    case "neighbour":
      return describeNeighbour(packet);
    case "bfd":
      return describeBfd(packet);
    default:
      return unreachable(packet);
  }
}

function describeVrrp(packet: VrrpPacket): string {
  const { source, destination, ttl, sourceMac, reading } = packet;
  const route = `${source} → ${destination}`;
  if (reading.kind === "malformed")
    return `${route}  VRRP${fieldsText(reading)} malformed: ${reading.explanation}`;
  if (reading.kind === "request") {
    const { version: asked, vrid: router, priority: rank } = reading.advert;
    return `${route}  v${asked} VRID ${router} priority ${rank}, request to hand over before a preemption, or its answer`;
  }
  const heard = heardIn(packet);
  const { version, vrid, priority, intervalMs, addresses, family } = reading.advert;
  const isVirtual = sourceMac === virtualMac(family, vrid);
  const parts = [
    `v${version} VRID ${vrid} priority ${priority}${priorityText(priority)}`,
    `every ${formatMs(intervalMs)}`,
    addresses.join(" "),
    ...(heard === null || heard.credentials.kind === "none" ? [] : [heard.credentials.text]),
    ...(reading.checksum === "message-only" && version === 3 ? ["checksum without pseudo-header"] : []),
    ...(ttl === 255 ? [] : [`${family === 4 ? "TTL" : "hop limit"} ${ttl}`]),
    ...(sourceMac === null ? [] : [`from ${sourceMac}${isVirtual ? " (virtual)" : ""}`]),
  ];
  return `${route}  ${parts.join(", ")}`;
}

function priorityText(priority: number): string {
  if (priority === 0) return " (resigns)";
  return priority === 255 ? " (owner)" : "";
}

function fieldsText(fields: {
  readonly version: number | null;
  readonly vrid: number | null;
  readonly priority: number | null;
}): string {
  const { version, vrid, priority } = fields;
  const known = [
    ...(version === null ? [] : [`v${version}`]),
    ...(vrid === null ? [] : [`VRID ${vrid}`]),
    ...(priority === null ? [] : [`priority ${priority}`]),
  ];
  return known.length === 0 ? "" : ` ${known.join(" ")}`;
}

function describeNeighbour({ protocol, isGratuitous, address, mac }: NeighbourPacket): string {
  const name = protocol === "arp" ? "ARP" : "neighbour advertisement";
  return `${name}: ${address} is at ${mac}${isGratuitous ? ", told to all" : ""}`;
}

function describeBfd({ source, destination, isMultihop, reading }: BfdPacket): string {
  const route = `${source} → ${destination}  BFD${isMultihop ? " multihop" : ""}`;
  if (reading.kind === "malformed") {
    return reading.cause === "authentication"
      ? `${route} authenticated`
      : `${route} malformed: ${reading.explanation}`;
  }
  const { state, diagnostic, detectMultiplier, desiredMinTxUs } = reading.packet;
  const why = diagnostic === 0 ? "" : ` (${diagnosticText(diagnostic)})`;
  return `${route} ${state}${why}, ${detectMultiplier} × ${formatMs(desiredMinTxUs / 1000)}`;
}

function subject({ vrid, family }: Place): string {
  return vrid === null ? "" : `VRID ${vrid}${family === 6 ? " (IPv6)" : ""}: `;
}

function head(atMs: number | null, place: Pick<Place, "interface" | "vlans">, style: TextStyle): string {
  const on = style.namesInterface || place.vlans.length > 0 ? plain(placeText(place)) : "";
  // A file without times has none.
  const time = atMs === null ? "" : painted(atMs === 0 ? "-" : style.clock(atMs), "faint", style);
  return [time, on].map((part) => (part === "" ? "" : `${part} `)).join("");
}

function placeText({ interface: on, vlans }: Pick<Place, "interface" | "vlans">): string {
  return [...(on === null ? [] : [on]), ...vlans.map((id) => `vlan ${id}`)].join(" ");
}

function painted(line: string, kind: keyof typeof colour, { hasColour }: TextStyle): string {
  return hasColour ? `\u001B[${colour[kind]}m${line}\u001B[0m` : line;
}

/** Names from files may hold what a terminal takes for orders. */
function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001F\u007F-\u009F]/g, "?");
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

import { isLinkLocal } from "../base/address.ts";
import { stampSkewMs } from "../vrrp/replay-window.ts";
import type { TtlRange } from "../config/node-plan.ts";
import { unrouted } from "../vrrp/packet.ts";
import type { Complaint, FindingCode } from "./complaint.ts";
import { type Heard, isGroup } from "./heard.ts";
import type { VrrpPacket } from "./packet.ts";

/** PURE: what is wrong with one advertisement, whoever else is there. */

/** What `judgeHeard` may find. */
export const soloCodes: readonly FindingCode[] = [
  "ttl",
  "authentication-header",
  "owner",
  "link-local",
  "clock",
];

/** What is right beside what the RFCs say. */
export interface Allowed {
  readonly ttl: TtlRange;
  /** How far clocks may be apart; null is any. */
  readonly clockMs: number | null;
}

/** Where no configuration says otherwise; the clock as `time_window` is by default. */
export const allowedUsually: Allowed = { ttl: unrouted, clockMs: 30_000 };

/** Gives the complaint about bytes that are no advertisement, or null if only the capture is to blame. */
export function judgeMalformed(packet: VrrpPacket): Complaint | null {
  const { reading, source } = packet;
  if (reading.kind !== "malformed" || reading.cause === "cut") return null;
  return {
    code: "malformed",
    severity: "error",
    about: [source, reading.cause],
    text: `what ${source} sends is malformed and dropped: ${reading.explanation}`,
    advice: reading.cause === "checksum" ? checksumAdvice : malformedAdvice,
  };
}

const checksumAdvice = "something on the way changes it (NAT, a tunnel), or a router sums it wrongly";
const malformedAdvice = "find out what sends this; no router believes it";

/** Judges a well-formed advertisement by itself. */
export function judgeHeard(heard: Heard, allowed: Allowed = allowedUsually): readonly Complaint[] {
  return [
    judgeTtl(heard, allowed.ttl),
    judgeHeader(heard),
    judgeOwner(heard),
    judgeFirst(heard),
    judgeClock(heard, allowed.clockMs),
  ].filter((one) => one !== null);
}

function judgeTtl({ packet }: Heard, { min, max }: TtlRange): Complaint | null {
  const { ttl, family, source, destination } = packet;
  if (ttl === 255 || (ttl >= min && ttl <= max)) return null;
  const name = family === 4 ? "TTL" : "hop limit";
  const isUnicast = !isGroup(destination);
  return {
    code: "ttl",
    severity: isUnicast ? "warning" : "error",
    about: [source],
    text: `${source} sends with a ${name} of ${ttl}, not 255: ${isUnicast ? "routers in the same network drop it" : "every router drops it"}`,
    advice: isUnicast
      ? "where a router stands between the nodes, allow this TTL on both"
      : "it came through a router or a tunnel, or somebody forges it",
  };
}

function judgeHeader({ credentials, source }: Heard): Complaint | null {
  if (credentials.kind !== "header") return null;
  const text = `${source} sends in an IP authentication header, which RFC 3768 took away and edge-ha does not believe`;
  return {
    code: "authentication-header",
    severity: "warning",
    about: [source],
    text,
    advice: 'use auth = { type = "hmac" } with version 3, or a password',
  };
}

/** RFC 9568 §5.2.4: 255 is for the router that has the addresses as its own; a link-local one counts for IPv6. */
function judgeOwner({ advert, source }: Heard): Complaint | null {
  if (advert.priority !== 255 || advert.addresses.includes(source)) return null;
  return {
    code: "owner",
    severity: "warning",
    about: [source],
    text: `${source} claims to own ${advert.addresses.join(", ")} (priority 255), and its source is none of them`,
    advice: "give it a priority of 254 or less unless the address is its own",
  };
}

function judgeFirst({ advert, source }: Heard): Complaint | null {
  const [first] = advert.addresses;
  if (advert.family === 4 || first === undefined || isLinkLocal(first)) return null;
  return {
    code: "link-local",
    severity: "warning",
    about: [source],
    text: `the first address of ${source}, ${first}, is not link-local as RFC 9568 §5.2.9 wants it`,
    advice: "list the virtual fe80:: address first; strict routers drop this",
  };
}

function judgeClock({ trailer, source, atMs }: Heard, windowMs: number | null): Complaint | null {
  if (trailer === null || windowMs === null || atMs === 0) return null;
  const seconds = Math.round(stampSkewMs(trailer.stamp, atMs) / 1000);
  if (Math.abs(seconds) * 1000 <= windowMs) return null;
  return {
    code: "clock",
    severity: "error",
    about: [source],
    text: `the clock of ${source} is ${seconds < 0 ? "behind" : "ahead"} by more than ${windowMs / 1000} s: routers that check the time do not believe it`,
    advice: "check NTP on it and here; if the clocks are right, somebody sends old advertisements again",
  };
}

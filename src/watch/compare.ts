import { compareAddresses } from "../base/address.ts";
import { formatMs } from "../vrrp/timers.ts";
import type { Complaint, FindingCode } from "./complaint.ts";
import { type Heard, isGroup } from "./heard.ts";

/** PURE: in what two routers of one VRID differ that have to be alike. */

/** What `compareHeard` may find, the likeliest cause of a split brain first. */
export const pairCodes: readonly FindingCode[] = [
  "version-differs",
  "authentication-differs",
  "interval-differs",
  "group-differs",
  "two-owners",
  "list-differs",
  "checksum-differs",
  "equal-priority",
];

/** Names two routers in an order of their own, whoever spoke last. */
export function pairOf(a: Heard, b: Heard): readonly [Heard, Heard] {
  return compareNames(a.source, b.source) <= 0 ? [a, b] : [b, a];
}

function compareNames(a: string, b: string): number {
  return a.includes(":") === b.includes(":") ? compareAddresses(a, b) : a.localeCompare(b);
}

/** Compares the last words of two routers. */
export function compareHeard(one: Heard, other: Heard): readonly Complaint[] {
  const [a, b] = pairOf(one, other);
  const about = [a.source, b.source];
  const make = (found: Omit<Complaint, "about"> | null): readonly Complaint[] =>
    found === null ? [] : [{ ...found, about }];
  // What resigns says nothing of its claim any more.
  const hasClaims = a.advert.priority > 0 && b.advert.priority > 0;
  return [
    ...make(version(a, b)),
    ...make(credentials(a, b)),
    ...make(hasClaims ? interval(a, b) : null),
    ...make(group(a, b)),
    ...make(hasClaims ? priority(a, b) : null),
    ...make(list(a, b)),
    ...make(checksum(a, b)),
  ];
}

type Found = Omit<Complaint, "about"> | null;

function version(a: Heard, b: Heard): Found {
  if (a.advert.version === b.advert.version) return null;
  const text = `${a.source} speaks version ${a.advert.version} and ${b.source} version ${b.advert.version}: neither believes the other`;
  return { code: "version-differs", severity: "error", text, advice: "give all the same vrrp_version" };
}

function credentials(a: Heard, b: Heard): Found {
  const [x, y] = [a.credentials, b.credentials];
  if (x.kind === y.kind && x.proof === y.proof) return null;
  // Keys are changed one node after the other, and each has both meanwhile.
  const isRotation = x.kind === "hmac" && y.kind === "hmac";
  const text =
    x.text === y.text
      ? `${a.source} and ${b.source} send different passwords: neither believes the other`
      : `${a.source} authenticates with ${x.text} and ${b.source} with ${y.text}`;
  return {
    code: "authentication-differs",
    severity: isRotation ? "warning" : "error",
    text,
    advice: isRotation ? "fine while keys are changed, if both have both" : "give all the same auth",
  };
}

function interval(a: Heard, b: Heard): Found {
  const [x, y] = [a.advert.intervalMs, b.advert.intervalMs];
  if (x === y) return null;
  const isRefused = a.advert.version === 2 && b.advert.version === 2;
  const what = `${a.source} advertises every ${formatMs(x)} and ${b.source} every ${formatMs(y)}`;
  return {
    code: "interval-differs",
    severity: isRefused ? "error" : "warning",
    text: isRefused ? `${what}: in version 2 neither believes the other` : what,
    advice: "give all the same advert_interval",
  };
}

function group(a: Heard, b: Heard): Found {
  const [x, y] = [a.destination, b.destination];
  if (x === y || (!isGroup(x) && !isGroup(y))) return null;
  const text =
    isGroup(x) && isGroup(y)
      ? `${a.source} advertises to ${x} and ${b.source} to ${y}: they do not hear each other`
      : `${isGroup(x) ? a.source : b.source} advertises by multicast and ${isGroup(x) ? b.source : a.source} by unicast: they do not believe each other`;
  return {
    code: "group-differs",
    severity: "error",
    text,
    advice: "give all the same group, or the same peers",
  };
}

function priority(a: Heard, b: Heard): Found {
  const { priority } = a.advert;
  if (priority !== b.advert.priority) return null;
  if (priority === 255) {
    const text = `${a.source} and ${b.source} both claim to own the addresses (priority 255): neither ever gives way`;
    return {
      code: "two-owners",
      severity: "error",
      text,
      advice: "give 255 to the owner only, or to nobody",
    };
  }
  const text = `${a.source} and ${b.source} both have priority ${priority}: the higher address wins`;
  return {
    code: "equal-priority",
    severity: "warning",
    text,
    advice: "give each router a priority of its own",
  };
}

function only(one: Heard, other: Heard): readonly string[] {
  return one.advert.addresses
    .filter((address) => !other.advert.addresses.includes(address))
    .map((address) => `only ${one.source} has ${address}`);
}

function list(a: Heard, b: Heard): Found {
  if (a.advert.family !== b.advert.family) return null;
  const differences = [...only(a, b), ...only(b, a)];
  if (differences.length === 0) return null;
  const text = `${a.source} and ${b.source} list different addresses: ${differences.join(", ")}`;
  return {
    code: "list-differs",
    severity: "warning",
    text,
    advice: "give all the same addresses; some routers drop such advertisements",
  };
}

function checksum(a: Heard, b: Heard): Found {
  if (a.checksum === b.checksum || a.advert.version !== b.advert.version) return null;
  const text = `${a.source} sums ${formText(a)} the pseudo-header and ${b.source} ${formText(b)} it: routers that know one form only drop the other`;
  return {
    code: "checksum-differs",
    severity: "warning",
    text,
    advice: 'choose checksum = "pseudo-header" or "message-only" alike',
  };
}

function formText({ checksum }: Heard): string {
  return checksum === "pseudo-header" ? "with" : "without";
}

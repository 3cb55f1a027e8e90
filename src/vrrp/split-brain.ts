import { unreachable } from "../base/assert.ts";
import { later, type Instant } from "../base/instant.ts";
import type { NeighbourPlan } from "../config/node-plan.ts";
import type { SplitBrainStatus } from "../ipc/status.ts";
import { nodeAt } from "./neighbour-names.ts";
import type { DropCause, Oddity } from "./receive.ts";
import { formatMs } from "./timers.ts";

/**
 * Whether another router holds the addresses of one that is active, and why that is likely so. PURE: what is heard
 * comes in as sightings with their own time; the election knows nothing of this and needs nothing of it.
 *
 * A rival shows itself in four ways. Its advertisements count, again and again, and it does not give way: it does not
 * hear ours, or drops them. They arrive and are dropped here. They arrive on the link, but in another group or under
 * another VRID. Or nothing of them arrives, and another host answers for an address of ours. What was only
 * dropped may as well be an attacker's: as long as neighbours can be asked, it takes an answer to make a rival of it. But
 * for what comes over a heartbeat, where there are none but the nodes: while the network of the addresses is cut, nobody
 * else can tell.
 */

/** Something heard of a rival while this router was active. */
export type Sighting =
  /** An advertisement that counted, with what is odd about it. */
  | {
      readonly kind: "advert";
      readonly at: Instant;
      readonly source: string;
      readonly oddities: readonly Oddity[];
      /** The interface it came in on, and those on which nothing of its sender does. */
      readonly path: string;
      readonly silentPaths: readonly string[];
    }
  | {
      readonly kind: "dropped";
      readonly at: Instant;
      readonly source: string;
      readonly cause: DropCause;
      /** The heartbeat it came over, from the address that a node of the file has there; null if it came otherwise. */
      readonly heartbeat: string | null;
      /** Sentence fragment with the values at fault. */
      readonly explanation: string;
    }
  /** Seen on the link, but not meant for this router. */
  | {
      readonly kind: "stray";
      readonly at: Instant;
      readonly source: string;
      readonly group: string;
      readonly vrid: number;
    }
  /** ARP or a neighbour advertisement in which another host has one of our addresses. */
  | { readonly kind: "neighbour"; readonly at: Instant; readonly mac: string; readonly address: string };

/** A sighting of now. */
export type WithoutTime = Timeless<Sighting>;

type Timeless<Kind> = Kind extends Sighting ? Omit<Kind, "at"> : never;

/** What the verdict depends on. */
export interface SplitBrainRules {
  readonly intervalMs: number;
  readonly vrid: number;
  readonly group: string;
  /** Whether neighbours can be asked who else has the addresses. */
  readonly canAsk: boolean;
  readonly neighbours: readonly NeighbourPlan[];
}

interface Trace {
  readonly last: Sighting;
  readonly firstAt: Instant;
  readonly gapMs: number;
  readonly count: number;
}

/** What was heard of rivals lately, the last of each kind and sender. */
export type Traces = ReadonlyMap<string, Trace>;

/** Nothing was heard. */
export const noTraces: Traces = new Map();

/** More than these are a storm, and no rivals. */
const mostTraces = 32;
const longestMemoryMs = 120_000;

/** Of a flood from one sender this much is enough. */
const shortestGapMs = 5;

/** Adds a sighting; the same traces come back if it is one too many. */
export function withSighting(traces: Traces, sighting: Sighting): Traces {
  const key = traceKey(sighting);
  const before = traces.get(key);
  const { at } = sighting;
  if (before === undefined ? traces.size >= mostTraces : at - before.last.at < shortestGapMs) return traces;
  const trace =
    before === undefined
      ? { last: sighting, firstAt: at, gapMs: 0, count: 1 }
      : { last: sighting, firstAt: before.firstAt, gapMs: at - before.last.at, count: before.count + 1 };
  return new Map([...traces, [key, trace]]);
}

/** What comes over a heartbeat is a trace of its own: it proves what the rest does not. */
function traceKey(sighting: Sighting): string {
  const way = sighting.kind === "dropped" && sighting.heartbeat !== null ? ` over ${sighting.heartbeat}` : "";
  return `${sighting.kind} ${sighting.kind === "neighbour" ? sighting.mac : sighting.source}${way}`;
}

/** Leaves out what is too old to tell anything about now. */
export function freshTraces(traces: Traces, rules: SplitBrainRules, at: Instant): Traces {
  const isFresh = (trace: Trace): boolean => trace.last.at + memoryMs(rules, trace) > at;
  return new Map([...traces].filter(([, trace]) => isFresh(trace)));
}

/** Says when the next trace is too old, or null if there is none. */
export function nextLook(traces: Traces, rules: SplitBrainRules): Instant | null {
  const ends = [...traces.values()].map((trace) => later(trace.last.at, memoryMs(rules, trace)));
  return ends.length === 0 ? null : ends.reduce((a, b) => (a < b ? a : b));
}

/** What is known of a rival and why it does not give way. */
export type SplitBrain = Omit<SplitBrainStatus, "since">;

/** Gives the verdict on traces that are fresh; null is no rival. */
export function judgeTraces(traces: Traces, rules: SplitBrainRules): SplitBrain | null {
  const all = [...traces.values()];
  const answered = all.find(({ last, count }) => last.kind === "neighbour" && count >= 2)?.last;
  const words = all.filter(({ last }) => last.kind !== "neighbour");
  const steady = words.filter((trace) => isSteady(rules, trace)).map(({ last }) => last);
  const proof = steady.find(
    (each) => each.kind === "advert" || !rules.canAsk || (each.kind === "dropped" && each.heartbeat !== null),
  );
  if (answered === undefined && proof === undefined) return null;
  const mac = answered?.kind === "neighbour" ? answered.mac : null;
  return explained(rules, mac, bestWord(steady) ?? answered ?? proof);
}

/** Says in one line what is wrong and what to do. */
export function describeSplitBrain({ rival, explanation, advice }: SplitBrain): string {
  const names = [rival.node, rival.address, rival.mac].filter((name) => name !== null);
  const [first = "another host", ...rest] = names;
  const who = rest.length === 0 ? first : `${first} (${rest.join(", ")})`;
  return `split brain: ${who} is active too: ${explanation}; ${advice}`;
}

/** A takeover is over after two advertisements: only what goes on counts. */
function isSteady({ intervalMs }: SplitBrainRules, { last, firstAt, count }: Trace): boolean {
  return count >= 3 && last.at - firstAt >= 2 * intervalMs;
}

function memoryMs({ intervalMs }: SplitBrainRules, { last, gapMs }: Trace): number {
  const paceMs = last.kind === "neighbour" ? suspiciousPauseMs : Math.max(intervalMs, gapMs);
  return Math.min(longestMemoryMs, 3 * paceMs + 1_000);
}

/** A drop names its own reason; a stray says more than an advertisement that counts. */
function bestWord(steady: readonly Sighting[]): Sighting | undefined {
  const kinds = ["dropped", "stray", "advert"] as const;
  return kinds.map((kind) => steady.find((each) => each.kind === kind)).find((each) => each !== undefined);
}

function explained(
  rules: SplitBrainRules,
  mac: string | null,
  sighting: Sighting | undefined,
): SplitBrain | null {
  if (sighting === undefined) return null;
  const reason = reasonOf(rules, sighting);
  const address = sighting.kind === "neighbour" ? null : sighting.source;
  return { rival: { node: nodeAt(rules.neighbours, address), address, mac }, ...reason };
}

type Reason = Pick<SplitBrain, "cause" | "explanation" | "advice">;

function reasonOf(rules: SplitBrainRules, sighting: Sighting): Reason {
  switch (sighting.kind) {
    case "dropped":
      return {
        ...adviceOnDrop(sighting.cause),
        explanation: `its advertisements arrive${sighting.heartbeat === null ? "" : ` on ${sighting.heartbeat}`} and are dropped: ${sighting.explanation}`,
      };
    case "stray":
      return strayReason(rules, sighting);
    case "advert":
      return unheardReason(sighting);
    case "neighbour":
      return {
        cause: "filtered",
        explanation: `it answers for ${sighting.address} on the link, and no advertisement of it arrives`,
        advice:
          "let IP protocol 112 through every firewall between the nodes, see that switches pass the multicast group (IGMP and MLD snooping), and that edge-ha is alive there; a real server that answers needs `edge-ha rs start`",
      };
    default:
      return unreachable(sighting);
  }
}

function strayReason(rules: SplitBrainRules, { group, vrid }: Extract<Sighting, { kind: "stray" }>): Reason {
  if (vrid !== rules.vrid) {
    return {
      cause: "vrid",
      explanation: `it advertises our address under VRID ${vrid}, and ours is ${rules.vrid}`,
      advice: "give the address the same VRID on every node",
    };
  }
  if (group === rules.group) {
    return {
      cause: "filtered",
      explanation: "its advertisements reach this host and go no further",
      advice: "let IP protocol 112 through the firewall of this host",
    };
  }
  return {
    cause: "group",
    explanation: `it advertises to ${group}, and we listen to ${rules.group}`,
    advice: "give every node the same group, or the same kind of peers",
  };
}

function unheardReason({ oddities, path, silentPaths }: Extract<Sighting, { kind: "advert" }>): Reason {
  const explanation = "its advertisements arrive, and it does not give way or answer ours";
  if (oddities.includes("addressList")) {
    const more = "its list of addresses differs from ours, which makes some routers drop what they hear";
    return {
      cause: "address-list",
      explanation: `${explanation}: ${more}`,
      advice: "give every node the same addresses",
    };
  }
  if (oddities.includes("signed") || oddities.includes("unsigned")) {
    const advice = "give every node the same keys";
    return { cause: "authentication", explanation: `${explanation}: only one of us signs`, advice };
  }
  if (silentPaths.length > 0) {
    const dead = silentPaths.join(" and ");
    return {
      cause: "path",
      explanation: `its advertisements arrive on ${path} and not on ${dead}, and it does not give way or answer ours`,
      advice: `see to the way between the nodes on ${dead} (cable, switch, VLAN, firewall), and why ours do not reach it on ${path}: \`edge-ha status\` there says what it hears on each path`,
    };
  }
  return {
    cause: "unheard",
    explanation,
    advice:
      "look at `edge-ha status` there: it drops our advertisements (password, keys, interval) or a firewall in front of it does",
  };
}

function adviceOnDrop(cause: DropCause): Pick<Reason, "cause" | "advice"> {
  switch (cause) {
    case "auth":
    case "authMissing":
    case "authFailed":
    case "authUnknownKey":
      return { cause: "authentication", advice: "give every node the same auth" };
    case "authReplay":
    case "authStale":
      return { cause: "authentication", advice: "set the clocks of both nodes right (NTP)" };
    case "interval":
      return { cause: "interval", advice: "give every node the same advert_interval, as version 2 demands" };
    case "version":
      return { cause: "version", advice: "give every node the same vrrp_version" };
    case "ttl":
      return {
        cause: "ttl",
        advice:
          "nodes must be on one link: a router or tunnel between them lowers it; what keepalived sends over IPv6 unicast has 64, which unicast_ttl = 64 accepts",
      };
    case "multicast":
    case "unicast":
    case "source":
      return {
        cause: "group",
        advice: "have every node speak by multicast, or every node by unicast with all others as its peers",
      };
    case "type":
    case "length":
    case "checksum":
    case "vrid":
    case "count":
    case "reflected":
      return {
        cause: "malformed",
        advice: "`edge-ha watch` shows what it sends; look for a device between the nodes that changes it",
      };
    default:
      return unreachable(cause);
  }
}

/** Pause between two questions who else has the addresses while a rival is suspected. */
export const suspiciousPauseMs = 1_000;

/** The same while nothing is suspected: often enough to find a rival of whom nothing is heard. */
export function quietPauseMs(intervalMs: number): number {
  return Math.min(10_000, Math.max(1_000, 10 * intervalMs));
}

/** Says for how long a router must have been active before it looks for rivals: the last one may still be leaving. */
export function graceMs(intervalMs: number): number {
  return Math.max(500, 2 * intervalMs);
}

/** Writes for how long it lasted, once it is over. */
export function describeEnd(ms: number): string {
  return `split brain is over after ${formatMs(ms)}`;
}

import { familyOf, isLinkLocal, type Prefix, prefixContains } from "../base/address.ts";
import type { TtlRange, UnicastPlan } from "../config/node-plan.ts";
import { unrouted } from "./packet.ts";
import type { Remark } from "./receive.ts";

/**
 * Whether a packet came the way that a virtual router's advertisements come on one of its paths, and from whom, before
 * anybody looks into it. PURE.
 *
 * On a heartbeat path a router speaks with another address than on its own interface. The election has to see one
 * router and not two, or a tie would be broken one way on the one path and the other way on the other: what a known
 * router sends on a heartbeat counts as sent from its source on the virtual router's own interface.
 */

/** A router that is expected on a path. */
export interface ExpectedRouter {
  /** What messages call it: a node's name, or an address. */
  readonly name: string;
  /** Where its packets come from on this path. */
  readonly address: string;
  /** Its source on the virtual router's own interface. */
  readonly identity: string;
}

/** How advertisements come on a path. */
export interface ArrivalRules {
  readonly interface: string;
  /** This router's own source address on the path. */
  readonly source: string;
  readonly isHeartbeat: boolean;
  /** Null where they come by multicast. */
  readonly unicast: UnicastPlan | null;
  readonly expected: readonly ExpectedRouter[];
  /** Networks that the interface is in: who is there passes no router. */
  readonly networks: () => readonly Prefix[];
}

/** Why a packet did not come the way it should. */
export type ArrivalCause = "multicast" | "unicast" | "source";

/** The verdict on a packet: admitted with what the election is to take it for. */
export type Arrival =
  | { readonly kind: "dropped"; readonly remark: Remark<ArrivalCause> }
  | { readonly kind: "admitted"; readonly name: string; readonly identity: string; readonly ttl: TtlRange };

const anyTtl: TtlRange = { min: 1, max: 255 };

/** Judges where a packet came from and went to. */
export function judgeArrival(
  rules: ArrivalRules,
  packet: { readonly source: string; readonly destination: string },
): Arrival {
  const { unicast, expected, isHeartbeat } = rules;
  const { source } = packet;
  const cameByMulticast = isMulticast(packet.destination);
  if (cameByMulticast && unicast !== null) {
    return drop("multicast", "it came by multicast, and this router speaks to its peers one by one");
  }
  if (!cameByMulticast && unicast === null) {
    return drop("unicast", "it came to our own address, and this router speaks by multicast");
  }
  const known = expected.find(({ address }) => address === source);
  // An echo of our own is nobody's fault: receive.ts has a word of its own for it.
  const isOwn = source === rules.source;
  if (known === undefined && !isOwn && isHeartbeat) {
    const what = `it came over the heartbeat on ${rules.interface}, and no node of this router has that address there`;
    return drop("source", what);
  }
  if (known === undefined && !isOwn && unicast?.checksSource === true) {
    return drop("source", "its source is none of our peers");
  }
  const { name, identity } = known ?? { name: source, identity: source };
  return { kind: "admitted", name, identity, ttl: acceptedTtl(rules, source) };
}

function acceptedTtl({ unicast, networks }: ArrivalRules, source: string): TtlRange {
  if (unicast === null) return unrouted;
  if (unicast.ttl !== null) return unicast.ttl;
  // No router forwards what comes from there (RFC 4291 §2.5.6), and keepalived sends it with a hop limit of 64.
  if (familyOf(source) === 6 && isLinkLocal(source)) return anyTtl;
  const isNear = isLinkLocal(source) || networks().some((network) => prefixContains(network, source));
  return isNear ? unrouted : anyTtl;
}

/** Tells whether an address is a group: 224.0.0.0/4 (RFC 5771) or ff00::/8 (RFC 4291 §2.7). */
function isMulticast(address: string): boolean {
  if (address.includes(":")) return address.startsWith("ff");
  const first = Number(address.split(".")[0]);
  return first >= 224 && first < 240;
}

function drop(kind: ArrivalCause, explanation: string): Arrival {
  return { kind: "dropped", remark: { kind, explanation } };
}

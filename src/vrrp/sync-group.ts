import type { Instant } from "../base/instant.ts";
import type { VrrpPlan } from "../config/node-plan.ts";
import type { Election, ElectionEvent } from "./election-types.ts";
import type { Burden, Standing } from "./tracking.ts";

/**
 * Instances that move together, active on all networks or on none. PURE: it looks at the members' elections and
 * says what else has to happen; each member keeps its own election, so a group meets foreign routers as any other.
 *
 * - What burdens one member burdens all, so that all networks see the same order of nodes.
 * - The first member to become active leads the others; one that is outranked makes the others yield.
 * - While one member follows a live router, the others do not preempt, nor claim because of silence: the networks
 *   back each other's heartbeat, and a node that is outranked on one network only does not flap between the two.
 *   A router that resigns on one network gives up the others with it, so then there is nothing to wait for.
 *
 * The order of the nodes must be the same on every network of a group: two nodes that start at the same moment, each
 * preferred on another network, would outrank each other for ever.
 */

/** A member as the group sees it. */
export interface Member {
  readonly name: string;
  readonly election: Election;
}

/** Gives what a member's claim is made of once those of the whole group are known. */
export function groupStanding(
  group: string,
  own: Standing,
  others: readonly { readonly name: string; readonly standing: Standing }[],
): Standing {
  const shared = others.flatMap(({ name, standing }): readonly Burden[] => {
    const cutOff = standing.cutOff ?? (standing.source === null ? "no source address" : null);
    if (cutOff === null) return standing.burdens;
    const reason = `sync group ${group}: ${name}: ${cutOff}`;
    return [{ name: `member ${name}`, weight: null, reason }, ...standing.burdens];
  });
  return { ...own, burdens: [...own.burdens, ...shared] };
}

/** Gives what a member's tracks say, with the group's name before the reasons of those that the group names itself. */
export function sharedBurdens(
  group: { readonly name: string; readonly tracks: readonly string[] } | null,
  burdens: readonly Burden[],
): readonly Burden[] {
  if (group === null || group.tracks.length === 0) return burdens;
  const shared = new Set(group.tracks.map((name) => `track ${name}`));
  return burdens.map((burden) =>
    shared.has(burden.name) ? { ...burden, reason: `sync group ${group.name}: ${burden.reason}` } : burden,
  );
}

/** Names a member that follows a live active router, or null: then the others may claim and preempt. */
export function followingMember(others: readonly Member[], at: Instant): string | null {
  const isFollowing = ({ election }: Member): boolean => {
    // A member that waits for the others is none to wait for: two would hold each other back for ever.
    if (election.state !== "backup" || election.lost !== null || election.isHeld) return false;
    return election.heard?.verdict === "followed" && election.deadline > at;
  };
  return others.find(isFollowing)?.name ?? null;
}

/** Tells whether a backup whose deadline has passed may claim for its group. */
export function mayClaim(election: Election, following: string | null): boolean {
  if (election.state !== "backup" || following === null) return true;
  return election.heard?.verdict === "resigned";
}

/** Gives the event the other members get after `mover` has left the state `from`, or null. */
export function groupEvent(
  group: string,
  mover: Member,
  from: Election["state"],
  at: Instant,
): ElectionEvent | null {
  const { name, election } = mover;
  if (election.state === "active") {
    return { kind: "lead", at, reason: `sync group ${group}: ${name} became active` };
  }
  // A member that went to fault burdens the others' claims, which have their own event.
  if (from !== "active" || election.state !== "backup") return null;
  return { kind: "yield", at, reason: `sync group ${group}: ${name} went to backup: ${election.reason}` };
}

/** Gives instances with all that move together with one of them. */
export function wholeGroups(
  { syncGroups }: Pick<VrrpPlan, "syncGroups">,
  names: readonly string[],
): ReadonlySet<string> {
  const groups = syncGroups.filter((group) => group.instances.some((name) => names.includes(name)));
  return new Set([...names, ...groups.flatMap((group) => group.instances)]);
}

import { unreachable } from "../base/assert.ts";
import { later, type Instant } from "../base/instant.ts";
import { stepActive } from "./election-active.ts";
import { stepBackup } from "./election-backup.ts";
import type {
  Claim,
  Election,
  ElectionConfig,
  ElectionEvent,
  Fault,
  Initialize,
  Leaving,
  Stepped,
} from "./election-types.ts";
import { formatMs } from "./timers.ts";
import {
  afterLeaving,
  becomeActive,
  becomeFault,
  depart,
  listening,
  notify,
  stop,
  unchanged,
} from "./transitions.ts";

/**
 * One virtual router's election: RFC 9568 §6.4 for version 3, RFC 3768 §6.4 for version 2, and two states beside
 * theirs: `fault` for a router that may not take part, `leaving` for one that has resigned and goes on answering
 * until whoever takes over has said so and had time to be there. PURE: events bring their time, the deadline is part
 * of the state, effects are data. It knows no packets (receive.ts), no tracks (tracking.ts) and no groups
 * (sync-group.ts).
 *
 *                        startup, 255 or adopted
 *      ┌────────────┐ ─────────────────────────────────► ┌────────┐
 *      │ initialize │                                    │ active │ ◄─┐ advert to send
 *      └────────────┘ ──── startup ────► ┌────────┐ ───► └────────┘ ──┘
 *        ▲   ▲ shutdown                  │ backup │  deadline, lead │
 *        │   └───────────────────────────└────────┘ ◄───────────────┤ outranked, yield
 *        │            claim stands again   ▲   │ claim gone         │
 *        │                                 │   ▼                    │
 *        │                               ┌───────┐ ◄────────────────┤ cut off
 *        │                               │ fault │                  │
 *        │                               └───────┘                  │
 *        │    stopping                        ▲ withdrawn           ▼
 *        │                                    │              ┌─────────┐
 *        └────────────────────────────────────┴───────────── │ leaving │ shutdown, claim withdrawn
 *                       advert, deadline, cut off            └─────────┘
 *
 * A router that the operator hands over goes through `leaving` too: to `backup` at the first advertisement of another,
 * and back to `active` if there is none, as it does when a withdrawn claim stands again.
 */
export function step(config: ElectionConfig, election: Election, event: ElectionEvent): Stepped {
  switch (election.state) {
    case "initialize":
      return stepInitialize(config, election, event);
    case "backup":
      return stepBackup(config, election, event);
    case "active":
      return stepActive(config, election, event);
    case "leaving":
      return stepLeaving(config, election, event);
    case "fault":
      return stepFault(config, election, event);
    default:
      return unreachable(election);
  }
}

/** Gives the election of an instance that has not been started. */
export function notStarted(at: Instant): Initialize {
  return { state: "initialize", since: at, reason: "not started" };
}

function stepInitialize(config: ElectionConfig, from: Initialize, event: ElectionEvent): Stepped {
  switch (event.kind) {
    case "startup":
      return begin(config, from, {
        at: event.at,
        claim: event.claim,
        adopts: event.adopts,
        reason: "started",
      });
    case "shutdown":
    case "timer":
    case "advert":
    case "lost":
    case "claim":
    case "configure":
    case "lead":
    case "yield":
    case "handover":
    case "back":
    case "hold":
    case "wait":
      return unchanged(from);
    default:
      return unreachable(event);
  }
}

function stepLeaving(config: ElectionConfig, from: Leaving, event: ElectionEvent): Stepped {
  switch (event.kind) {
    case "shutdown":
      if (from.isStopping) return unchanged(from);
      return { next: { ...from, isStopping: true, reason: event.reason }, effects: [] };
    case "advert":
      // Another one that leaves, or an echo of the last word.
      if (event.priority === 0 || event.at < from.heedsFrom || from.successor !== null)
        return unchanged(from);
      if (config.overlapMs === 0) return depart(config, from, event.at, tookOver(event.source));
      return {
        next: { ...from, successor: event.source, deadline: later(event.at, config.overlapMs) },
        effects: [],
      };
    case "timer":
      if (event.at < from.deadline) return unchanged(from);
      if (from.successor !== null) return depart(config, from, event.at, tookOver(from.successor));
      if (!from.isStopping && from.claim.kind === "standing") {
        const reason = afterLeaving(from, "nobody else took over");
        return becomeActive(config, from, event.at, { claim: from.claim, reason });
      }
      return depart(config, from, event.at, "nobody took over");
    case "claim": {
      const next: Leaving = { ...from, claim: event.claim };
      if (event.claim.kind === "cut-off") return depart(config, next, event.at, event.claim.reason);
      return { next, effects: [] };
    }
    case "startup":
    case "lost":
    case "configure":
    case "lead":
    case "yield":
    case "handover":
    case "back":
    case "hold":
    case "wait":
      return unchanged(from);
    default:
      return unreachable(event);
  }
}

function tookOver(source: string): string {
  return `${source} took over`;
}

function stepFault(config: ElectionConfig, from: Fault, event: ElectionEvent): Stepped {
  switch (event.kind) {
    case "shutdown":
      return stop(from, event.at, event.reason, []);
    case "claim": {
      const { claim, at } = event;
      if (claim.kind !== "standing") return { next: { ...from, claim, reason: claim.reason }, effects: [] };
      return begin(config, from, { at, claim, adopts: false, reason: `no longer: ${from.reason}` });
    }
    case "startup":
    case "timer":
    case "advert":
    case "lost":
    case "configure":
    case "lead":
    case "yield":
    case "handover":
    case "back":
    case "hold":
    case "wait":
      return unchanged(from);
    default:
      return unreachable(event);
  }
}

/** RFC 9568 §6.4.1, and the same once a fault is over. */
function begin(
  config: ElectionConfig,
  from: Initialize | Fault,
  how: { readonly at: Instant; readonly claim: Claim; readonly adopts: boolean; readonly reason: string },
): Stepped {
  const { at, claim, adopts, reason } = how;
  if (claim.kind !== "standing") return becomeFault(from, at, claim, [{ kind: "removeAddresses" }]);
  if (adopts) {
    return becomeActive(config, from, at, {
      claim,
      reason: "taken over from an earlier process of this node",
    });
  }
  const delayMs = config.claimsFrom - at;
  if (claim.priority === 255 && delayMs <= 0)
    return becomeActive(config, from, at, { claim, reason: `${reason}; address owner` });
  const why = delayMs > 0 ? `${reason}; claims nothing for ${formatMs(delayMs)}` : reason;
  const next = listening(config, at, { claim, reason: why, heard: null });
  return { next, effects: [notify(from, next)] };
}

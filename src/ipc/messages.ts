import type { Departure, DepartureReply } from "./departure.ts";
import type { FoundName } from "../config/lookup-plan.ts";
import type { ProxyPlan, VrrpPlan } from "../config/node-plan.ts";
import type { WeightWord } from "../config/weight-word.ts";
import type { ClientNote } from "./client-book.ts";
import type { DirectorChange } from "./director-change.ts";
import type { DiskNote } from "./disk-note.ts";
import type { DrainOrder, DrainReport } from "./drain.ts";
import type { ScriptUser } from "./script-user.ts";
import type { ServerEjection } from "./server-ejection.ts";
import type { FootingStatus } from "./footing-status.ts";
import type { OpenNews } from "./open-news.ts";
import type { SlotNews, SlotWord } from "./slot-news.ts";
import type { Pages } from "./pages.ts";
import type { HandedOver, HandoverOrder, HandoverReport } from "./handover.ts";
import type {
  BfdReport,
  InstanceStatus,
  NameStatus,
  ProbeStatus,
  ProxiedStatus,
  ProxiedTraffic,
  ProxyStatus,
  ServiceStatus,
} from "./status.ts";
import type { DrainedOpen, ServerStanding } from "./standing.ts";

/**
 * Everything that passes between the supervisor and its children, as plain JSON over the runtime's IPC channel.
 * A child that loses the channel has lost its supervisor: `vrrp` resigns, all leave; unless they were told to outlive it.
 */

/** The roles the executable can be re-run in. */
export type Role = "vrrp" | "director" | "proxy";

/** Another program is about to take the supervisor's place: go on without the channel. Answered by `outlives`. */
export interface Outlive {
  readonly kind: "outlive";
}

/** Said by a child that will go on. */
export interface Outlives {
  readonly kind: "outlives";
}

/** From the supervisor to `vrrp`. */
export type ToVrrp =
  | {
      readonly kind: "configure";
      readonly plan: VrrpPlan;
      /** Instances that an earlier, killed process of this supervisor held: taken over in place, not removed. */
      readonly adopt: readonly string[];
      /** What the operator has handed over; only a process without a plan takes notice. */
      readonly handedOver: readonly HandedOver[];
      /** As in `proxies` below; part of the plan so that a new process claims nothing it should not. */
      readonly proxiesAreAlive: boolean;
      /** How long the supervisor has been running: start-up delays count from its start. */
      readonly uptimeMs: number;
      /** Standing verdicts of the probes that tracks of the plan go by; one that is missing is not known yet. */
      readonly verdicts: readonly Verdict[];
      /** Whom the plan's programs run as; who is missing is asked for. */
      readonly users: readonly ScriptUser[];
    }
  /** Those of them that changed since the last message. */
  | { readonly kind: "verdicts"; readonly verdicts: readonly Verdict[] }
  /** Whether at least one proxy process is able to serve. */
  | { readonly kind: "proxies"; readonly areAlive: boolean }
  /** Answered by one `handover` with the same number once it is over. */
  | { readonly kind: "handover"; readonly id: number; readonly order: HandoverOrder }
  | { readonly kind: "departure"; readonly reply: DepartureReply }
  | Outlive
  | { readonly kind: "stop" };

/** From `vrrp` to the supervisor. */
export type FromVrrp =
  | { readonly kind: "hello" }
  | Outlives
  | { readonly kind: "configured" }
  /** The plan could not be carried out; the old one is still in force. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "handover"; readonly id: number; readonly report: HandoverReport }
  | { readonly kind: "departure"; readonly departure: Departure }
  /** Sent at every change, and every second unless there are more than 50 virtual routers. */
  | {
      readonly kind: "status";
      readonly instances: readonly InstanceStatus[];
      readonly bfd: BfdReport;
    }
  /** Sent every second without a status: every state is still as the last one said. */
  | { readonly kind: "unchanged" }
  | { readonly kind: "stopped" };

/** From the supervisor to `director`. */
export type ToDirector =
  /** The next services of the plan that follows, as `servicesTexts` writes them: read while the rest is written. */
  | { readonly kind: "services"; readonly services: string }
  | {
      readonly kind: "configure";
      /** As `planText` writes it: all but the services, which went ahead. */
      readonly plan: string;
      /** What an earlier process found: a new one goes on from there. */
      readonly verdicts: readonly Verdict[];
      /** And what it found names to stand for. */
      readonly found: readonly FoundName[];
    }
  /** Another plan, as what differs from the last one that was sent to this process, carried out or refused. */
  | { readonly kind: "change"; readonly change: DirectorChange }
  /** Connections that the proxies have to servers which were taken out; only those all of them have told of. */
  | { readonly kind: "drained"; readonly open: readonly DrainedOpen[] }
  /** Answered by one `drain` with the same number. */
  | { readonly kind: "drain"; readonly id: number; readonly order: DrainOrder }
  /** Probes whose servers have just failed clients: they are asked at once. */
  | { readonly kind: "suspects"; readonly probes: readonly string[] }
  /** Answered by one `status`: with thousands of servers it is too much to be sent unasked. */
  | { readonly kind: "show" }
  /** After a start that failed it leaves what it found of an earlier process's services in the kernel as that was. */
  | { readonly kind: "stop"; readonly keepsServices: boolean };

/** A probe's standing verdict. */
export interface Verdict {
  readonly probe: string;
  readonly isUp: boolean;
  /** What the check says about the server's weight; null is nothing. */
  readonly weight: WeightWord | null;
}

/** From `director` to the supervisor. */
export type FromDirector =
  | { readonly kind: "hello" }
  | { readonly kind: "drain"; readonly id: number; readonly report: DrainReport }
  /** The sign of life, every second. */
  | { readonly kind: "alive" }
  | { readonly kind: "configured" }
  | { readonly kind: "refused"; readonly reason: string }
  /** All verdicts that changed since the last message. */
  | { readonly kind: "verdicts"; readonly verdicts: readonly Verdict[] }
  /** How servers of relays and upstreams stand: all of them, or those for which that has changed. */
  | {
      readonly kind: "standings";
      readonly standings: readonly ServerStanding[];
      readonly isWhole: boolean;
    }
  /** What names of servers stand for; a name that is missing was never found, or is not looked up any more. */
  | { readonly kind: "found"; readonly names: readonly FoundName[] }
  | {
      readonly kind: "status";
      readonly names: readonly NameStatus[];
      readonly probes: readonly ProbeStatus[];
      readonly services: readonly ServiceStatus[];
      readonly footing: FootingStatus;
      readonly proxied: readonly ProxiedStatus[];
    }
  | { readonly kind: "stopped" };

/** From the supervisor to a `proxy` process. */
export type ToProxy =
  | {
      readonly kind: "configure";
      readonly plan: ProxyPlan;
      /** Inherited listening sockets by name (src/ipc/listening-socket.ts). */
      readonly sockets: Readonly<Record<string, number>>;
      /** Inherited memory where what is limited is counted (counts/layout.ts). */
      readonly counts: number;
      /** How all servers stand; one that is missing is open with its own weight, unless its service starts down. */
      readonly standings: readonly ServerStanding[];
      /** Where clients of relays with persistence belong, for a process that has just started. */
      readonly clients: readonly ClientNote[];
      /** What stands in the PEM files that the plan names, by path. */
      readonly credentials: Readonly<Record<string, string>>;
      readonly pages: Pages;
      /** What names of servers stand for; one that is missing has no server yet. */
      readonly found: readonly FoundName[];
      /** Whether this process is the one that keeps caches on disk within their bounds. */
      readonly keepsDisks: boolean;
    }
  /** What names of servers stand for from now on; one that is missing stands for what it did. */
  | { readonly kind: "found"; readonly names: readonly FoundName[] }
  /** How servers stand for which that has changed. */
  | { readonly kind: "standings"; readonly standings: readonly ServerStanding[] }
  /** Answered by one `servers` with the same number. */
  | { readonly kind: "show"; readonly id: number }
  | { readonly kind: "departure"; readonly departure: Departure }
  | ProxyNews
  /** What it is lent of what is limited for all processes together, and what others ask back. */
  | { readonly kind: "slots"; readonly words: readonly SlotWord[] }
  /** Open the files of access logs anew: they were moved away. */
  | { readonly kind: "reopen" }
  /** Remove stored responses that an operator's pattern names. */
  | { readonly kind: "purge"; readonly pattern: string }
  /** As `Outlive`; at the next SIGTERM accept no more and finish what is open within `drainMs`. */
  | (Outlive & { readonly drainMs: number })
  /** Accept no more, finish what is open within `deadlineMs`, then leave. */
  | { readonly kind: "drain"; readonly deadlineMs: number };

/** Turns that one key of a rate limit has taken. */
export interface SpentNote {
  readonly limit: string;
  readonly key: string;
  readonly count: number;
}

/** What one `proxy` process has seen and all others are told as it is. */
export type ProxyNews =
  /** Where clients of relays with persistence went; processes to come are told, too. */
  | { readonly kind: "clients"; readonly clients: readonly ClientNote[] }
  /** What was spent of rate limits. */
  | { readonly kind: "spent"; readonly notes: readonly SpentNote[] }
  /** What it has open, of what is limited for all together. */
  | { readonly kind: "open"; readonly news: OpenNews }
  /** Servers of upstreams that failed clients, and are left alone for a while. */
  | { readonly kind: "ejections"; readonly ejections: readonly ServerEjection[] }
  /** What was done on disks that caches are on, above all for the process that keeps them within their bounds. */
  | { readonly kind: "disk"; readonly notes: readonly DiskNote[] }
  /** URLs that requests have changed, for caches (RFC 9111 §4.4). */
  | { readonly kind: "changed"; readonly urls: readonly string[] };

/** From a `proxy` process to the supervisor. */
export type FromProxy =
  | { readonly kind: "hello" }
  | Outlives
  | { readonly kind: "configured" }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "departure"; readonly reply: DepartureReply }
  | ProxyNews
  /** What it has a use for of what is limited for all processes together, and what it gives back. */
  | { readonly kind: "slots"; readonly news: SlotNews }
  /** Probes whose servers have just refused clients, or let them wait in vain. */
  | { readonly kind: "suspects"; readonly probes: readonly string[] }
  /** What has passed to each server, by `proxiedServerId`; those without any are left out. */
  | {
      readonly kind: "servers";
      readonly id: number;
      readonly servers: Readonly<Record<string, ProxiedTraffic>>;
    }
  /** Sent every second; also the sign of life. `drained` has every server that the operator took out. */
  | { readonly kind: "status"; readonly status: ProxyStatus; readonly drained: readonly DrainedOpen[] };

import type { Fifo } from "../base/fifo.ts";
import type { Program, UserIds } from "../base/program.ts";
import type { Family } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import type { Instant } from "../base/instant.ts";
import type { ProcessEvent } from "../kernel/proc-connector.ts";
import type { ProcessText } from "../kernel/processes.ts";
import type { Reachability } from "../kernel/reachability.ts";
import type { FloodCount } from "../kernel/flood-guard.ts";
import type { IpPacket } from "../kernel/frames.ts";
import type { NeighbourWord } from "../kernel/neighbour-word.ts";
import type { ReceivedPacket } from "../kernel/raw-multicast.ts";
import type {
  ChangeOutcome,
  InterfaceAddress,
  LeasedAddress,
  Link,
  RouteChange,
  RouteEvent,
  RouteRequest,
  RuleRequest,
} from "../kernel/rtnetlink.ts";
import type { RouteNews, RoutesPlace, RouteWatch } from "../kernel/route-watch.ts";
import type { Nftables } from "../kernel/nftables.ts";
import type { BfdHost } from "./bfd/bfd-host.ts";
import type { VirtualMacLinks } from "../kernel/virtual-mac-links.ts";
import type { GatewayPlace } from "./tracks/gateway-place.ts";

/** What the elections need of the machine they run on; kernel-host.ts has the real one, tests bring their own. */
export interface Host {
  readonly clock: Clock;
  /** One alarm with more precision than `clock.schedule`; setting it replaces what was set. */
  readonly alarm: { set(at: Instant, action: () => void): void; clear(): void };
  /** Gives a number in [0, 1). */
  random(): number;
  readonly routes: Routes;
  /** What is this node's where the kernel keeps no tags. */
  readonly journal: { readonly entries: ReadonlySet<string>; note(entries: ReadonlySet<string>): void };
  /** Kernel settings by their path below /proc/sys; throws `SystemError`. */
  readonly settings: { read(path: string): string; write(path: string, value: string): void };
  /** What BFD sessions need beside this. */
  readonly bfd: BfdHost;
  readonly virtualMacLinks: VirtualMacLinksHost;
  /** Opens the packet filter; throws `SystemError` where the kernel has none. */
  openPacketFilter(): PacketFilter;
  /** Tells the neighbours on a link once where `address` is: gratuitous ARP, or an unsolicited neighbour advertisement. */
  announce(link: Link, address: string): void;
  /** Starts hearing a multicast group on a link; throws `SystemError`. */
  openSegment(where: SegmentPlace, receive: (packet: ReceivedPacket) => void): Segment;
  /** Starts hearing ARP, or neighbour advertisements, on a link; throws `SystemError`. */
  openNeighbourhood(where: LinkFamily, react: (word: NeighbourWord) => void): Neighbourhood;
  /** Starts hearing all VRRP over IP on a link, whomever it is for, past this host's own firewall; throws `SystemError`. */
  openCapture(where: LinkFamily, react: (packet: IpPacket) => void): { close(): void };
  /** Gets ready to send through the place's speaker, which may be down still; throws `SystemError`. */
  openSpeaker(where: SegmentPlace, speaker: Link): Speaker;
  /** Runs a program once; never rejects. */
  runScript(script: Program): Promise<ScriptResult>;
  /**
   * Finds a user's ids, or throws if there is no such user; for null those of one without privileges, or null where
   * this process cannot change users.
   */
  resolveUser(name: string | null): UserIds | null;
  /** Opens a FIFO, made if missing, for lines that are dropped rather than waited with; throws if it cannot be made. */
  openFifo(path: string): Fifo;
  /** Reads a small file; null if there is none. */
  readFile(path: string): string | null;
  readonly processes: HostProcesses;
  /** Hears of the routes to one destination from now on; throws `SystemError`. */
  watchRoutes(place: RoutesPlace, react: (news: RouteNews) => void): RouteWatch;
  /** Gets ready to ask an address whether it is there; `answered` is called for each answer. Throws `SystemError`. */
  openReachability(place: GatewayPlace, target: string, answered: () => void): Reachability;
  /** Calls `react` when a file may have changed, come or gone; the result ends that. Null if it cannot be watched. */
  watchFile(path: string, react: () => void): (() => void) | null;
}

/** The processes of this host. */
export interface HostProcesses {
  list(): readonly number[];
  /** Describes a process; null if it does not run. */
  describe(pid: number): ProcessText | null;
  /** Calls `react` once when a process ends; the result ends that. Null if it has ended. */
  watchEnd(pid: number, react: () => void): (() => void) | null;
  /** Tells of starts and changes of name; the result ends that. Null where the kernel does not tell. */
  subscribe(react: (event: ProcessEvent) => void): (() => void) | null;
}

/** The part of rtnetlink that is used here. */
export interface Routes {
  links(): readonly Link[];
  addresses(): readonly InterfaceAddress[];
  /** The same, with what is left of their leases. */
  leases(): readonly LeasedAddress[];
  /** Routes of all tables that carry a tag. */
  taggedRoutes(protocol: number): readonly RouteRequest[];
  /** Rules of both families, whoever put them there. */
  rules(): readonly RuleRequest[];
  /** Carries out changes in their order; gives what became of each. */
  apply(changes: readonly RouteChange[]): readonly ChangeOutcome[];
  /** Tells of links and addresses. */
  subscribe(react: (event: RouteEvent) => void): () => void;
  /** Tells of routes and rules. */
  subscribeFib(react: (event: RouteEvent) => void): () => void;
}

/** The part of the interfaces with virtual MACs that is used here. */
export type VirtualMacLinksHost = Pick<
  VirtualMacLinks,
  "list" | "problem" | "make" | "settle" | "setUp" | "remove"
>;

/** The part of the packet filter that is used here. */
export type PacketFilter = Pick<
  Nftables,
  "apply" | "elements" | "comments" | "removeTable" | "subscribe" | "close"
>;

/** Where advertisements of one source travel. */
export interface SegmentPlace {
  readonly link: Link;
  readonly group: string;
  readonly source: string;
  /** The interface with the virtual MAC to send through; null sends through `link` itself. */
  readonly speaker: Link | null;
}

/** A link, and what is spoken there. */
export interface LinkFamily {
  readonly link: Link;
  readonly family: Family;
}

/** What neighbours on a link say of where addresses of a family are. */
export interface Neighbourhood {
  /** Hears only what is said of these addresses. */
  listenFor(addresses: readonly string[]): void;
  /** Asks who has an address, without claiming it; `asker` is an own address of the same family. */
  probe(address: string, asker: string): void;
  close(): void;
}

/** Speaks to a multicast group on a link from the host's own address there. */
export interface Speaker {
  /** Sends to the group or to a router of its own; throws `SystemError`. */
  send(payload: Uint8Array, to: string): void;
  close(): void;
}

/** Hears the group as well. */
export interface Segment extends Speaker {
  /** Says what floods arrived since it was opened; null if there was none. */
  floods(): FloodCount | null;
}

/** How a run ended; `text` reads like `exit status 1`. */
export interface ScriptResult {
  readonly hasSucceeded: boolean;
  readonly text: string;
}

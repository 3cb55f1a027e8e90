import { unreachable } from "../base/assert.ts";
import { Absentees } from "./absentees.ts";
import { AddressBook } from "./address-book.ts";
import { type BfdTrace, BfdSessions } from "./bfd-sessions.ts";
import { type Finding, type Notice, type Place, placeKey } from "./complaint.ts";
import type { Expectations } from "./file-rules.ts";
import { type Heard, heardIn } from "./heard.ts";
import { judgeMalformed } from "./judge.ts";
import { Ledger } from "./ledger.ts";
import type { BfdPacket, NeighbourPacket, Packet, VrrpPacket } from "./packet.ts";
import type { Reign } from "./roles.ts";
import { VirtualRouter } from "./virtual-router.ts";

/** What to look at, and what to hold it against. */
export interface AnalystOptions {
  /** Null is all of them. */
  readonly vrids: ReadonlySet<number> | null;
  readonly expected: Expectations | null;
  /** Where everything that passes is seen from the beginning; null where that is not known. */
  readonly interfaces: readonly string[] | null;
}

/** What came of a packet. */
export interface Seen {
  /** Whether it is worth a line. */
  readonly isShown: boolean;
  readonly notices: readonly Notice[];
}

/** Everything that was seen, at the end. */
export interface Summary {
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly packets: number;
  readonly routers: readonly RouterSummary[];
  readonly bfd: readonly BfdTrace[];
  readonly findings: readonly { readonly finding: Finding; readonly isOpen: boolean }[];
  /** Findings there was no room for, and packets of virtual routers there was no room for. */
  readonly omitted: number;
}

/** One virtual router. */
export interface RouterSummary {
  readonly place: Place;
  /** Well-formed advertisements by source. */
  readonly packets: readonly { readonly source: string; readonly count: number }[];
  readonly reigns: readonly Reign[];
  readonly active: string | null;
  readonly addresses: readonly string[];
}

/** VRIDs of both families on a few links. */
const mostRouters = 4_096;
const mostLinks = 256;
const leastRoundMs = 5;

/** PURE: judges packets one after the other, by their own times. */
export class Analyst {
  readonly #options: AnalystOptions;
  readonly #ledger = new Ledger();
  readonly #routers = new Map<string, VirtualRouter>();
  readonly #books = new Map<string, AddressBook>();
  readonly #bfd = new BfdSessions(this.#ledger);
  readonly #absentees: Absentees | null;
  #fromMs: number | null = null;
  #toMs: number | null = null;
  #packets = 0;
  #roundMs = 0;
  #omitted = 0;

  constructor(options: AnalystOptions) {
    this.#options = options;
    const { expected, interfaces, vrids } = options;
    const isWhole = expected !== null && interfaces !== null && vrids === null;
    this.#absentees = isWhole ? new Absentees(expected, interfaces, this.#ledger) : null;
  }

  /** Addresses that advertisements listed; ARP about others is of no interest. */
  get addresses(): readonly string[] {
    return [...new Set([...this.#books.values()].flatMap((book) => book.addresses))];
  }

  /** At least how many addresses there are, for those who ask often. */
  get addressCount(): number {
    return [...this.#books.values()].reduce((sum, book) => sum + book.size, 0);
  }

  /** Takes a packet, after letting time pass up to it. */
  see(packet: Packet): Seen {
    const before = this.advance(packet.atMs);
    const atMs = this.#toMs ?? packet.atMs;
    const isShown = this.#take({ ...packet, atMs });
    if (isShown) this.#packets += 1;
    return { isShown, notices: [...before, ...this.#ledger.takeNotices()] };
  }

  /** Lets time pass. */
  advance(toMs: number): readonly Notice[] {
    // A capture of several links may be out of order by a little: time does not go back.
    const atMs = Math.max(toMs, this.#toMs ?? toMs);
    this.#fromMs ??= atMs;
    this.#toMs = atMs;
    // With hundreds of routers not at every packet: what time brings may be said a moment later.
    if (atMs - this.#roundMs >= leastRoundMs) {
      this.#roundMs = atMs;
      for (const router of this.#routers.values()) router.advance(atMs);
      this.#absentees?.advance(atMs);
    }
    return this.#ledger.takeNotices();
  }

  /** Gives everything at the end. */
  summary(): Summary {
    const atMs = this.#toMs ?? 0;
    const routers = [...this.#routers.values()].map((router): RouterSummary => {
      const { place, speakers } = router;
      const packets = [...speakers].map(([source, { count }]) => ({ source, count }));
      const addresses = [...new Set([...speakers.values()].flatMap(({ last }) => last.advert.addresses))];
      const active = router.active?.heard.source ?? null;
      return { place, packets, reigns: router.reigns(atMs), active, addresses };
    });
    return {
      fromMs: this.#fromMs,
      toMs: this.#toMs,
      packets: this.#packets,
      routers,
      bfd: this.#bfd.traces,
      findings: this.#ledger.findings,
      omitted: this.#omitted + this.#ledger.omitted,
    };
  }

  #take(packet: Packet): boolean {
    switch (packet.kind) {
      case "vrrp":
        return this.#takeVrrp(packet);
      case "neighbour":
        return this.#takeNeighbour(packet);
      case "bfd":
        return this.#takeBfd(packet);
      default:
        return unreachable(packet);
    }
  }

  #takeVrrp(packet: VrrpPacket): boolean {
    const { reading } = packet;
    const vrid = reading.kind === "malformed" ? reading.vrid : reading.advert.vrid;
    const { vrids } = this.#options;
    if (vrids !== null && (vrid === null || !vrids.has(vrid))) return false;
    const place = placeOf(packet, vrid);
    const complaint = judgeMalformed(packet);
    if (complaint !== null) this.#ledger.raise(place, complaint, packet.atMs);
    const heard = heardIn(packet);
    if (heard !== null) this.#hear(place, heard);
    return true;
  }

  #hear(place: Place, heard: Heard): void {
    const router = this.#routerAt(place);
    if (router === null) return;
    router.advance(heard.atMs);
    this.#absentees?.heard(place, heard.atMs);
    router.hear(heard);
    for (const complaint of this.#bookAt(place)?.note(router, heard) ?? []) {
      this.#ledger.raise(place, complaint, heard.atMs);
    }
  }

  #takeNeighbour(packet: NeighbourPacket): boolean {
    const book = this.#bookAt(placeOf(packet, null));
    if (book === null || book.routersOf(packet.address).length === 0) return false;
    const judged = book.judge(packet);
    if (judged !== null) this.#ledger.raise(judged.router.place, judged.complaint, packet.atMs);
    // Hosts ask for addresses all the time; what is told to all is news, and what is wrong is.
    return packet.isGratuitous || judged !== null;
  }

  #takeBfd(packet: BfdPacket): boolean {
    // Sessions are of nodes and not of virtual routers.
    if (this.#options.vrids !== null) return false;
    return this.#bfd.hear(packet, placeOf(packet, null));
  }

  #routerAt(place: Place): VirtualRouter | null {
    const key = placeKey(place);
    const known = this.#routers.get(key);
    if (known !== undefined) return known;
    if (this.#routers.size >= mostRouters) {
      this.#omitted += 1;
      return null;
    }
    const router = new VirtualRouter(place, { ledger: this.#ledger, expected: this.#options.expected });
    this.#routers.set(key, router);
    return router;
  }

  #bookAt(place: Place): AddressBook | null {
    const key = placeKey({ ...place, vrid: null, family: null });
    const known = this.#books.get(key);
    if (known !== undefined) return known;
    if (this.#books.size >= mostLinks) return null;
    const book = new AddressBook();
    this.#books.set(key, book);
    return book;
  }
}

function placeOf(packet: Packet, vrid: number | null): Place {
  const { interface: on, vlans } = packet;
  return { interface: on, vlans, vrid, family: packet.kind === "neighbour" ? null : packet.family };
}

import { familyOf, type Prefix } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { VrrpInstancePlan } from "../config/node-plan.ts";
import type { PathStatus } from "../ipc/status.ts";
import type { ReceivedPacket } from "../kernel/raw-multicast.ts";
import { type ArrivalRules, type ExpectedRouter, judgeArrival } from "./arrival.ts";
import { Authenticator } from "./authenticator.ts";
import { Complaints } from "./complaints.ts";
import type { Counters } from "./counters.ts";
import { hmacSha256 } from "./hmac-sha256.ts";
import type { Host, SegmentPlace } from "./host.ts";
import {
  type Advert,
  authenticationOf,
  decodeAdvert,
  encodeAdvert,
  encodeRequest,
  type Route,
  sumTrailer,
} from "./packet.ts";
import { type PathNews, PathWatch } from "./path-watch.ts";
import { type DropCause, judgeAdvert, type ReceiveRules, type Remark } from "./receive.ts";
import type { WithoutTime } from "./split-brain.ts";
import { isSamePlace, type Membership, type Transport } from "./transport.ts";

/** An interface that a virtual router's advertisements travel on. */
export interface PathPlace {
  readonly interface: string;
  /** Where to speak and listen; null while the interface cannot be used. */
  readonly place: SegmentPlace | null;
  /** Why there is no place, or null. */
  readonly problem: string | null;
  /** Networks of the host's own addresses there. */
  readonly networks: () => readonly Prefix[];
}

/** An advertisement that counts. */
export interface HeardAdvert {
  /** The sender as elections know it: its source on the virtual router's own interface. */
  readonly source: string;
  readonly priority: number;
  readonly intervalMs: number;
}

/** What a router's advertisements take. */
export interface AdvertsNeeds {
  readonly host: Pick<Host, "clock">;
  readonly transport: Transport;
  readonly log: Log;
  readonly counters: Counters;
  /** The plan in force. */
  readonly plan: () => VrrpInstancePlan;
  readonly hear: (advert: HeardAdvert) => void;
  /** Told of requests to hand over, and of the answers to them. */
  readonly beAsked: (request: Pick<HeardAdvert, "source" | "priority">) => void;
  /** Told of what speaks for a rival, were this router active; `source` is the sender on the router's own interface. */
  readonly sight: (sighting: AdvertSighting) => void;
}

/** What an advertisement says of a rival. */
export type AdvertSighting = Extract<WithoutTime, { readonly kind: "advert" | "dropped" }>;

/** An encoded advertisement, and what it was made from. */
interface Said extends Pick<Advert, "priority" | "intervalMs"> {
  readonly plan: VrrpInstancePlan;
  readonly message: Uint8Array;
}

interface Path extends PathPlace {
  readonly membership: Membership | null;
}

/**
 * One virtual router's advertisements, on its own interface and on heartbeats beside it: makes and signs what is sent,
 * and judges, counts and complains about what is received.
 */
export class Adverts {
  readonly #needs: AdvertsNeeds;
  readonly #complaints = new Complaints();
  readonly #authenticator = new Authenticator(hmacSha256);
  readonly #watch = new PathWatch();
  /** Who was heard last, and the plan that its list of addresses was compared with. */
  #compared: { readonly sender: string; readonly plan: VrrpInstancePlan } | null = null;
  /** What was said last, by source and destination: an active router says the same for days. */
  readonly #said = new Map<string, Said>();
  /** The virtual router's own interface first. */
  #paths: readonly Path[] = [];

  constructor(needs: AdvertsNeeds) {
    this.#needs = needs;
  }

  /** Speaks and listens where it can from now on; gives why it cannot on the first path although there is a place. */
  moveTo(places: readonly PathPlace[]): string | null {
    const problems: string[] = [];
    const before = this.#paths;
    const isKept = ({ membership }: Path): boolean => {
      return places.some(({ place }) => place !== null && isAt(membership, place));
    };
    // First of all: a VRID is heard once on a segment.
    const left = before.filter((path) => path.membership !== null && !isKept(path));
    for (const path of left) path.membership?.leave();
    if (left.length > 0) this.#said.clear();
    this.#paths = places.map((path) => {
      const { place } = path;
      if (place === null) return { ...path, membership: null };
      const kept = before.find(({ membership }) => isAt(membership, place))?.membership;
      if (kept !== undefined && kept !== null) return { ...path, membership: kept };
      try {
        return { ...path, membership: this.#join(place) };
      } catch (error) {
        const problem = `no socket on ${place.link.name}: ${errorText(error)}`;
        // That of the first path becomes the reason of a state.
        if (path === places[0]) problems.push(problem);
        else this.#complain(problem);
        return { ...path, membership: null, problem };
      }
    });
    return problems[0] ?? null;
  }

  /** Where the router speaks on its own interface; null if it cannot. */
  get place(): SegmentPlace | null {
    return this.#paths[0]?.membership?.place ?? null;
  }

  /** Says it on every path, with an interval other than this router's own if that is meant. */
  send(priority: number, intervalMs: number = this.#needs.plan().advertIntervalMs): void {
    let isSent = false;
    for (const [index, { membership }] of this.#paths.entries()) {
      if (membership === null) continue;
      for (const to of this.#destinations(index, membership.place)) {
        isSent = this.#sendTo(membership, to, { priority, intervalMs }) || isSent;
      }
    }
    if (isSent) this.#needs.counters.count(priority === 0 ? "sentPriorityZero" : "sent");
  }

  /** Asks to be handed over to, or answers that: on every path, and as the backup or holder that this node is. */
  request(priority: number): void {
    const intervalMs = this.#needs.plan().advertIntervalMs;
    for (const [index, { membership }] of this.#paths.entries()) {
      if (membership === null) continue;
      for (const to of this.#destinations(index, membership.place)) {
        this.#sendTo(membership, to, { priority, intervalMs, isRequest: true });
      }
    }
  }

  /** Says how each path stands. */
  paths(): readonly PathStatus[] {
    const { unicast } = this.#needs.plan();
    return this.#paths.map((path) => ({
      interface: path.interface,
      transport: unicast === null ? "multicast" : "unicast",
      problem: path.problem,
      flood: path.membership?.floods() ?? null,
      heard: this.#watch.heardOn(path.interface).map(({ router, address, wallTime, isSilent }) => {
        return { router, address, at: wallTime?.toISOString() ?? null, isSilent };
      }),
    }));
  }

  #join(place: SegmentPlace): Membership {
    const { vrid } = this.#needs.plan();
    return this.#needs.transport.join(place, vrid, (packet) => this.#receive(place, packet));
  }

  #destinations(index: number, { group }: SegmentPlace): readonly string[] {
    if (this.#needs.plan().unicast === null) return [group];
    return this.#expected(index).map(({ address }) => address);
  }

  #expected(index: number): readonly ExpectedRouter[] {
    const { peers, heartbeats } = this.#needs.plan();
    if (index > 0) return heartbeats[index - 1]?.peers ?? [];
    return peers.map(({ name, address }) => ({ name, address, identity: address }));
  }

  #sendTo(
    membership: Membership,
    destination: string,
    {
      isRequest = false,
      ...what
    }: Pick<Advert, "priority" | "intervalMs"> & { readonly isRequest?: boolean },
  ): boolean {
    const { version, hmac } = this.#needs.plan();
    const { source } = membership.place;
    try {
      const route = { source, destination };
      const message = isRequest
        ? encodeRequest(this.#advert(route, what), route, this.#needs.plan().checksum)
        : this.#message(route, what);
      const isSigned = hmac !== null && version === 3;
      const payload = isSigned
        ? sumTrailer(this.#authenticator.sign(hmac, { message, source }, this.#wallMs()), route)
        : message;
      // A backup that spoke from the virtual MAC would draw its traffic.
      if (isRequest) membership.sendAsHost(payload, destination);
      else membership.send(payload, destination);
      return true;
    } catch (error) {
      this.#needs.counters.count("sendErrors");
      this.#complain(`an advertisement could not be sent: ${errorText(error)}`);
      return false;
    }
  }

  /** Gives the bytes of an advertisement, those of the last time if they are the same. */
  #message(route: Route, what: Pick<Advert, "priority" | "intervalMs">): Uint8Array {
    const plan = this.#needs.plan();
    const way = `${route.source} ${route.destination}`;
    const said = this.#said.get(way);
    const isSame =
      said?.plan === plan && said.priority === what.priority && said.intervalMs === what.intervalMs;
    if (isSame) return said.message;
    // Those of an old plan may have gone to others.
    if (said !== undefined && said.plan !== plan) this.#said.clear();
    const message = encodeAdvert(this.#advert(route, what), route, plan.checksum);
    this.#said.set(way, { plan, ...what, message });
    return message;
  }

  #advert(route: Route, what: Pick<Advert, "priority" | "intervalMs">): Advert {
    const { version, vrid, password, addresses } = this.#needs.plan();
    return {
      family: familyOf(route.source),
      version,
      vrid,
      ...what,
      addresses: addresses.map(({ address }) => address),
      auth: authenticationOf(password),
    };
  }

  #receive(place: SegmentPlace, packet: ReceivedPacket): void {
    const index = this.#paths.findIndex(({ membership }) => isAt(membership, place));
    const path = this.#paths[index];
    if (path === undefined) return;
    const { counters } = this.#needs;
    const { payload, source } = packet;
    const arrival = judgeArrival(this.#arrivalRules(index, path, place), packet);
    if (arrival.kind === "dropped") {
      counters.countDrop(arrival.remark.kind);
      this.#sightDrop(source, arrival.remark, null);
      return this.#complain(`advertisement from ${source} dropped: ${arrival.remark.explanation}`);
    }
    const heartbeat = index > 0 ? path.interface : null;
    const decoded = decodeAdvert(payload, packet, arrival.ttl);
    if (decoded.kind === "malformed") {
      counters.countDrop(decoded.cause);
      this.#sightDrop(arrival.identity, { kind: decoded.cause, explanation: decoded.explanation }, heartbeat);
      return this.#complain(`advertisement from ${source} dropped: ${decoded.explanation}`);
    }
    const { advert } = decoded;
    const judged = judgeAdvert(this.#receiveRules(path, place, arrival.identity), advert, source, () =>
      this.#authenticator.judge(this.#needs.plan().hmac, { ...decoded, source }, this.#wallMs()),
    );
    const isRequest = decoded.kind === "request";
    if (!isRequest || judged.kind === "dropped") counters.countJudged(judged);
    if (judged.kind === "dropped") {
      const { kind, explanation } = judged.remark;
      this.#sightDrop(arrival.identity, judged.remark, heartbeat);
      // The kind is what repeats itself: an explanation may have a time in it.
      return this.#complain(`advertisement from ${source} dropped: ${explanation}`, `${kind} ${source}`);
    }
    const { priority, intervalMs } = advert;
    if (isRequest) return this.#needs.beAsked({ source: arrival.identity, priority });
    for (const { explanation } of judged.oddities) {
      this.#complain(`advertisement from ${source}: ${explanation}`);
    }
    this.#compared = { sender: arrival.identity, plan: this.#needs.plan() };
    if (advert.version === 3) {
      const isPseudo = decoded.checksum === "pseudo-header";
      counters.count(isPseudo ? "pseudoHeaderChecksums" : "messageOnlyChecksums");
    }
    if (advert.priority === 0) counters.count("receivedPriorityZero");
    const oddities = judged.oddities.map(({ kind }) => kind);
    this.#noteHearing(path.interface, { router: arrival.name, address: source, intervalMs });
    const way = { path: path.interface, silentPaths: this.#watch.silentPaths(arrival.name) };
    if (priority !== 0) this.#needs.sight({ kind: "advert", source: arrival.identity, oddities, ...way });
    this.#needs.hear({ source: arrival.identity, priority, intervalMs });
  }

  #arrivalRules(index: number, path: PathPlace, { source }: SegmentPlace): ArrivalRules {
    const { unicast } = this.#needs.plan();
    const { interface: on, networks } = path;
    return {
      interface: on,
      source,
      isHeartbeat: index > 0,
      unicast,
      expected: this.#expected(index),
      networks,
    };
  }

  #receiveRules({ membership }: Path, { source }: SegmentPlace, sender: string): ReceiveRules {
    const plan = this.#needs.plan();
    const { version, advertIntervalMs, password, family, unicast } = plan;
    const isCompared = this.#compared?.plan === plan && this.#compared.sender === sender;
    const addresses =
      plan.skipsAddressCheck && isCompared ? null : plan.addresses.map(({ address }) => address);
    // On a heartbeat there are none but nodes of the file, under the addresses that it gives them.
    const isOwn = membership === this.#paths[0]?.membership;
    const wantsLinkLocal = family === 6 && unicast === null && isOwn;
    return { version, advertIntervalMs, password, source, addresses, wantsLinkLocal };
  }

  #noteHearing(
    path: string,
    from: { readonly router: string; readonly address: string; readonly intervalMs: number },
  ): void {
    const { clock } = this.#needs.host;
    const { router, address, intervalMs } = from;
    // A backup of the lowest priority has given up waiting by then.
    const patienceMs = (this.#needs.plan().downAfter + 1) * intervalMs;
    const hearing = { path, router, address, patienceMs, at: clock.now(), wallTime: clock.wallTime() };
    const paths = this.#paths.map((each) => each.interface);
    for (const news of this.#watch.hear(hearing, paths)) this.#tell(news);
  }

  #tell({ kind, path, router, others }: PathNews): void {
    const { log, plan } = this.#needs;
    if (kind === "back") return log.notice(`${plan().name}: path ${path} to ${router} is back`);
    const problem = this.#paths.find((each) => each.interface === path)?.problem ?? null;
    const why = problem === null ? "" : ` (${problem})`;
    const rest = `${others.join(" and ")} ${others.length === 1 ? "is" : "are"} not`;
    log.warning(`${plan().name}: path ${path} to ${router} is silent${why}, ${rest}`);
  }

  #sightDrop(
    source: string,
    { kind: cause, explanation }: Remark<DropCause>,
    heartbeat: string | null,
  ): void {
    // What is reflected is our own.
    if (cause !== "reflected") this.#needs.sight({ kind: "dropped", source, cause, explanation, heartbeat });
  }

  #complain(text: string, kind: string = text): void {
    const { log, host, plan } = this.#needs;
    if (this.#complaints.isDue(kind, host.clock.now())) log.warning(`${plan().name}: ${text}`);
  }

  #wallMs(): number {
    return this.#needs.host.clock.wallTime().getTime();
  }
}

function isAt(membership: Membership | null, place: SegmentPlace): boolean {
  return membership !== null && isSamePlace(membership.place, place);
}

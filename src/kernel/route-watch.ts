import { familyOf, type Prefix } from "../base/address.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { routeDump } from "./fib-messages.ts";
import { errnoName } from "./netlink/errno.ts";
import {
  encodeMessage,
  messageFlag,
  messageType,
  parseAcknowledgement,
  parseMessages,
  type NetlinkMessage,
} from "./netlink/message.ts";
import { NetlinkError } from "./netlink/netlink-error.ts";
import { openDumpSocket, openEventSocket, receiveFromKernel } from "./netlink/socket.ts";
import { routeMessage } from "./route-messages.ts";
import { destinationFilter, parseSighting, type SeenRoute } from "./route-sightings.ts";
import { netlinkAddress } from "./socket-address.ts";
import { AF_INET, AF_INET6, NETLINK_ROUTE } from "./socket-constants.ts";

/** The routes that are followed. */
export interface RoutesPlace {
  readonly destination: Prefix;
  readonly table: number;
}

/** What is heard of the routes to one destination in one table. */
export type RouteNews =
  /** All there are: the answer to `look`. */
  | { readonly kind: "listed"; readonly routes: readonly SeenRoute[] }
  | { readonly kind: "added" | "replaced" | "removed"; readonly route: SeenRoute }
  /** News was lost: look again. */
  | { readonly kind: "overrun" }
  /** The answer to a `look` that failed. */
  | { readonly kind: "failed"; readonly reason: string };

/** Follows routes until it is closed. */
export interface RouteWatch {
  /** Reads the table, a little at a time; the answer comes as news. A look that is under way begins again. */
  look(): void;
  close(): void;
}

/**
 * A full table has a million routes, and 32 KiB of the answer a few hundred. This much is read in one go, in about a
 * millisecond (100,000 routes take 60 to 80); then timers and advertisements have their turn.
 */
const datagramsPerTurn = 4;
const newsPerWake = 64;
const datagramLength = 64 * 1024;
// RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_ROUTE.
const groups = { 4: 0x40, 6: 0x400 } as const;

/** Hears of one destination's routes from now on; throws `SystemError`. */
export function watchRoutes(place: RoutesPlace, react: (news: RouteNews) => void): RouteWatch {
  return new KernelRouteWatch(place, react);
}

class KernelRouteWatch implements RouteWatch {
  readonly #place: RoutesPlace;
  readonly #react: (news: RouteNews) => void;
  readonly #events: number;
  readonly #into = new Uint8Array(datagramLength);
  #listing: number | null = null;
  #isOpen = true;
  #hasLost = false;

  constructor(place: RoutesPlace, react: (news: RouteNews) => void) {
    this.#place = place;
    this.#react = react;
    this.#events = openEventSocket(NETLINK_ROUTE, groups[familyOf(place.destination.address)]);
    try {
      native.attachFilter(this.#events, destinationFilter(place.destination));
    } catch (error) {
      native.close(this.#events);
      throw error;
    }
    native.watch(this.#events, () => this.#hear());
  }

  look(): void {
    this.#endListing();
    const found: SeenRoute[] = [];
    try {
      const fd = openDumpSocket(NETLINK_ROUTE);
      this.#listing = fd;
      native.send(fd, this.#request(), netlinkAddress(0), 0);
      native.watch(fd, () => this.#readListing(fd, found));
    } catch (error) {
      this.#fail(error);
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#endListing();
    native.close(this.#events);
  }

  #request(): Uint8Array {
    const { destination, table } = this.#place;
    const family = familyOf(destination.address) === 4 ? AF_INET : AF_INET6;
    return encodeMessage({
      type: routeMessage.getRoute,
      flags: messageFlag.request | messageFlag.dump,
      sequence: 1,
      port: 0,
      payload: routeDump(family, table, 0),
    });
  }

  /** What the kernel drops for want of room comes with an error, and no news after it until the rest has been read. */
  #hear(): void {
    for (let count = 0; count < newsPerWake && this.#isOpen; count++) {
      try {
        const datagram = receiveFromKernel(this.#events, this.#into);
        if (datagram === null) break;
        if (this.#hasLost) continue;
        for (const message of parseMessages(datagram)) this.#tell(message);
      } catch (error) {
        if (!hasCode(error, "ENOBUFS", "EMSGSIZE")) throw error;
        this.#hasLost = true;
      }
    }
    if (this.#hasLost && this.#isOpen) this.#react({ kind: "overrun" });
    this.#hasLost = false;
  }

  #tell(message: NetlinkMessage): void {
    const isNew = message.type === routeMessage.newRoute;
    if (!isNew && message.type !== routeMessage.delRoute) return;
    const route = this.#sighting(message);
    if (route === null || !this.#isOpen) return;
    const isReplacing = (message.flags & messageFlag.replace) !== 0;
    this.#react({ kind: isNew ? (isReplacing ? "replaced" : "added") : "removed", route });
  }

  #sighting({ payload }: NetlinkMessage): SeenRoute | null {
    const route = parseSighting(payload, this.#place.destination);
    return route?.table === this.#place.table ? route : null;
  }

  /** A table that changes meanwhile (NLM_F_DUMP_INTR) is not read again: news of this destination is heard beside it. */
  #readListing(fd: number, found: SeenRoute[]): void {
    try {
      for (let count = 0; count < datagramsPerTurn && this.#listing === fd; count++) {
        const datagram = receiveFromKernel(fd, this.#into);
        if (datagram === null) return;
        for (const message of parseMessages(datagram)) {
          if (isEnd(message)) return this.#finish(found);
          const route = message.type === routeMessage.newRoute ? this.#sighting(message) : null;
          if (route !== null) found.push(route);
        }
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #finish(routes: readonly SeenRoute[]): void {
    this.#endListing();
    this.#react({ kind: "listed", routes });
  }

  #fail(error: unknown): void {
    this.#endListing();
    // A table that does not exist is empty, and so is that of a family that the kernel was built without.
    if (hasCode(error, "ENOENT", "ESRCH", "EOPNOTSUPP", "EAFNOSUPPORT"))
      return this.#react({ kind: "listed", routes: [] });
    this.#react({ kind: "failed", reason: errorText(error) });
  }

  #endListing(): void {
    if (this.#listing !== null) native.close(this.#listing);
    this.#listing = null;
  }
}

/** Tells whether a dump is over; throws `NetlinkError` if it was refused. */
function isEnd(message: NetlinkMessage): boolean {
  if (message.type !== messageType.done && message.type !== messageType.error) return false;
  const { errno, text } = parseAcknowledgement(message);
  if (errno > 0) throw new NetlinkError("RTM_GETROUTE", errnoName(errno), text);
  return true;
}

import { hasCode } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { NetlinkConnection, type NetlinkRequest } from "./netlink/connection.ts";
import { messageFlag, parseMessages, type NetlinkMessage } from "./netlink/message.ts";
import { openEventSocket, openRequestSocket, receiveFromKernel } from "./netlink/socket.ts";
import {
  addressDump,
  addressPayload,
  addressRemoval,
  linkDump,
  parseAddress,
  parseLink,
  parseRoute,
  routeDump,
  routeMessage,
  routePayload,
  type AddressRequest,
  type InterfaceAddress,
  type Link,
  type RouteRequest,
} from "./route-messages.ts";
import { AF_INET, AF_INET6, NETLINK_ROUTE } from "./socket-constants.ts";

export type { AddressRequest, InterfaceAddress, Link, RouteRequest } from "./route-messages.ts";

/** IFA_PROTO tags of the addresses that this project adds; kernels from 5.18 on keep them. */
export const addressProtocol: { readonly vrrp: 0x45; readonly realServer: 0x46 } = {
  vrrp: 0x45,
  realServer: 0x46,
};

/** A change that the kernel told. */
export type RouteEvent =
  | { readonly kind: "link"; readonly link: Link; readonly isGone: boolean }
  | { readonly kind: "address"; readonly address: InterfaceAddress; readonly isGone: boolean }
  /** Changes were lost: read everything again. */
  | { readonly kind: "overrun" };

// RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR.
const groups = 0x1 | 0x10 | 0x100;
// Bounds one wake-up: what is left wakes again, after timers had their turn.
const datagramsPerWake = 64;
const eventLength = 64 * 1024;

/** Links, addresses and routes of this network namespace; requests wait for the kernel, at most a second. */
export class RouteNetlink {
  readonly #connection: NetlinkConnection;
  readonly #subscriptions = new Set<() => void>();

  private constructor(connection: NetlinkConnection) {
    this.#connection = connection;
  }

  /** Opens a socket to the kernel. */
  static open(): RouteNetlink {
    return RouteNetlink.over(new NetlinkConnection(openRequestSocket(NETLINK_ROUTE)));
  }

  /** Uses a connection that is open already, such as a fake one. */
  static over(connection: NetlinkConnection): RouteNetlink {
    return new RouteNetlink(connection);
  }

  /** Lists all links. */
  links(): Link[] {
    return this.#list(
      { type: routeMessage.getLink, operation: "RTM_GETLINK", payload: linkDump() },
      (message) => (message.type === routeMessage.newLink ? parseLink(message.payload) : null),
    );
  }

  /** Lists all IPv4 and IPv6 addresses. */
  addresses(): InterfaceAddress[] {
    return this.#list(
      { type: routeMessage.getAddress, operation: "RTM_GETADDR", payload: addressDump() },
      (message) => (message.type === routeMessage.newAddress ? parseAddress(message.payload) : null),
    );
  }

  /** Adds an address, tagged with its protocol where the kernel knows tags. */
  addAddress(request: AddressRequest): "added" | "exists" {
    try {
      return this.#addAddress(request, request.protocol !== 0);
    } catch (error) {
      if (request.protocol === 0 || !hasCode(error, "EINVAL", "EOPNOTSUPP")) throw error;
      return this.#addAddress(request, false);
    }
  }

  #addAddress(request: AddressRequest, isTagged: boolean): "added" | "exists" {
    const flags = messageFlag.create | messageFlag.exclusive;
    const operation = `RTM_NEWADDR ${request.address}/${request.prefixLength}`;
    const payload = addressPayload(request, isTagged);
    return this.#change({ operation, type: routeMessage.newAddress, flags, payload }, "EEXIST")
      ? "added"
      : "exists";
  }

  /** Removes an address; an interface that is gone has none. */
  removeAddress(
    request: Pick<AddressRequest, "linkIndex" | "address" | "prefixLength">,
  ): "removed" | "absent" {
    const operation = `RTM_DELADDR ${request.address}/${request.prefixLength}`;
    const payload = addressRemoval(request);
    const change = { operation, type: routeMessage.delAddress, flags: 0, payload };
    return this.#change(change, "EADDRNOTAVAIL", "ENODEV") ? "removed" : "absent";
  }

  /** Adds a route. */
  addRoute(request: RouteRequest): "added" | "exists" {
    const flags = messageFlag.create | messageFlag.exclusive;
    const operation = `RTM_NEWROUTE ${request.destination.address}/${request.destination.length}`;
    const payload = routePayload(request);
    return this.#change({ operation, type: routeMessage.newRoute, flags, payload }, "EEXIST")
      ? "added"
      : "exists";
  }

  /** Removes a route; an interface that is gone has none. */
  removeRoute(request: RouteRequest): "removed" | "absent" {
    const operation = `RTM_DELROUTE ${request.destination.address}/${request.destination.length}`;
    const payload = routePayload(request);
    const change = { operation, type: routeMessage.delRoute, flags: 0, payload };
    return this.#change(change, "ESRCH", "ENODEV") ? "removed" : "absent";
  }

  /** Lists the IPv4 and IPv6 routes of one table; a table that does not exist has none. */
  routes(table: number): RouteRequest[] {
    return ([AF_INET, AF_INET6] as const).flatMap((family) => this.#routes(family, table));
  }

  #routes(family: typeof AF_INET | typeof AF_INET6, table: number): RouteRequest[] {
    try {
      const payload = routeDump(family, table);
      return this.#list({ type: routeMessage.getRoute, operation: "RTM_GETROUTE", payload }, (message) => {
        const route = message.type === routeMessage.newRoute ? parseRoute(message.payload) : null;
        return route?.table === table ? route : null;
      });
    } catch (error) {
      if (hasCode(error, "ENOENT", "ESRCH")) return [];
      throw error;
    }
  }

  /** Tells of changes to links and addresses from now on; the result ends it. */
  subscribe(react: (event: RouteEvent) => void): () => void {
    const fd = openEventSocket(NETLINK_ROUTE, groups);
    const reader = new EventReader(fd);
    const unsubscribe = (): void => {
      if (this.#subscriptions.delete(unsubscribe)) native.close(fd);
    };
    this.#subscriptions.add(unsubscribe);
    const isOpen = (): boolean => this.#subscriptions.has(unsubscribe);
    native.watch(fd, () => {
      for (const event of reader.read()) {
        if (isOpen()) react(event);
      }
    });
    return unsubscribe;
  }

  /** Closes the socket and ends all subscriptions. */
  close(): void {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    this.#connection.close();
  }

  #list<T>(request: Omit<NetlinkRequest, "flags">, parse: (message: NetlinkMessage) => T | null): T[] {
    return this.#connection.dump({ ...request, flags: 0 }).flatMap((message) => {
      const item = parse(message);
      return item === null ? [] : [item];
    });
  }

  /** Gives false if the kernel answers with one of the codes that mean "nothing to do". */
  #change(request: NetlinkRequest, ...idle: readonly string[]): boolean {
    try {
      this.#connection.request(request);
      return true;
    } catch (error) {
      if (hasCode(error, ...idle)) return false;
      throw error;
    }
  }
}

/**
 * Reads notifications. Once some were lost (ENOBUFS: the socket was full) the kernel drops all further ones without a
 * word until the socket has been emptied. So the rest is thrown away, and only then is the loss told: who
 * reads everything again at that moment misses nothing.
 */
class EventReader {
  readonly #fd: number;
  readonly #into = new Uint8Array(eventLength);
  #hasLost = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Gives what one wake-up has to tell. */
  read(): RouteEvent[] {
    const events: RouteEvent[] = [];
    for (let count = 0; count < datagramsPerWake; count++) {
      const datagram = this.#receive();
      if (datagram === null) {
        if (this.#hasLost) events.push({ kind: "overrun" });
        this.#hasLost = false;
        break;
      }
      if (this.#hasLost) continue;
      for (const message of parseMessages(datagram)) {
        const event = parseRouteEvent(message);
        if (event !== null) events.push(event);
      }
    }
    return events;
  }

  #receive(): Uint8Array | null {
    try {
      return receiveFromKernel(this.#fd, this.#into);
    } catch (error) {
      // EMSGSIZE: a notification did not fit.
      if (!hasCode(error, "ENOBUFS", "EMSGSIZE")) throw error;
      this.#hasLost = true;
      return new Uint8Array(0);
    }
  }
}

/** PURE: reads a notification; null if it is about something else. */
export function parseRouteEvent(message: NetlinkMessage): RouteEvent | null {
  switch (message.type) {
    case routeMessage.newLink:
    case routeMessage.delLink: {
      const link = parseLink(message.payload);
      return link && { kind: "link", link, isGone: message.type === routeMessage.delLink };
    }
    case routeMessage.newAddress:
    case routeMessage.delAddress: {
      const address = parseAddress(message.payload);
      return address && { kind: "address", address, isGone: message.type === routeMessage.delAddress };
    }
    default:
      return null;
  }
}

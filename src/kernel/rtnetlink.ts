import { hasCode } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { parseDefaultRoute, type DefaultRoute } from "./default-routes.ts";
import { NetlinkConnection, type NetlinkRequest } from "./netlink/connection.ts";
import { type LeasedAddress, parseLease } from "./address-lease.ts";
import { parseMessages, type NetlinkMessage } from "./netlink/message.ts";
import { openEventSocket, openRequestSocket, receiveFromKernel } from "./netlink/socket.ts";
import {
  parseRoute,
  parseRule,
  routeDump,
  ruleDump,
  type RouteRequest,
  type RuleRequest,
  wayLink,
  wayQuestion,
} from "./fib-messages.ts";
import { applyChanges, type AddressKey, type ChangeOutcome, type RouteChange } from "./route-changes.ts";
import {
  addressDump,
  linkDump,
  parseAddress,
  parseLink,
  routeMessage,
  type AddressRequest,
  type InterfaceAddress,
  type Link,
} from "./route-messages.ts";
import { AF_INET, AF_INET6, NETLINK_ROUTE } from "./socket-constants.ts";

export type { LeasedAddress } from "./address-lease.ts";
export type { RouteRequest, RuleRequest } from "./fib-messages.ts";
export type { AddressKey, ChangeOutcome, RouteChange } from "./route-changes.ts";
export type { AddressRequest, InterfaceAddress, Link } from "./route-messages.ts";

/** IFA_PROTO tags of the addresses that this project adds; kernels from 5.18 on keep them. */
export const addressProtocol: { readonly vrrp: 0x45; readonly realServer: 0x46 } = {
  vrrp: 0x45,
  realServer: 0x46,
};

/** RTPROT and FRA_PROTOCOL of the routes and rules of the elections; /etc/iproute2/rt_protos has no such number. */
export const fibProtocol = 0x45;

/** A change that the kernel told. */
export type RouteEvent =
  | { readonly kind: "link"; readonly link: Link; readonly isGone: boolean }
  | { readonly kind: "address"; readonly address: InterfaceAddress; readonly isGone: boolean }
  | { readonly kind: "route"; readonly route: RouteRequest; readonly isGone: boolean }
  | { readonly kind: "rule"; readonly rule: RuleRequest; readonly isGone: boolean }
  /** Changes were lost: read everything again. */
  | { readonly kind: "overrun" };

// RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR.
const linkGroups = 0x1 | 0x10 | 0x100;
// RTMGRP_IPV4_ROUTE, RTMGRP_IPV4_RULE, RTMGRP_IPV6_ROUTE, and RTNLGRP_IPV6_RULE (19) as a bit.
const fibGroups = 0x40 | 0x80 | 0x400 | 0x40000;
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

  /** Carries out changes in their order, many with one system call; gives what became of each. */
  apply(changes: readonly RouteChange[]): readonly ChangeOutcome[] {
    return applyChanges(this.#connection, changes);
  }

  /** Adds an address, tagged with its protocol where the kernel knows tags. */
  addAddress(address: AddressRequest): "added" | "exists" {
    return this.#isDone({ kind: "add-address", address }) ? "added" : "exists";
  }

  /** Lists all IPv4 and IPv6 addresses with what is left of their leases. */
  leases(): LeasedAddress[] {
    return this.#list(
      { type: routeMessage.getAddress, operation: "RTM_GETADDR", payload: addressDump() },
      (message) => (message.type === routeMessage.newAddress ? parseLease(message.payload) : null),
    );
  }

  /** Removes an address; an interface that is gone has none. */
  removeAddress(address: AddressKey): "removed" | "absent" {
    return this.#isDone({ kind: "remove-address", address }) ? "removed" : "absent";
  }

  /** Adds a route. */
  addRoute(route: RouteRequest): "added" | "exists" {
    return this.#isDone({ kind: "add-route", route }) ? "added" : "exists";
  }

  /** Removes a route; an interface that is gone has none. */
  removeRoute(route: RouteRequest): "removed" | "absent" {
    return this.#isDone({ kind: "remove-route", route }) ? "removed" : "absent";
  }

  /** Lists the IPv4 and IPv6 routes of one table; a table that does not exist has none. */
  routes(table: number): RouteRequest[] {
    return this.#routes(table, 0).filter((route) => route.table === table);
  }

  /** Lists the default routes of one table, with what they say of packet sizes. */
  defaultRoutes(table: number): DefaultRoute[] {
    return this.#dumpRoutes(table, 0, parseDefaultRoute).filter((route) => route.table === table);
  }

  /** Lists the IPv4 and IPv6 routes of all tables that carry a tag. */
  taggedRoutes(protocol: number): RouteRequest[] {
    return this.#routes(0, protocol).filter((route) => route.protocol === protocol);
  }

  #routes(table: number, protocol: number): RouteRequest[] {
    return this.#dumpRoutes(table, protocol, parseRoute);
  }

  #dumpRoutes<T>(table: number, protocol: number, parse: (payload: Uint8Array) => T | null): T[] {
    return ([AF_INET, AF_INET6] as const).flatMap((family) => {
      const payload = routeDump(family, table, protocol);
      return this.#listIfThere(
        { type: routeMessage.getRoute, operation: "RTM_GETROUTE", payload },
        (message) => (message.type === routeMessage.newRoute ? parse(message.payload) : null),
      );
    });
  }

  /** Gives the index of the interface that packets with a mark would leave through to an address; null if they cannot. */
  linkTowards(address: string, mark: number): number | null {
    const request = {
      type: routeMessage.getRoute,
      operation: "RTM_GETROUTE",
      flags: 0,
      payload: wayQuestion(address, mark),
    };
    try {
      const answers = this.#connection.request(request);
      const answer = answers.find(({ type }) => type === routeMessage.newRoute);
      return answer === undefined ? null : wayLink(answer.payload);
    } catch (error) {
      if (hasCode(error, "ENETUNREACH", "EHOSTUNREACH", "EACCES", "EINVAL")) return null;
      throw error;
    }
  }

  /** Lists the rules of both families. */
  rules(): RuleRequest[] {
    return ([AF_INET, AF_INET6] as const).flatMap((family) => {
      const request = { type: routeMessage.getRule, operation: "RTM_GETRULE", payload: ruleDump(family) };
      return this.#listIfThere(request, (message) =>
        message.type === routeMessage.newRule ? parseRule(message.payload) : null,
      );
    });
  }

  /** A table that does not exist is empty, and so is what belongs to a family that the kernel was built without. */
  #listIfThere<T>(request: Omit<NetlinkRequest, "flags">, parse: (message: NetlinkMessage) => T | null): T[] {
    try {
      return this.#list(request, parse);
    } catch (error) {
      if (hasCode(error, "ENOENT", "ESRCH", "EOPNOTSUPP", "EAFNOSUPPORT")) return [];
      throw error;
    }
  }

  /** Tells of changes to links and addresses from now on; the result ends it. */
  subscribe(react: (event: RouteEvent) => void): () => void {
    return this.#listen(linkGroups, react);
  }

  /** Tells of changes to routes and rules from now on, on a socket of their own; the result ends it. */
  subscribeFib(react: (event: RouteEvent) => void): () => void {
    return this.#listen(fibGroups, react);
  }

  #listen(groups: number, react: (event: RouteEvent) => void): () => void {
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

  /** Tells whether a change was carried out, or not needed; throws if it was refused. */
  #isDone(change: RouteChange): boolean {
    const [outcome = "idle"] = this.apply([change]);
    if (outcome instanceof Error) throw outcome;
    return outcome === "done";
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
    case routeMessage.newRoute:
    case routeMessage.delRoute: {
      const route = parseRoute(message.payload);
      return route && { kind: "route", route, isGone: message.type === routeMessage.delRoute };
    }
    case routeMessage.newRule:
    case routeMessage.delRule: {
      const rule = parseRule(message.payload);
      return rule && { kind: "rule", rule, isGone: message.type === routeMessage.delRule };
    }
    default:
      return null;
  }
}

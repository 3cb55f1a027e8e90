import { readFileSync } from "node:fs";
import { familyOf } from "../base/address.ts";
import { assert, unreachable } from "../base/assert.ts";
import { hasCode } from "../base/system-error.ts";
import {
  type AddressRequest,
  addressProtocol,
  type InterfaceAddress,
  type Link,
  type RouteEvent,
  RouteNetlink,
  type RouteRequest,
} from "../kernel/rtnetlink.ts";
import { readSysctl, writeSysctl } from "../kernel/sysctl.ts";
import type { Circumstances, SeenInterface, Sight } from "./fitness.ts";
import { parseListeners } from "./listeners.ts";
import type { ActualState } from "./state.ts";
import { hostLength, type Step } from "./steps.ts";
import type { Surroundings } from "./survey.ts";
import { requiredSysctls } from "./table.ts";
import type { TunnelSight } from "./tunnel-fitness.ts";
import { isTunnelName, placeholder, TunnelHost } from "./tunnel-host.ts";

/** linux/rtnetlink.h: RT_TABLE_MAIN, RT_SCOPE_UNIVERSE, RT_SCOPE_LINK, RTN_UNICAST. */
const mainTable = 254;
const scopeGlobal = 0;
const scopeLink = 253;
const unicast = 1;

/** linux/capability.h: CAP_NET_ADMIN. */
const capNetAdmin = 12n;

/** This machine's kernel as `rs` needs it: read, and changed one step at a time. */
export class Host {
  readonly #netlink: RouteNetlink;
  readonly #tunnels: TunnelHost;
  readonly #loopback: number;

  private constructor(netlink: RouteNetlink, loopback: number) {
    this.#netlink = netlink;
    this.#tunnels = TunnelHost.open(netlink);
    this.#loopback = loopback;
  }

  /** Opens the kernel's routing socket in this network namespace. */
  static open(): Host {
    const netlink = RouteNetlink.open();
    const loopback = netlink.links().find((link) => link.name === "lo");
    assert(loopback !== undefined, "every network namespace has the interface lo");
    return new Host(netlink, loopback.index);
  }

  /** Reads what the plan is made from. */
  read(): ActualState {
    const addresses = this.#netlink.addresses();
    return {
      bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
      addresses: this.#onLoopback(addresses),
      links: this.#tunnels.links(addresses),
      ports: this.#tunnels.ports(),
      routes: this.#netlink
        .routes(mainTable)
        .filter((route) => familyOf(route.destination.address) === 4 && route.destination.length === 32)
        .map((route) => ({
          address: route.destination.address,
          isTagged: route.linkIndex === this.#loopback && route.protocol === addressProtocol.realServer,
        })),
      sysctls: new Map(requiredSysctls.map(({ path }) => [path, readSysctl(path).trim()])),
    };
  }

  /** Reads what a start asks before it changes anything. */
  circumstances(): Circumstances {
    const links = this.#netlink.links();
    // A tunnel has no neighbours who could ask.
    const names = new Map(links.filter(isEthernet).map((link) => [link.index, link.name]));
    return {
      isLoopbackUp: links.some((link) => link.index === this.#loopback && link.isUp),
      hasIpv6: readIfThere("/proc/sys/net/ipv6/conf/lo/disable_ipv6").trim() === "0",
      elsewhere: this.#netlink.addresses().flatMap((one) => {
        const name = names.get(one.linkIndex);
        return name === undefined || one.linkIndex === this.#loopback
          ? []
          : [{ interface: name, address: one.address }];
      }),
    };
  }

  /** Reads what the judgement of fitness rests on. */
  look(): Sight {
    return {
      ...this.circumstances(),
      loopback: this.#onLoopback(this.#netlink.addresses()),
      all: arpSettings("all"),
      interfaces: this.#netlink.links().flatMap((link): readonly SeenInterface[] => {
        if (!link.isUp || link.index === this.#loopback || !isEthernet(link)) return [];
        return interfaceSettings(link.name);
      }),
      listeners: (["tcp", "udp"] as const).flatMap((protocol) =>
        ["", "6"].flatMap((family) =>
          parseListeners(readIfThere(`/proc/self/net/${protocol}${family}`), protocol),
        ),
      ),
    };
  }

  /** Reads the interfaces of this machine, and all addresses. */
  surroundings(): Surroundings {
    return { links: this.#netlink.links(), addresses: this.#netlink.addresses() };
  }

  /** Reads what the judgement of tunnels rests on. */
  lookAtTunnels(): TunnelSight {
    const links = new Map(this.#netlink.links().map((link) => [link.index, link]));
    return {
      links: this.#tunnels.links(this.#netlink.addresses()),
      ports: this.#tunnels.ports(),
      waysOut: this.#netlink.defaultRoutes(mainTable).flatMap((route) => {
        const link = links.get(route.linkIndex);
        if (link === undefined) return [];
        const { mtu: routeMtu, advertisedMss } = route;
        const family = familyOf(route.destination.address);
        return [{ family, interface: link.name, mtu: link.mtu, routeMtu, advertisedMss }];
      }),
    };
  }

  /** Tells of every change that could concern VIPs; `concerned` says whether it does. The result ends it. */
  watch(react: (concerned: (vips: readonly string[]) => boolean) => void): () => void {
    const hear = (event: RouteEvent): void => react((vips) => this.#concerns(event, vips));
    const ends = [this.#netlink.subscribe(hear), this.#netlink.subscribeFib(hear)];
    return () => {
      for (const end of ends) end();
    };
  }

  /** Takes one step; throws `SystemError` with the kernel's reason. */
  perform(step: Step): void {
    const index = this.#loopback;
    switch (step.kind) {
      case "add-address":
        this.#netlink.addAddress(loopbackAddress(index, step.address, step.label));
        return;
      case "remove-address":
        this.#netlink.removeAddress(loopbackAddress(index, step.address, step.label));
        return;
      case "add-route":
        this.#netlink.addRoute(hostRoute(index, step.address));
        return;
      case "remove-route":
        this.#netlink.removeRoute(hostRoute(index, step.address));
        return;
      case "set-sysctl":
        writeSysctl(step.path, step.to);
        return;
      case "make-link":
        this.#tunnels.make(step.link);
        return;
      case "remove-link":
      case "lower-link":
        this.#tunnels.withdraw(step.link.name);
        return;
      case "raise-link":
        this.#tunnels.raise(step.link);
        return;
      case "open-port":
        this.#tunnels.open(step.port);
        return;
      case "close-port":
        this.#tunnels.shut(step.port);
        return;
      default:
        unreachable(step);
    }
  }

  close(): void {
    this.#tunnels.close();
    this.#netlink.close();
  }

  #concerns(event: RouteEvent, vips: readonly string[]): boolean {
    switch (event.kind) {
      case "address":
        return vips.includes(event.address.address) || event.address.address === placeholder;
      case "route":
        return event.isGone && vips.includes(event.route.destination.address);
      case "link":
        return isTunnelName(event.link.name) || event.link.index === this.#loopback;
      case "rule":
        return false;
      case "overrun":
        return true;
      default:
        return unreachable(event);
    }
  }

  #onLoopback(addresses: readonly InterfaceAddress[]): ActualState["addresses"] {
    return addresses
      .filter((one) => one.linkIndex === this.#loopback)
      .map(({ address, prefixLength, label, protocol }) => ({
        address,
        prefixLength,
        label,
        isTagged: protocol === addressProtocol.realServer,
      }));
  }
}

/** Tells whether the kernel lets this program change addresses and routes (root, or CAP_NET_ADMIN). */
export function mayChangeNetwork(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> capNetAdmin) & 1n) === 1n;
}

function loopbackAddress(linkIndex: number, address: string, label: string | null): AddressRequest {
  const protocol = addressProtocol.realServer;
  const prefixLength = hostLength(address);
  // IPv6: never the source of what this machine sends of its own accord, if it has another.
  return { linkIndex, address, prefixLength, label, scope: scopeGlobal, protocol, isDeprecated: true };
}

function hostRoute(linkIndex: number, address: string): RouteRequest {
  const protocol = addressProtocol.realServer;
  const destination = { address, length: 32 };
  const plain = { gateway: null, source: null, metric: 0, isOnLink: false };
  return { destination, linkIndex, table: mainTable, scope: scopeLink, protocol, type: unicast, ...plain };
}

function isEthernet({ mac }: Link): boolean {
  return mac.length === 6;
}

/** An interface without settings has no IPv4, and thus no ARP, or is gone meanwhile. */
function interfaceSettings(name: string): readonly SeenInterface[] {
  try {
    return [{ name, ...arpSettings(name) }];
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

function arpSettings(name: string): Omit<SeenInterface, "name"> {
  const read = (setting: string): number => Number(readSysctl(`net/ipv4/conf/${name}/${setting}`));
  return { arpIgnore: read("arp_ignore"), arpAnnounce: read("arp_announce"), rpFilter: read("rp_filter") };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return "";
    throw error;
  }
}

import { hasCode } from "../base/system-error.ts";
import { GuePorts } from "../kernel/fou.ts";
import { addressProtocol, type InterfaceAddress, type RouteNetlink } from "../kernel/rtnetlink.ts";
import { readSysctl, writeSysctl } from "../kernel/sysctl.ts";
import { isOwnTunnel, TunnelLinks, type TunnelDetails } from "../kernel/tunnel-links.ts";
import type { ActualLink } from "./state.ts";
import { sharedLink, type TunnelLink, type TunnelPort } from "./tunnels.ts";

/**
 * The address of IPv4 tunnel devices, which nobody sends to (RFC 7600 §4.8, IPv4 dummy address). Without any address
 * the kernel drops what comes out of a tunnel where reverse paths are looked at (`rp_filter` 1 or 2 on `all`).
 */
export const placeholder = "192.0.0.8";
const scopeHost = 254;

/**
 * Settings of an own device. `rp_filter` 2: the greater of `all` and the device counts, so that this is what makes a
 * strict `all` loose here: clients are not reached through the tunnel. `addr_gen_mode` 1: no link-local address and no
 * router solicitations.
 */
const deviceSettings: readonly {
  readonly family: "ipv4" | "ipv6";
  readonly name: string;
  readonly value: string;
}[] = [
  { family: "ipv4", name: "rp_filter", value: "2" },
  { family: "ipv6", name: "addr_gen_mode", value: "1" },
];

/** What unpacks tunnels on this machine: devices and UDP ports. */
export class TunnelHost {
  readonly #routes: RouteNetlink;
  readonly #links: TunnelLinks;
  readonly #ports: GuePorts;

  private constructor(routes: RouteNetlink, links: TunnelLinks, ports: GuePorts) {
    this.#routes = routes;
    this.#links = links;
    this.#ports = ports;
  }

  /** Opens sockets to the kernel; `routes` stays the caller's. */
  static open(routes: RouteNetlink): TunnelHost {
    const links = TunnelLinks.open();
    try {
      return new TunnelHost(routes, links, GuePorts.open());
    } catch (error) {
      links.close();
      throw error;
    }
  }

  /** Lists the devices with a name or a mark of `rs`; `addresses` are all of the machine. */
  links(addresses: readonly InterfaceAddress[]): readonly ActualLink[] {
    return this.#links
      .list()
      .filter((link) => isOwnTunnel(link) || isTunnelName(link.name))
      .map((link) => ({
        name: link.name,
        kind: link.kind,
        hasChecksum: link.hasChecksum,
        isOwn: isOwnTunnel(link) && link.name !== sharedLink,
        isReady: link.isUp && (link.name === sharedLink || isAsMade(link, addresses)),
      }));
  }

  /** Lists the open GUE ports. */
  ports(): readonly TunnelPort[] {
    return this.#ports.list();
  }

  /** Makes a device with all its settings; when anything is refused, there is none. */
  make(link: TunnelLink): void {
    const made = this.#links.make(link.name, link.kind, link.hasChecksum);
    if (!isOwnTunnel(made))
      throw new Error(`the interface ${link.name} is not from \`rs\`: rename or remove it`);
    try {
      for (const { family, name, value } of deviceSettings)
        writeIfThere(settingPath(family, link.name, name), value);
      this.#routes.addAddress({
        linkIndex: made.index,
        address: placeholder,
        prefixLength: 32,
        label: null,
        scope: scopeHost,
        protocol: addressProtocol.realServer,
      });
      this.#links.setUp(made, true);
    } catch (error) {
      this.#links.remove(made);
      throw error;
    }
  }

  /** Sets the kernel's own device up; it comes with its module. */
  raise(link: TunnelLink): void {
    this.#links.setUp(this.#links.make(link.name, link.kind, false), true);
  }

  /** Removes a device of one's own, or sets the kernel's own down. */
  withdraw(name: string): void {
    const link = this.#links.list().find((one) => one.name === name);
    if (link === undefined) return;
    if (isOwnTunnel(link)) this.#links.remove(link);
    else if (name === sharedLink) this.#links.setUp(link, false);
  }

  /** Takes GUE on a port. */
  open(port: TunnelPort): void {
    this.#ports.add(port);
  }

  /** Takes no GUE on a port any more. */
  shut(port: TunnelPort): void {
    this.#ports.remove(port);
  }

  close(): void {
    this.#links.close();
    this.#ports.close();
  }
}

/** Tells whether `rs` uses a device of this name. */
export function isTunnelName(name: string): boolean {
  return name.startsWith("rs-") || name === sharedLink;
}

function isAsMade(link: TunnelDetails, addresses: readonly InterfaceAddress[]): boolean {
  const hasAddress = addresses.some((one) => one.linkIndex === link.index && one.address === placeholder);
  return link.takesAll && hasAddress && rpFilterOf(link.name) === "2";
}

function rpFilterOf(name: string): string | null {
  try {
    return readSysctl(settingPath("ipv4", name, "rp_filter"));
  } catch (error) {
    // It has gone meanwhile.
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
}

function settingPath(family: "ipv4" | "ipv6", device: string, name: string): string {
  return `net/${family}/conf/${device}/${name}`;
}

/** A kernel without IPv6 has no settings for it. */
function writeIfThere(path: string, value: string): void {
  try {
    writeSysctl(path, value);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}

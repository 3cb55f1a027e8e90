import { hasCode } from "../base/system-error.ts";
import { NetlinkConnection, type NetlinkRequest } from "./netlink/connection.ts";
import { messageFlag } from "./netlink/message.ts";
import { openRequestSocket } from "./netlink/socket.ts";
import { linkDump, linkRemoval, routeMessage, upPayload } from "./route-messages.ts";
import { NETLINK_ROUTE } from "./socket-constants.ts";
import { parseTunnel, tunnelPayload, type TunnelDetails, type TunnelKind } from "./tunnel-messages.ts";

export type { TunnelDetails, TunnelKind } from "./tunnel-messages.ts";

/** Marks the tunnel devices of `edge-ha rs`; "ER". */
const ownGroup = 0x4552;

const modules: Readonly<Record<TunnelKind, string>> = {
  ipip: "ipip",
  gre: "ip_gre",
  ip6tnl: "ip6_tunnel",
  ip6gre: "ip6_gre",
  sit: "sit",
};

/** Tunnel devices of this network namespace; changes need CAP_NET_ADMIN. */
export class TunnelLinks {
  readonly #connection: NetlinkConnection;

  private constructor(connection: NetlinkConnection) {
    this.#connection = connection;
  }

  /** Opens a socket to the kernel. */
  static open(): TunnelLinks {
    return TunnelLinks.over(new NetlinkConnection(openRequestSocket(NETLINK_ROUTE)));
  }

  /** Uses a connection that is open already, such as a fake one. */
  static over(connection: NetlinkConnection): TunnelLinks {
    return new TunnelLinks(connection);
  }

  /** Lists all tunnel devices. */
  list(): TunnelDetails[] {
    const request = { type: routeMessage.getLink, operation: "RTM_GETLINK", flags: 0, payload: linkDump() };
    return this.#connection.dump(request).flatMap((message) => {
      return (message.type === routeMessage.newLink ? parseTunnel(message.payload) : null) ?? [];
    });
  }

  /**
   * Makes a device, down, and gives it; one of this name that is there, or comes with the module, is given as it is.
   * Throws with the module's name if the kernel has no such devices.
   */
  make(name: string, kind: TunnelKind, hasChecksum: boolean): TunnelDetails {
    try {
      this.#change(`RTM_NEWLINK ${name}`, {
        type: routeMessage.newLink,
        flags: messageFlag.create | messageFlag.exclusive,
        payload: tunnelPayload({ name, kind, hasChecksum, group: ownGroup }),
      });
    } catch (error) {
      if (hasCode(error, "EOPNOTSUPP")) {
        const cure = `install it, or run \`modprobe ${modules[kind]}\` and look at what it says`;
        throw new Error(`the kernel has no module ${modules[kind]}, which ${name} needs: ${cure}`, {
          cause: error,
        });
      }
      if (!hasCode(error, "EEXIST")) throw error;
    }
    const made = this.list().find((link) => link.name === name);
    if (made !== undefined) return made;
    throw new Error(
      `an interface ${name} that is no tunnel, or another ${kind} device that takes packets from everybody, is there ` +
        `already (\`ip -details link show\`): remove it`,
    );
  }

  /** Sets a device up or down. */
  setUp({ index, name }: TunnelDetails, isUp: boolean): void {
    const payload = upPayload(index, isUp);
    this.#change(`RTM_NEWLINK ${name}`, { type: routeMessage.newLink, flags: 0, payload });
  }

  /** Removes a device; one that has gone stays away. */
  remove({ index, name }: TunnelDetails): void {
    try {
      const payload = linkRemoval(index);
      this.#change(`RTM_DELLINK ${name}`, { type: routeMessage.delLink, flags: 0, payload });
    } catch (error) {
      if (!hasCode(error, "ENODEV")) throw error;
    }
  }

  close(): void {
    this.#connection.close();
  }

  #change(operation: string, request: Omit<NetlinkRequest, "operation">): void {
    this.#connection.request({ operation, ...request });
  }
}

/** Tells whether a device is one that `edge-ha rs` made. */
export function isOwnTunnel({ group }: TunnelDetails): boolean {
  return group === ownGroup;
}

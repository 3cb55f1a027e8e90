import type { IpPacket } from "../kernel/frames.ts";
import type { Host, LinkFamily } from "./host.ts";
import { type Advert, decodeAdvert } from "./packet.ts";

/** An advertisement that was seen on a link, whomever it was for. */
export interface SeenAdvert
  extends Pick<Advert, "vrid" | "addresses">, Pick<IpPacket, "source" | "destination"> {}

/** What a router wants to see of others: all of its number, and all with one of its addresses. */
export type Wanted = Pick<Advert, "vrid" | "addresses">;

interface Watch {
  readonly react: (advert: SeenAdvert) => void;
}

interface Open {
  readonly socket: { close(): void };
  /** Who wants what is of a number, or has an address. */
  readonly watches: Map<number | string, Set<Watch>>;
  readonly all: Set<Watch>;
}

/**
 * All VRRP on links that somebody looks at: one socket for each link and family, and each packet is read once, whatever the
 * number of routers. Hundreds of them suspect rivals at the same time when a link heals, which costs their number
 * squared otherwise; and to close a socket that sees everything the kernel waits for every processor, some 20 ms each.
 */
export class Captures {
  readonly #host: Pick<Host, "openCapture">;
  readonly #open = new Map<string, Open>();

  constructor(host: Pick<Host, "openCapture">) {
    this.#host = host;
  }

  /** Tells of these advertisements from now on; throws `SystemError`. */
  watch(where: LinkFamily, wanted: Wanted, react: (advert: SeenAdvert) => void): { close(): void } {
    const key = `${where.link.index} IPv${where.family}`;
    const open = this.#open.get(key) ?? this.#openOn(key, where);
    const watch = { react };
    const names = [wanted.vrid, ...wanted.addresses];
    for (const name of names) {
      const watches = open.watches.get(name) ?? new Set();
      open.watches.set(name, watches.add(watch));
    }
    open.all.add(watch);
    return {
      close: () => {
        if (!open.all.delete(watch)) return;
        for (const name of names) open.watches.get(name)?.delete(watch);
        if (open.all.size > 0) return;
        this.#open.delete(key);
        open.socket.close();
      },
    };
  }

  #openOn(key: string, where: LinkFamily): Open {
    const watches: Open["watches"] = new Map();
    const socket = this.#host.openCapture(where, (packet) => hand(packet, watches));
    const open: Open = { socket, watches, all: new Set() };
    this.#open.set(key, open);
    return open;
  }
}

function hand(packet: IpPacket, watches: Open["watches"]): void {
  const decoded = decodeAdvert(packet.payload, packet);
  if (decoded.kind !== "advert") return;
  const { source, destination } = packet;
  const { addresses, vrid } = decoded.advert;
  // Each once, and only those that were there when it came.
  const concerned = new Set<Watch>();
  for (const name of [vrid, ...addresses]) for (const watch of watches.get(name) ?? []) concerned.add(watch);
  for (const { react } of concerned) react({ source, destination, vrid, addresses });
}

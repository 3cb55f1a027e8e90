import type { ArpMessage } from "../kernel/frames.ts";
import type { Link } from "../kernel/rtnetlink.ts";
import type { Host, Neighbourhood } from "./host.ts";

interface Watched {
  readonly neighbourhood: Neighbourhood;
  readonly watches: Set<{
    readonly addresses: readonly string[];
    readonly react: (message: ArpMessage) => void;
  }>;
}

/** One router's ear for ARP about its addresses. */
export interface NeighbourWatch {
  /** Asks who else has an address; throws `SystemError`. */
  probe(address: string): void;
  close(): void;
}

/** What ARP says about the addresses of all routers: one socket for each link that is listened to. */
export class Neighbourhoods {
  readonly #host: Pick<Host, "openNeighbourhood">;
  readonly #open = new Map<number, Watched>();

  constructor(host: Pick<Host, "openNeighbourhood">) {
    this.#host = host;
  }

  /** Listens on a link for ARP whose sender has one of these IPv4 addresses; throws `SystemError`. */
  watch(link: Link, addresses: readonly string[], react: (message: ArpMessage) => void): NeighbourWatch {
    const watched = this.#open.get(link.index) ?? this.#openOn(link);
    const watch = { addresses, react };
    watched.watches.add(watch);
    this.#tune(watched);
    return {
      probe: (address) => watched.neighbourhood.probe(address),
      close: () => {
        if (!watched.watches.delete(watch)) return;
        if (watched.watches.size > 0) return this.#tune(watched);
        watched.neighbourhood.close();
        if (this.#open.get(link.index) === watched) this.#open.delete(link.index);
      },
    };
  }

  #openOn(link: Link): Watched {
    const watches: Watched["watches"] = new Set();
    const neighbourhood = this.#host.openNeighbourhood(link, (message) => {
      for (const { addresses, react } of watches) if (addresses.includes(message.sender)) react(message);
    });
    const watched = { neighbourhood, watches };
    this.#open.set(link.index, watched);
    return watched;
  }

  #tune({ neighbourhood, watches }: Watched): void {
    neighbourhood.listenFor([...new Set([...watches].flatMap(({ addresses }) => addresses))]);
  }
}

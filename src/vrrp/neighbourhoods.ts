import { toHex } from "../base/bytes.ts";
import type { NeighbourWord } from "../kernel/neighbour-word.ts";
import type { Host, LinkFamily, Neighbourhood } from "./host.ts";

interface Watched {
  readonly neighbourhood: Neighbourhood;
  readonly watches: Set<{
    readonly addresses: readonly string[];
    readonly react: (word: NeighbourWord) => void;
  }>;
}

/** One router's ear for what is said of its addresses. */
export interface NeighbourWatch {
  /** Asks who else has an address, as one with an own address; throws `SystemError`. */
  probe(address: string, asker: string): void;
  close(): void;
}

/** What neighbours say of the addresses of all routers: one socket for each link and family that is listened to. */
export class Neighbourhoods {
  readonly #host: Pick<Host, "openNeighbourhood">;
  readonly #open = new Map<string, Watched>();

  constructor(host: Pick<Host, "openNeighbourhood">) {
    this.#host = host;
  }

  /** Listens for who has these addresses, all of the family; throws `SystemError`. */
  watch(
    where: LinkFamily,
    addresses: readonly string[],
    react: (word: NeighbourWord) => void,
  ): NeighbourWatch {
    // Questions carry the MAC, and answers come to it.
    const key = `${where.link.index} ${toHex(where.link.mac)} IPv${where.family}`;
    const watched = this.#open.get(key) ?? this.#openOn(key, where);
    const { neighbourhood, watches } = watched;
    const watch = { addresses, react };
    const close = (): void => {
      if (!watches.delete(watch)) return;
      if (watches.size > 0) return retune(watched);
      neighbourhood.close();
      this.#open.delete(key);
    };
    watches.add(watch);
    try {
      tune(watched);
    } catch (error) {
      close();
      throw error;
    }
    return { probe: (address, asker) => neighbourhood.probe(address, asker), close };
  }

  #openOn(key: string, where: LinkFamily): Watched {
    const watches: Watched["watches"] = new Set();
    const neighbourhood = this.#host.openNeighbourhood(where, (word) => {
      for (const { addresses, react } of watches) if (addresses.includes(word.address)) react(word);
    });
    const watched = { neighbourhood, watches };
    this.#open.set(key, watched);
    return watched;
  }
}

function tune({ neighbourhood, watches }: Watched): void {
  neighbourhood.listenFor([...new Set([...watches].flatMap(({ addresses }) => addresses))]);
}

/** Hears less; where that cannot be had what is heard too much goes to nobody. */
function retune(watched: Watched): void {
  try {
    tune(watched);
  } catch {
    // The kernel has no memory for another filter, and keeps the one there is.
  }
}

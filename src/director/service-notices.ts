import { type BalancedService, serviceId } from "./balanced-service.ts";
import type { ServiceStanding } from "./moment.ts";

/**
 * What scripts and the FIFO are told of services and their servers, in keepalived's words and order, so that what was
 * written for its `lvs_notify_fifo` goes on working. PURE but for its memory of what was told.
 */

/** Who balances the services of a look: each looks by itself, and forgets what its next one has no more. */
export type BalancedBy = "kernel" | "proxies";

/** A service that has gained or lost its quorum, or a server of one that came or went. */
export interface ServiceNotice {
  /** Name of the `[[service]]` or `[[upstream]]`. */
  readonly service: string;
  /** keepalived's kind, what it is about, and the state. */
  readonly words: readonly string[];
}

interface Known {
  /** By address and port. */
  readonly servers: ReadonlyMap<string, boolean>;
  readonly hasQuorum: boolean;
}

/** Remembers how services stand, and tells what is news. */
export class ServiceNotices {
  readonly #known: Record<BalancedBy, ReadonlyMap<string, Known>> = { kernel: new Map(), proxies: new Map() };

  /**
   * Tells what has changed since the last look, the servers of each service before the service itself. At first servers
   * count as they do until they are checked, and every service is told of, but one that starts down and is.
   */
  look(
    by: BalancedBy,
    services: readonly BalancedService[],
    standings: readonly ServiceStanding[],
  ): readonly ServiceNotice[] {
    const known = new Map<string, Known>();
    const notices = services.flatMap((service, index) => {
      const id = serviceId(service);
      const before = this.#known[by].get(id);
      const standing = standings[index];
      const now = standing === undefined ? before : seen(service, standing);
      if (now === undefined) return [];
      known.set(id, now);
      return news(service, before, now);
    });
    this.#known[by] = known;
    return notices;
  }

  /** Tells that services end, and with them their servers. */
  end(services: readonly BalancedService[]): readonly ServiceNotice[] {
    return services.flatMap((service) => {
      const id = serviceId(service);
      const before = this.#known.kernel.get(id) ?? this.#known.proxies.get(id);
      if (before === undefined) return [];
      const servers = new Map([...before.servers.keys()].map((place) => [place, false]));
      return news(service, before, { servers, hasQuorum: false });
    });
  }
}

function seen(service: BalancedService, { servers, hasQuorum }: ServiceStanding): Known {
  const protocol = protocolWord(service);
  return {
    servers: new Map(
      servers.map(({ server: { address, port }, isUp }) => [`[${address}]:${protocol}:${port}`, isUp]),
    ),
    hasQuorum,
  };
}

function news(service: BalancedService, before: Known | undefined, now: Known): readonly ServiceNotice[] {
  const { name, startsDown } = service;
  const changed = [...now.servers].filter(
    ([server, isUp]) => (before?.servers.get(server) ?? !startsDown) !== isUp,
  );
  const had = before?.hasQuorum ?? (startsDown ? false : null);
  if (changed.length === 0 && had === now.hasQuorum) return [];
  const own = had === now.hasQuorum ? [] : [now.hasQuorum];
  return placeWords(service).flatMap((place) => {
    const lines = changed.map(([server, isUp]) => ["RS", server, place, state(isUp)]);
    return lines
      .concat(own.map((isUp) => ["VS", place, state(isUp)]))
      .map((words) => ({ service: name, words }));
  });
}

function state(isUp: boolean): string {
  return isUp ? "UP" : "DOWN";
}

/** Where a service is reached. A relay has several addresses where the kernel has as many services; an upstream none. */
function placeWords(service: BalancedService): readonly string[] {
  if ("key" in service) {
    const { key } = service;
    return ["mark" in key ? `FWM ${key.mark}` : `[${key.address}]:${key.protocol}:${key.port}`];
  }
  const { kind, group, protocol, sockets } = service;
  if (kind === "upstream") return [`UPSTREAM ${group}`];
  return sockets.map(({ address, port }) => `[${address}]:${protocol}:${port}`);
}

/** keepalived writes `none` for the protocol of a mark. */
function protocolWord(service: BalancedService): string {
  if (!("key" in service)) return service.protocol;
  return "mark" in service.key ? "none" : service.key.protocol;
}

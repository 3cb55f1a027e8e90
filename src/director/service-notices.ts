import type { Endpoint } from "../base/address.ts";
import type { IpvsServicePlan, ServiceKeyPlan } from "../config/service-plan.ts";
import { formatKey } from "../kernel/ipvs-messages.ts";
import type { ServiceStanding } from "./moment.ts";
import { keyOf } from "./table.ts";

/**
 * What scripts and the FIFO are told of services and their servers, in keepalived's words and order, so that what was
 * written for its `lvs_notify_fifo` goes on working. PURE but for its memory of what was told.
 */

/** A service that has gained or lost its quorum, or a server of one that came or went. */
export interface ServiceNotice {
  /** Name of the `[[service]]`. */
  readonly service: string;
  /** keepalived's kind, what it is about, and the state. */
  readonly words: readonly string[];
}

interface Known {
  readonly servers: ReadonlyMap<string, boolean>;
  readonly hasQuorum: boolean;
}

/** Remembers how services stand, and tells what is news. */
export class ServiceNotices {
  #known = new Map<string, Known>();

  /**
   * Tells what has changed since the last look, the servers of each service before the service itself. At first servers
   * count as they do until they are checked, and every service is told of, but one that starts down and is.
   */
  look(
    services: readonly IpvsServicePlan[],
    standings: readonly ServiceStanding[],
  ): readonly ServiceNotice[] {
    const known = new Map<string, Known>();
    const notices = services.flatMap((service, index) => {
      const key = formatKey(keyOf(service));
      const before = this.#known.get(key);
      const standing = standings[index];
      const now = standing === undefined ? before : seen(service, standing);
      if (now === undefined) return [];
      known.set(key, now);
      return news(service, before, now);
    });
    this.#known = known;
    return notices;
  }

  /** Tells that services end, and with them their servers. */
  end(services: readonly IpvsServicePlan[]): readonly ServiceNotice[] {
    return services.flatMap((service) => {
      const before = this.#known.get(formatKey(keyOf(service)));
      if (before === undefined) return [];
      const servers = new Map([...before.servers.keys()].map((place) => [place, false]));
      return news(service, before, { servers, hasQuorum: false });
    });
  }
}

function seen({ key }: IpvsServicePlan, { servers, hasQuorum }: ServiceStanding): Known {
  return {
    servers: new Map(servers.map(({ server, isUp }) => [serverWord(key, server), isUp])),
    hasQuorum,
  };
}

function news(service: IpvsServicePlan, before: Known | undefined, now: Known): readonly ServiceNotice[] {
  const { name, key, startsDown } = service;
  const place = serviceWord(key);
  const changed = [...now.servers].filter(
    ([server, isUp]) => (before?.servers.get(server) ?? !startsDown) !== isUp,
  );
  const notices = changed.map(([server, isUp]) => ({
    service: name,
    words: ["RS", server, place, state(isUp)],
  }));
  const had = before?.hasQuorum ?? (startsDown ? false : null);
  if (had === now.hasQuorum) return notices;
  return [...notices, { service: name, words: ["VS", place, state(now.hasQuorum)] }];
}

function state(isUp: boolean): string {
  return isUp ? "UP" : "DOWN";
}

function serviceWord(key: ServiceKeyPlan): string {
  return "mark" in key ? `FWM ${key.mark}` : `[${key.address}]:${key.protocol}:${key.port}`;
}

/** keepalived writes `none` for the protocol of a mark. */
function serverWord(key: ServiceKeyPlan, { address, port }: Endpoint): string {
  return `[${address}]:${"mark" in key ? "none" : key.protocol}:${port}`;
}

import type { ProxiedPlan } from "../config/proxied-plan.ts";
import type { DrainedOpen, ServerStanding } from "../ipc/standing.ts";
import type { Drain } from "./drains.ts";
import type { ServiceStanding } from "./moment.ts";
import { serverStandings } from "./server-standings.ts";

/** What passes between the director and the proxies about their servers: how they stand, and what is open to those taken out. */
export class ProxiedServices {
  readonly #tell: (standings: readonly ServerStanding[], isWhole: boolean) => void;
  #told: ReadonlyMap<string, ServerStanding> | null = null;
  #open: ReadonlyMap<string, DrainedOpen> = new Map();

  constructor(tell: (standings: readonly ServerStanding[], isWhole: boolean) => void) {
    this.#tell = tell;
  }

  /** Takes how services stand, and tells it: everything when the servers are others, else what has changed. */
  stand(
    services: readonly ProxiedPlan[],
    standings: readonly ServiceStanding[],
    drains: readonly Drain[],
  ): void {
    const now = serverStandings(services, standings, drains);
    const before = this.#told;
    this.#told = new Map(now.map((standing) => [standing.server, standing]));
    const isSame = before?.size === this.#told.size && now.every(({ server }) => before.has(server));
    const news = isSame ? now.filter((standing) => !isEqual(standing, before.get(standing.server))) : now;
    if (!isSame || news.length > 0) this.#tell(news, !isSame);
  }

  /** Takes what the proxies have open to servers that were taken out. */
  heard(open: readonly DrainedOpen[]): void {
    this.#open = new Map(open.map((one) => [one.server, one]));
  }

  /** Gives how many connections there are to a server that was taken out at `since`; null if nobody has told. */
  openTo(server: string, since: string): number | null {
    const told = this.#open.get(server);
    return told?.since === since ? told.open : null;
  }
}

function isEqual(one: ServerStanding, other: ServerStanding | undefined): boolean {
  return (
    one.isOpen === other?.isOpen &&
    one.weight === other.weight &&
    one.drainedSince === other.drainedSince &&
    one.endsConnections === other.endsConnections
  );
}

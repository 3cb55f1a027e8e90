import { formatEndpoint } from "../base/address.ts";
import { errorText } from "../base/system-error.ts";
import type { ProxyPlan } from "../config/node-plan.ts";
import { DatagramRelay, type FlowContext } from "./datagram-relay.ts";
import type { Engine } from "./engine.ts";
import type { DatagramEntrance } from "./flow-route.ts";
import { FlowLimit, type FullReport } from "./flow-limit.ts";

const complaintPauseMs = 60_000;
/** The word that a connection of QUIC ends takes that long on its way through this process. */
const goodbyeMs = 20;

/** The UDP sockets of a process. */
export class DatagramRelays {
  private readonly context: FlowContext;
  private readonly relays = new Map<string, DatagramRelay>();
  private complainedAt = Number.NEGATIVE_INFINITY;

  constructor(engine: Engine) {
    this.context = {
      engine,
      limit: new FlowLimit({ now: () => performance.now(), tell: (report) => this.tellFull(report) }),
      failedHere: (error) => this.tellFailure(error),
    };
  }

  /** How many flows are open, but for those of clients that are counted by their connections. */
  get flowCount(): number {
    const remote = [...this.relays.values()].filter(({ isLocal }) => !isLocal);
    return remote.reduce((sum, { flowCount }) => sum + flowCount, 0);
  }

  /** Brings the sockets to a plan, which has its descriptors by name; throws, with nothing changed, if one is missing. */
  configure(
    plan: ProxyPlan,
    wanted: readonly DatagramEntrance[],
    sockets: Readonly<Record<string, number>>,
  ): void {
    const { engine, limit } = this.context;
    for (const { name } of wanted) {
      if (!this.relays.has(name) && sockets[name] === undefined) throw new Error(`no socket for ${name}`);
    }
    // An even part, for the kernel spreads flows evenly: none takes the room that another one's clients need.
    limit.setMost(Math.max(1, Math.floor(plan.mostFlows / Math.max(1, plan.workers))));
    for (const { endpoint, name, route } of wanted) {
      const known = this.relays.get(name);
      if (known !== undefined) {
        known.configure(route);
        continue;
      }
      const opened = new DatagramRelay(this.context, endpoint, route);
      this.relays.set(name, opened);
      opened.listen(sockets[name] ?? -1).catch((error: unknown) => {
        engine.log.error(`nothing is received on UDP ${formatEndpoint(endpoint)}: ${errorText(error)}`);
      });
    }
    const names = new Set(wanted.map(({ name }) => name));
    for (const [name, relay] of this.relays) {
      if (names.has(name)) continue;
      closeInTime(relay);
      this.relays.delete(name);
    }
  }

  /** Ends the flows of clients that speak to addresses which another node has now. */
  cut(addresses: readonly string[]): void {
    for (const relay of this.relays.values()) relay.cut(addresses);
  }

  /**
   * Closes everything at once: a datagram that comes later is for the process that comes after this one. Who speaks HTTP/3
   * is told so first.
   */
  close(): void {
    for (const relay of this.relays.values()) closeInTime(relay);
    this.relays.clear();
  }

  private tellFull({ most, ended, refused }: FullReport): void {
    const why = `${most} UDP flows are open in this process, its share of [proxy] udp_flows`;
    const what = [
      ...(ended > 0 ? [`${ended} of the oldest that wait for nothing made room for new ones`] : []),
      ...(refused > 0 ? [`${refused} new ones found no room`] : []),
    ];
    this.context.engine.log.warning(`${why}: ${what.join(", ")}; raise it, or write a shorter idle_timeout`);
  }

  private tellFailure(error: unknown): void {
    const now = performance.now();
    if (now - this.complainedAt < complaintPauseMs) return;
    this.complainedAt = now;
    const remedy = "is [proxy] udp_flows above what net.ipv4.ip_local_port_range and LimitNOFILE allow?";
    this.context.engine.log.error(`no socket for a UDP flow: ${errorText(error)}; ${remedy}`);
  }
}

function closeInTime(relay: DatagramRelay): void {
  if (relay.isLocal) setTimeout(() => relay.close(), goodbyeMs);
  else relay.close();
}

import type { ProxyPlan } from "../config/node-plan.ts";
import { socketName } from "../ipc/listening-socket.ts";
import type { Flow, FlowTarget } from "./flow.ts";
import type { DatagramEntrance, FlowRoute } from "./flow-route.ts";
import type { Caller } from "./selection/scheduler.ts";
import type { Relay, RelayServer, Snapshot } from "./snapshot.ts";
import { sorryOf } from "./sorry.ts";

/** The flows of a UDP service lead to its servers. */
class RelayFlows implements FlowRoute {
  readonly isLocal = false;
  readonly isOnePacket: boolean;
  private readonly relay: Relay;
  private readonly byKey: ReadonlyMap<string, RelayServer>;

  constructor(relay: Relay) {
    const { udp } = relay.plan;
    this.relay = relay;
    this.isOnePacket = udp?.isOnePacket ?? false;
    this.byKey = new Map(relay.servers.map((server) => [server.key, server]));
  }

  idleTimeoutMs(): number {
    return this.relay.plan.udp?.idleTimeoutMs ?? 0;
  }

  target(client: Caller, tried: readonly RelayServer[] | null): FlowTarget | null {
    const server = this.relay.scheduler.next(client, tried);
    if (server !== null) return { server, endpoint: server.endpoint };
    const sorry = sorryOf(this.relay);
    return sorry === null ? null : { server: null, endpoint: sorry };
  }

  /** Flows stay where they are, unless their server is not in the plan any more. */
  adopt(flow: Flow): boolean {
    const { endpoint, server } = flow;
    if (server === null) {
      const { sorry } = this.relay.plan;
      return sorry?.address === endpoint.address && sorry.port === endpoint.port;
    }
    const kept = this.byKey.get(server.key);
    if (kept !== undefined) flow.server = kept;
    return kept !== undefined;
  }
}

/** Gives the sockets of a plan's UDP services. */
export function relayEntrances(plan: ProxyPlan, snapshot: Snapshot): readonly DatagramEntrance[] {
  return plan.relays.flatMap(({ name, udp, sockets }) => {
    const relay = snapshot.relays.get(name);
    if (udp === null || relay === undefined) return [];
    const route = new RelayFlows(relay);
    return sockets.map((endpoint) => ({ endpoint, route, name: socketName("udp", endpoint) }));
  });
}

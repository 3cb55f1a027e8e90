import { formatEndpoint } from "../base/address.ts";
import type { ListenerPlan } from "../config/http-plan.ts";
import type { ProxyPlan } from "../config/node-plan.ts";
import { alternativeOf } from "./alternative.ts";
import { letIn } from "./connection-limits.ts";
import { openConnection, type Door } from "./door.ts";
import type { Engine } from "./engine.ts";
import type { Listener } from "./listener.ts";
import { RelayedClient } from "./relay.ts";
import { HostTable } from "./routes.ts";
import type { Site, Snapshot } from "./snapshot.ts";

/** Finds in a snapshot what accepts at an endpoint. */
export type Entrance = (snapshot: Snapshot) => Door["accept"];

/** What stands behind the doors: listeners and relays. */
export class Entrances {
  private readonly engine: Engine;
  private readonly listeners = new Map<string, Listener>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Gives for each endpoint of a plan how to find what accepts there. */
  of(plan: ProxyPlan): Map<string, Entrance> {
    const entrances = new Map<string, Entrance>();
    const { engine } = this;
    for (const listenerPlan of plan.listeners) {
      const entrance: Entrance = (snapshot) => {
        const listener = this.listener(listenerPlan, snapshot);
        return (client) => {
          if (letIn(engine, listener, client.wire)) openConnection(engine, listener, client);
        };
      };
      for (const socket of listenerPlan.sockets) entrances.set(formatEndpoint(socket), entrance);
    }
    for (const relayPlan of plan.relays) {
      if (relayPlan.udp !== null) continue;
      const entrance: Entrance = (snapshot) => {
        const relay = snapshot.relays.get(relayPlan.name);
        return (client) => {
          if (relay === undefined) client.wire.terminate();
          else if (letIn(engine, null, client.wire))
            client.wire.data = new RelayedClient(engine, relay, client);
        };
      };
      for (const socket of relayPlan.sockets) entrances.set(formatEndpoint(socket), entrance);
    }
    return entrances;
  }

  /** Gives the listener of a name, or null before there is one. */
  known(name: string): Listener | null {
    return this.listeners.get(name) ?? null;
  }

  /** Gives the listener of a name with a new plan in it: the connections it has already see that one too. */
  private listener(plan: ListenerPlan, snapshot: Snapshot): Listener {
    const hosts = snapshot.hosts.get(plan.name) ?? new HostTable<Site>();
    const known = this.listeners.get(plan.name);
    if (known === undefined) {
      const listener = { plan, hosts, alternative: alternativeOf(plan) };
      this.listeners.set(plan.name, listener);
      return listener;
    }
    known.plan = plan;
    known.hosts = hosts;
    known.alternative = alternativeOf(plan);
    return known;
  }
}

import type { ProxyPlan } from "../../config/node-plan.ts";
import { socketName } from "../../ipc/listening-socket.ts";
import type { Credentials } from "../door.ts";
import type { Engine } from "../engine.ts";
import type { DatagramEntrance } from "../flow-route.ts";
import type { Listener } from "../listener.ts";
import { Http3Endpoint } from "./endpoint.ts";
import { identitiesOf } from "./identities.ts";

/** The HTTP/3 listeners of a process. */
export class Http3Endpoints {
  private readonly engine: Engine;
  private readonly listener: (name: string) => Listener | null;
  private readonly endpoints = new Map<string, Http3Endpoint>();

  /** `listener` gives the one of a name. */
  constructor(engine: Engine, listener: (name: string) => Listener | null) {
    this.engine = engine;
    this.listener = listener;
  }

  /** Opens what a plan has and shows its certificates, and gives the sockets that clients send to. */
  configure(plan: ProxyPlan, credentials: Credentials): readonly DatagramEntrance[] {
    return plan.listeners.flatMap(({ http3, name, sockets, tls }) => {
      if (http3 === null || tls === null) return [];
      const identities = identitiesOf(tls, credentials);
      const known = this.endpoints.get(name);
      const endpoint =
        known ?? new Http3Endpoint({ engine: this.engine, identities, listener: () => this.listener(name) });
      if (known === undefined) this.endpoints.set(name, endpoint);
      else known.show(identities);
      return sockets.map((socket) => ({
        endpoint: socket,
        route: endpoint.flows,
        name: socketName("udp", socket),
      }));
    });
  }

  /** Closes those that the plan has not. */
  retain({ listeners }: ProxyPlan): void {
    const names = new Set(listeners.filter(({ http3 }) => http3 !== null).map(({ name }) => name));
    for (const [name, endpoint] of this.endpoints) {
      if (names.has(name)) continue;
      endpoint.close();
      this.endpoints.delete(name);
    }
  }
}

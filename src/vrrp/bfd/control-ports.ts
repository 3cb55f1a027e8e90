import { familyOf } from "../../base/address.ts";
import type { Datagram } from "../../kernel/single-hop.ts";
import { BfdCounters, type DropCause } from "./bfd-counters.ts";
import type { BfdHost, Listener, Way } from "./bfd-host.ts";
import type { Endpoint } from "./endpoint.ts";
import { decodeControl } from "./packet.ts";

interface OpenPort {
  readonly listener: Listener;
  readonly endpoints: Set<Endpoint>;
}

/** The ports of all sessions, one for each link and family; packets are handed out as RFC 5881 §3 says. */
export class ControlPorts {
  readonly #host: BfdHost;
  readonly #ports = new Map<string, OpenPort>();
  /** What belonged to no session. */
  readonly strays: BfdCounters = new BfdCounters();

  constructor(host: BfdHost) {
    this.#host = host;
  }

  /** Opens an endpoint's way, with a port to hear the answers at; throws `SystemError`. */
  connect(endpoint: Endpoint, way: Way): void {
    this.disconnect(endpoint);
    const key = portKey(way);
    const port = this.#ports.get(key) ?? this.#openPort(key, way);
    port.endpoints.add(endpoint);
    try {
      endpoint.open(way, () => port.listener.drain());
    } catch (error) {
      this.disconnect(endpoint);
      throw error;
    }
  }

  /** Lets go of an endpoint's port. */
  disconnect(endpoint: Endpoint): void {
    for (const [key, port] of this.#ports) {
      if (!port.endpoints.delete(endpoint) || port.endpoints.size > 0) continue;
      this.#ports.delete(key);
      port.listener.close();
    }
  }

  #openPort(key: string, way: Way): OpenPort {
    const endpoints = new Set<Endpoint>();
    const place = { link: way.link, family: familyOf(way.peer) };
    const listener = this.#host.listen(place, (datagram) => this.#deliver(endpoints, datagram));
    const port = { listener, endpoints };
    this.#ports.set(key, port);
    return port;
  }

  #deliver(endpoints: ReadonlySet<Endpoint>, { payload, source, ttl }: Datagram): void {
    const bySource = [...endpoints].find(({ plan }) => plan.peer === source);
    const refuse = (cause: DropCause, explanation: string): void => {
      if (bySource === undefined) this.strays.countDrop(cause);
      else bySource.refuse(cause, explanation);
    };
    const decoded = decodeControl(payload, ttl);
    if (decoded.kind === "malformed") return refuse(decoded.cause, decoded.explanation);
    const { packet } = decoded;
    const yours = packet.yourDiscriminator;
    // RFC 5881 §3: the first packets know no discriminator of ours, and the address tells whose they are.
    if (yours === 0) {
      return bySource === undefined ? this.strays.countDrop("unknownPeer") : bySource.receive(packet);
    }
    const named = [...endpoints].find(({ discriminator }) => discriminator === yours);
    if (named === undefined)
      return refuse("unknownDiscriminator", `it is for a session ${yours}, which is none of ours`);
    if (named !== bySource) return refuse("otherSource", `it is for the session with ${named.plan.peer}`);
    named.receive(packet);
  }
}

function portKey({ link, peer }: Way): string {
  return `${link.index} ${link.name} ${familyOf(peer)}`;
}

import type { Family } from "../../src/base/address.ts";
import { familyOf } from "../../src/base/address.ts";
import { later } from "../../src/base/instant.ts";
import type { Datagram } from "../../src/kernel/single-hop.ts";
import type { BfdHost } from "../../src/vrrp/bfd/bfd-host.ts";
import type { FakeMachine, FakeSegment } from "./fake-segment.ts";
import { seededRandom } from "./seeded-random.ts";

interface Port {
  readonly machine: FakeMachine;
  readonly network: string;
  readonly family: Family;
  readonly receive: (datagram: Datagram) => void;
  /** Arrived, not read yet. */
  readonly queue: Datagram[];
}

/** UDP port 3784 of all machines on fake networks. */
export class FakeBfdNet {
  readonly #segment: FakeSegment;
  readonly #ports = new Set<Port>();
  readonly #random = seededRandom(7);
  /** How long a machine's program takes to read what has arrived. */
  readDelayMs = 0;
  /** Machines that hear nothing at this port, whatever else they hear. */
  readonly deaf: Set<string> = new Set();

  constructor(segment: FakeSegment) {
    this.#segment = segment;
  }

  /** Gives one process of a machine its sockets; they end with `close`. */
  hostOf(machine: FakeMachine): BfdHost & { readonly close: () => void } {
    const own = new Set<Port>();
    return {
      random: this.#random,
      listen: ({ link, family }, receive) => {
        const port: Port = { machine, network: link.name, family, receive, queue: [] };
        this.#ports.add(port);
        own.add(port);
        return { drain: () => this.#read(port), close: () => this.#ports.delete(port) };
      },
      reach: ({ link, source, peer }) => ({
        send: (payload) => this.#send(machine, { network: link.name, source, peer, payload }),
        close: () => undefined,
      }),
      close: () => {
        for (const port of own) this.#ports.delete(port);
      },
    };
  }

  #send(
    from: FakeMachine,
    packet: {
      readonly network: string;
      readonly source: string;
      readonly peer: string;
      readonly payload: Uint8Array;
    },
  ): void {
    const { network, source, peer, payload } = packet;
    if (!from.hasCarrier(network)) return;
    const { clock, loss, maxDelayMs } = this.#segment;
    for (const port of this.#ports) {
      const isMeant = port.network === network && port.family === familyOf(peer) && port.machine.holds(peer);
      if (!isMeant || port.machine === from || this.#random() < loss) continue;
      clock.schedule(later(clock.now(), this.#random() * maxDelayMs), () => {
        const isThere = port.machine.hasCarrier(network) && !this.deaf.has(port.machine.name);
        if (!isThere || !this.#segment.areTogether(from, port.machine, network)) return;
        if (port.machine.isDeaf) return;
        port.queue.push({ payload, source, ttl: 255 });
        clock.schedule(later(clock.now(), this.readDelayMs), () => {
          port.machine.whenRunning(() => this.#read(port));
        });
      });
    }
  }

  #read(port: Port): void {
    for (const datagram of port.queue.splice(0)) if (this.#ports.has(port)) port.receive(datagram);
  }
}

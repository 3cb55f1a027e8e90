import type { Family } from "../../base/address.ts";
import type { Log } from "../../base/log.ts";
import { errorText, hasCode } from "../../base/system-error.ts";
import type { Link } from "../../kernel/rtnetlink.ts";
import { type Datagram, SingleHopListener, SingleHopSender } from "../../kernel/single-hop.ts";

/** What BFD sessions need of the machine beside what the elections do. */
export interface BfdHost {
  /** Gives a number in [0, 1), for jitter, discriminators and ports. */
  random(): number;
  /** Opens port 3784 on a link for one family; throws `SystemError`. */
  listen(where: ListenerPlace, receive: (datagram: Datagram) => void): Listener;
  /** Opens a way to a peer, from a port of its own (RFC 5881 §4); throws `SystemError`. */
  reach(way: Way): Sender;
}

/** A port on a link. */
export interface ListenerPlace {
  readonly link: Link;
  readonly family: Family;
}

/** From one of our addresses to a peer's. */
export interface Way {
  readonly link: Link;
  readonly source: string;
  readonly peer: string;
}

/** An open port. */
export interface Listener {
  /** Hands over what has arrived by now. */
  drain(): void;
  close(): void;
}

/** A way to one peer. */
export interface Sender {
  /** Throws `SystemError`. */
  send(payload: Uint8Array): void;
  close(): void;
}

/** RFC 5881 §4. */
const controlPort = 3784;
const firstSourcePort = 49_152;
const sourcePorts = 16_384;
const mostTries = 32;

const random = (): number => Math.random();

/** The real machine. */
export function kernelBfdHost(log: Log): BfdHost {
  return {
    random,
    listen({ link, family }, receive) {
      // The interface went down or away: the link's own event says so, and says it better.
      const fail = (error: unknown): void => log.debug(`bfd: receiving on ${link.name}: ${errorText(error)}`);
      return SingleHopListener.open({ link, family, port: controlPort }, { receive, fail });
    },
    reach: openSender,
  };
}

function openSender(way: Way): Sender {
  for (let count = 1; ; count++) {
    const sourcePort = firstSourcePort + Math.floor(random() * sourcePorts);
    try {
      return SingleHopSender.open({ ...way, sourcePort, port: controlPort });
    } catch (error) {
      if (count === mostTries || !hasCode(error, "EADDRINUSE")) throw error;
    }
  }
}

import { SystemError } from "../base/system-error.ts";
import type { ReceivedPacket } from "../kernel/raw-multicast.ts";
import type { Host, Segment, SegmentPlace } from "./host.ts";

/** One virtual router's part in a segment. */
export interface Membership {
  readonly place: SegmentPlace;
  /** Sends to the group or to one router; throws `SystemError`. */
  send(payload: Uint8Array, to: string): void;
  leave(): void;
}

interface OpenSegment {
  readonly segment: Segment;
  readonly receivers: Map<number, (packet: ReceivedPacket) => void>;
  users: number;
}

/** The sockets of all instances, one for each interface, group and source; packets are handed out by VRID. */
export class Transport {
  readonly #host: Pick<Host, "openSegment">;
  readonly #open = new Map<string, OpenSegment>();

  constructor(host: Pick<Host, "openSegment">) {
    this.#host = host;
  }

  /** Hears and speaks for one VRID; throws `SystemError` if the socket cannot be had. */
  join(place: SegmentPlace, vrid: number, receive: (packet: ReceivedPacket) => void): Membership {
    const { open, release } = this.#use(place);
    if (open.receivers.has(vrid)) {
      release();
      throw new SystemError("join", "EEXIST", `VRID ${vrid} on ${place.link.name}`);
    }
    open.receivers.set(vrid, receive);
    return {
      place,
      send: (payload, to) => open.segment.send(payload, to),
      leave: () => {
        if (open.receivers.get(vrid) === receive) open.receivers.delete(vrid);
        release();
      },
    };
  }

  /** Opens a segment's socket ahead of its use, and keeps it until the result is called. */
  reserve(place: SegmentPlace): () => void {
    return this.#use(place).release;
  }

  #use(place: SegmentPlace): { open: OpenSegment; release: () => void } {
    const key = placeKey(place);
    const open = this.#open.get(key) ?? this.#openAt(key, place);
    open.users += 1;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      open.users -= 1;
      if (open.users > 0) return;
      this.#open.delete(key);
      open.segment.close();
    };
    return { open, release };
  }

  #openAt(key: string, place: SegmentPlace): OpenSegment {
    const receivers: OpenSegment["receivers"] = new Map();
    const segment = this.#host.openSegment(place, (packet) => {
      // RFC 9568 §7.1: the VRID must be one of ours; it is the second byte in both versions.
      receivers.get(packet.payload[1] ?? 0)?.(packet);
    });
    const open: OpenSegment = { segment, receivers, users: 0 };
    this.#open.set(key, open);
    return open;
  }
}

/** Tells whether two places share a socket. */
export function isSamePlace(a: SegmentPlace, b: SegmentPlace): boolean {
  return placeKey(a) === placeKey(b);
}

function placeKey({ link, group, source }: SegmentPlace): string {
  return `${link.index} ${group} ${source}`;
}

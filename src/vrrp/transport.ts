import { SystemError } from "../base/system-error.ts";
import type { FloodCount } from "../kernel/flood-guard.ts";
import type { ReceivedPacket } from "../kernel/raw-multicast.ts";
import type { Host, Segment, SegmentPlace, Speaker } from "./host.ts";

/** One virtual router's part in a segment. */
export interface Membership {
  readonly place: SegmentPlace;
  /** Sends to the group or to one router; throws `SystemError`. */
  send(payload: Uint8Array, to: string): void;
  /** Does the same as the host that it is, whatever MAC the virtual router has. */
  sendAsHost(payload: Uint8Array, to: string): void;
  leave(): void;
  /** Says what floods arrived on the segment; null if there was none. */
  floods(): FloodCount | null;
}

interface OpenSegment {
  readonly segment: Segment;
  readonly receivers: Map<number, (packet: ReceivedPacket) => void>;
  users: number;
}

/** The sockets of all instances, one for each interface, group and source; packets are handed out by VRID. */
export class Transport {
  readonly #host: Pick<Host, "openSegment" | "openSpeaker">;
  readonly #open = new Map<string, OpenSegment>();

  constructor(host: Pick<Host, "openSegment" | "openSpeaker">) {
    this.#host = host;
  }

  /** Hears and speaks for one VRID; throws `SystemError` if the socket cannot be had. */
  join(place: SegmentPlace, vrid: number, receive: (packet: ReceivedPacket) => void): Membership {
    const { open, release } = this.#use(place);
    if (open.receivers.has(vrid)) {
      release();
      throw new SystemError("join", "EEXIST", `VRID ${vrid} on ${place.link.name}`);
    }
    const speaker = this.#speakerAt(place, release);
    open.receivers.set(vrid, receive);
    return {
      place,
      send(payload, to) {
        if (speaker !== null && to === place.group) speaker.send(payload, to);
        else open.segment.send(payload, to);
      },
      sendAsHost: (payload, to) => open.segment.send(payload, to),
      floods: () => open.segment.floods(),
      leave: () => {
        speaker?.close();
        if (open.receivers.get(vrid) === receive) open.receivers.delete(vrid);
        release();
      },
    };
  }

  /** Opens a segment's socket ahead of its use, and keeps it until the result is called. */
  reserve(place: SegmentPlace): () => void {
    return this.#use(place).release;
  }

  /** Opens those of many, or none; throws `SystemError`. */
  reserveAll(places: readonly SegmentPlace[]): () => void {
    const releases: (() => void)[] = [];
    const release = (): void => {
      for (const each of releases) each();
    };
    try {
      for (const place of places) releases.push(this.reserve(place));
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }

  /** Opens what belongs to one virtual router alone: what is heard, they share. */
  #speakerAt(place: SegmentPlace, release: () => void): Speaker | null {
    if (place.speaker === null) return null;
    try {
      return this.#host.openSpeaker(place, place.speaker);
    } catch (error) {
      release();
      throw error;
    }
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

/** Tells whether a membership of one place does for the other. */
export function isSamePlace(a: SegmentPlace, b: SegmentPlace): boolean {
  if (a === b) return true;
  const isSameSegment = a.link.index === b.link.index && a.group === b.group && a.source === b.source;
  return isSameSegment && a.speaker?.index === b.speaker?.index;
}

function placeKey({ link, group, source }: SegmentPlace): string {
  return `${link.index} ${group} ${source}`;
}

import type { Flow } from "../flow.ts";
import { handshakeMs } from "./quic-timing.ts";

/** No handshake is under way any more by then. */
const ownedMs = handshakeMs + 1_000;

/** A source cannot have more connections begin over one flow in that time. */
const mostBegun = 16;

interface Owned {
  readonly flow: Flow;
  readonly until: number;
  /** Whether a connection began with it. */
  readonly isFirst: boolean;
}

interface ConnectionIds {
  readonly to: string;
  readonly from: string;
}

/**
 * Binds each handshake to the flow that it began over (RFC 9000 §9: a client does not migrate before it is over). The runtime
 * takes the address of the last packet for the client's: one packet with a false source in the middle would make that source
 * the client of the connection, for lists, limits and logs.
 */
export class Handshakes {
  private readonly now: () => number;
  /** By connection id; all live equally long, so the oldest come first. */
  private readonly owned = new Map<string, Owned>();
  private readonly begun = new Map<Flow, number>();
  /** Bytes of the ids that the runtime gives itself. */
  private ownIdBytes = 0;

  constructor(now: () => number) {
    this.now = now;
  }

  /** Tells whether a client's datagram may come over a flow. */
  comes(flow: Flow, bytes: Buffer): boolean {
    this.expire();
    if (!isLong(bytes)) {
      const owner = this.owned.get(bytes.toString("latin1", 1, 1 + this.ownIdBytes));
      return owner === undefined || owner.flow === flow;
    }
    const ids = idsOf(bytes);
    if (ids === null) return false;
    const owner = this.owned.get(ids.to);
    if (owner !== undefined) return owner.flow === flow;
    const begun = this.begun.get(flow) ?? 0;
    if (begun >= mostBegun) return false;
    this.begun.set(flow, begun + 1);
    this.own(ids.to, flow, true);
    return true;
  }

  /** Tells whether a datagram of the runtime's may leave over a flow. */
  leaves(flow: Flow, bytes: Buffer): boolean {
    if (!isLong(bytes)) return true;
    this.expire();
    const ids = idsOf(bytes);
    if (ids === null) return false;
    const owner = this.owned.get(ids.from);
    if (owner !== undefined) return owner.flow === flow;
    this.ownIdBytes = ids.from.length;
    this.own(ids.from, flow, false);
    return true;
  }

  private own(id: string, flow: Flow, isFirst: boolean): void {
    this.owned.set(id, { flow, isFirst, until: this.now() + ownedMs });
  }

  private expire(): void {
    const now = this.now();
    for (const [id, { flow, isFirst, until }] of this.owned) {
      if (until > now) return;
      this.owned.delete(id);
      if (isFirst) this.forget(flow);
    }
  }

  private forget(flow: Flow): void {
    const left = (this.begun.get(flow) ?? 0) - 1;
    if (left > 0) this.begun.set(flow, left);
    else this.begun.delete(flow);
  }
}

function isLong(bytes: Buffer): boolean {
  return ((bytes[0] ?? 0) & 0x80) !== 0;
}

/** Reads the connection ids of a long header (RFC 9000 §17.2); null if they are not all there. */
function idsOf(bytes: Buffer): ConnectionIds | null {
  const toStart = 6;
  const toEnd = toStart + (bytes[toStart - 1] ?? 0);
  const fromStart = toEnd + 1;
  const fromEnd = fromStart + (bytes[toEnd] ?? 0);
  if (fromEnd > bytes.length) return null;
  return { to: bytes.toString("latin1", toStart, toEnd), from: bytes.toString("latin1", fromStart, fromEnd) };
}

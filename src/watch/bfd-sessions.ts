import { diagnosticText } from "../vrrp/bfd/diagnostic.ts";
import type { BfdState } from "../vrrp/bfd/packet.ts";
import type { Complaint, Place } from "./complaint.ts";
import type { Ledger } from "./ledger.ts";
import type { BfdPacket } from "./packet.ts";

/** PURE: what the ends of BFD sessions say of themselves. */

/** One direction of a session. */
export interface BfdTrace {
  readonly source: string;
  readonly destination: string;
  readonly state: BfdState;
  readonly count: number;
}

const mostTraces = 256;

/** Every BFD session that was heard. */
export class BfdSessions {
  readonly #ledger: Ledger;
  readonly #traces = new Map<string, BfdTrace & { readonly said: string }>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  get traces(): readonly BfdTrace[] {
    return [...this.#traces.values()];
  }

  /** Takes a packet; tells whether it says anything new. */
  hear(packet: BfdPacket, place: Place): boolean {
    const { reading, source, destination, atMs } = packet;
    if (reading.kind === "malformed") {
      // A session with authentication is the business of its ends.
      if (reading.cause === "authentication") return this.#isNews(packet, "down", "authenticated");
      this.#ledger.raise(place, malformed(packet, reading.explanation), atMs);
      return true;
    }
    const { state, diagnostic, detectMultiplier, desiredMinTxUs, requiredMinRxUs } = reading.packet;
    const before = this.#traces.get(keyOf(packet))?.state;
    const said = [state, diagnostic, detectMultiplier, desiredMinTxUs, requiredMinRxUs].join(" ");
    const isNews = this.#isNews(packet, state, said);
    const about = [source, destination];
    if (state === "up") this.#ledger.settle(place, { code: "bfd-down", about }, atMs);
    if (before === "up" && (state === "down" || state === "init")) {
      const text = `the BFD session of ${source} with ${destination} went down: ${diagnosticText(diagnostic)}`;
      const advice = "the two do not hear each other, or one was too busy";
      this.#ledger.raise(place, { code: "bfd-down", severity: "warning", about, text, advice }, atMs);
    }
    return isNews;
  }

  #isNews(packet: BfdPacket, state: BfdState, said: string): boolean {
    const key = keyOf(packet);
    const before = this.#traces.get(key);
    if (before === undefined && this.#traces.size >= mostTraces) return false;
    const { source, destination } = packet;
    this.#traces.set(key, { source, destination, state, said, count: (before?.count ?? 0) + 1 });
    return before?.said !== said;
  }
}

function malformed({ source }: BfdPacket, explanation: string): Complaint {
  const text = `a BFD packet of ${source} is dropped: ${explanation}`;
  const advice = "see that both ends speak BFD version 1, directly with each other";
  return { code: "bfd-malformed", severity: "error", about: [source, explanation], text, advice };
}

function keyOf({ interface: on, vlans, source, destination, isMultihop }: BfdPacket): string {
  return [on ?? "", vlans.join("."), source, destination, isMultihop].join("|");
}

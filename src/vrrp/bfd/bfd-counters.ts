import type { Malformation } from "./packet.ts";

/** Why a packet counted for no session. */
export type DropCause = Malformation | "unknownDiscriminator" | "unknownPeer" | "otherSource";

/** What is counted for one session. */
export type BfdCounter =
  | "sent"
  | "sendErrors"
  | "received"
  | "becameUp"
  | "wentDown"
  | "wentDownSilent"
  | `dropped${Capitalize<DropCause>}`;

const drops: readonly DropCause[] = [
  "ttl",
  "version",
  "length",
  "multiplier",
  "multipoint",
  "myDiscriminator",
  "yourDiscriminator",
  "authentication",
  "unknownDiscriminator",
  "unknownPeer",
  "otherSource",
];
const names: readonly BfdCounter[] = [
  "sent",
  "sendErrors",
  "received",
  "becameUp",
  "wentDown",
  "wentDownSilent",
  ...drops.map(dropCounter),
];

/** Counters of one session, or of what belongs to none; all there from the start. */
export class BfdCounters {
  readonly #values = new Map<BfdCounter, number>(names.map((name) => [name, 0]));

  /** Adds one. */
  count(name: BfdCounter): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + 1);
  }

  /** Counts a dropped packet. */
  countDrop(cause: DropCause): void {
    this.count(dropCounter(cause));
  }

  /** Gives a copy. */
  values(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#values);
  }

  /** Gives what was dropped, by cause, leaving out what never was. */
  drops(): Readonly<Record<string, number>> {
    const counted = drops.map((cause) => [cause, this.#values.get(dropCounter(cause)) ?? 0] as const);
    return Object.fromEntries(counted.filter(([, count]) => count > 0));
  }
}

function dropCounter(cause: DropCause): BfdCounter {
  return `dropped${(cause.charAt(0).toUpperCase() + cause.slice(1)) as Capitalize<DropCause>}`;
}

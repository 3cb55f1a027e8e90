import type { Judged, DropCause, Oddity } from "./receive.ts";

/** What is counted for one instance. */
export type Counter =
  | "sent"
  | "sentPriorityZero"
  | "sendErrors"
  | "received"
  | "receivedPriorityZero"
  | "becameActive"
  | "splitBrains"
  | "pseudoHeaderChecksums"
  | "messageOnlyChecksums"
  | DropCounter
  | OddityCounter;

type DropCounter = `dropped${Capitalize<DropCause>}`;
type OddityCounter = `odd${Capitalize<Oddity>}`;

const names: readonly Counter[] = [
  "sent",
  "sentPriorityZero",
  "sendErrors",
  "received",
  "receivedPriorityZero",
  "becameActive",
  "splitBrains",
  "pseudoHeaderChecksums",
  "messageOnlyChecksums",
  "droppedMulticast",
  "droppedUnicast",
  "droppedSource",
  "droppedTtl",
  "droppedVersion",
  "droppedType",
  "droppedLength",
  "droppedChecksum",
  "droppedVrid",
  "droppedCount",
  "droppedInterval",
  "droppedAuth",
  "droppedReflected",
  "droppedAuthMissing",
  "droppedAuthFailed",
  "droppedAuthUnknownKey",
  "droppedAuthReplay",
  "droppedAuthStale",
  "oddInterval",
  "oddAddressList",
  "oddLinkLocal",
  "oddSource",
  "oddUnsigned",
  "oddSigned",
];

/** Counters of one instance, all there from the start. */
export class Counters {
  // A plain object is copied four times as fast as a map is turned into one; hundreds of routers show it.
  readonly #values: Partial<Record<Counter, number>> = Object.fromEntries(names.map((name) => [name, 0]));

  /** Adds one. */
  count(name: Counter): void {
    this.#values[name] = (this.#values[name] ?? 0) + 1;
  }

  /** Counts a dropped advertisement. */
  countDrop(cause: DropCause): void {
    this.count(`dropped${capitalized(cause)}`);
  }

  /** Counts what a verdict says. */
  countJudged(judged: Judged): void {
    if (judged.kind === "dropped") return this.countDrop(judged.remark.kind);
    this.count("received");
    for (const { kind } of judged.oddities) this.count(`odd${capitalized(kind)}`);
  }

  /** Gives a copy. */
  values(): Readonly<Record<string, number>> {
    return { ...this.#values };
  }
}

function capitalized<Text extends string>(text: Text): Capitalize<Text> {
  return (text.charAt(0).toUpperCase() + text.slice(1)) as Capitalize<Text>;
}

/** What a process says of the slots that it has of one thing which is limited for all processes together. */
export interface SlotNote {
  /** What they are slots of. */
  readonly name: string;
  /** How many there are for all, by its plan; null once it has no plan with them, and only finishes. */
  readonly most: number | null;
  /** How many it gives back with this. */
  readonly returned: number;
  /** How many it has a use for. */
  readonly wanted: number;
  /** Number of the question whether it gets them, which is answered in any case; null if nobody waits for that. */
  readonly question: number | null;
  /** The last recall that it has obeyed with this, or null. */
  readonly obeys: number | null;
}

/** What one process says. */
export interface SlotNews {
  /** Process that says it. */
  readonly from: number;
  readonly notes: readonly SlotNote[];
}

/** What a process is told of its slots. */
export type SlotWord =
  /** It has more from now on, or not; `answers` is the question that this is all it gets for, or null. */
  | {
      readonly kind: "lent";
      readonly name: string;
      readonly count: number;
      readonly answers: number | null;
    }
  /**
   * Others have a use for `short` slots: it gives back at once what it does not use of them, and as they come free all
   * that it has beyond `keep`, whatever it wants itself.
   */
  | {
      readonly kind: "recall";
      readonly name: string;
      readonly number: number;
      readonly short: number;
      readonly keep: number;
    };

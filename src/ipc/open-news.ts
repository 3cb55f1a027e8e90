/** How much is open under a name in one process: requests under the key of a limit, or to a server. */
export interface OpenNote {
  readonly name: string;
  readonly count: number;
}

/** What one process tells the others of what it has open. */
export interface OpenNews {
  /** Process that tells it. */
  readonly from: number;
  /** Whether it has nothing open but this; else this is what has changed. */
  readonly isWhole: boolean;
  readonly notes: readonly OpenNote[];
}

/** One thing looked at. A `note` does not make the machine unfit. */
export interface Finding {
  /** A VIP or an interface. */
  readonly subject: string;
  readonly verdict: "fit" | "unfit" | "note";
  readonly text: string;
}

/** Finds something as it should be. */
export function fit(subject: string, text: string): Finding {
  return { subject, verdict: "fit", text };
}

/** Finds something wrong; the text says what to do about it. */
export function unfit(subject: string, text: string): Finding {
  return { subject, verdict: "unfit", text };
}

import { unreachable } from "../base/assert.ts";

/** What a check says about a server's weight. PURE. */
export type WeightWord =
  /** A share of the configured weight. */
  | { readonly kind: "share"; readonly percent: number }
  /** In place of the configured weight. */
  | { readonly kind: "fixed"; readonly weight: number }
  /** Added to the configured weight. */
  | { readonly kind: "offset"; readonly by: number };

const mostWeight = 65_535;

/** Gives the weight of a server, 0 to 65,535; a configured weight of 0 stays 0, as the operator has drained it. */
export function weightBy(configured: number, word: WeightWord | null): number {
  if (word === null || configured === 0) return configured;
  switch (word.kind) {
    case "share": {
      const share = Math.round((configured * word.percent) / 100);
      // A small share is not none.
      return word.percent === 0 ? 0 : within(Math.max(1, share));
    }
    case "fixed":
      return within(word.weight);
    case "offset":
      return within(configured + word.by);
    default:
      return unreachable(word);
  }
}

/** Says it in words for the log and `status`, as in `75% of its weight`. */
export function weightText(word: WeightWord): string {
  switch (word.kind) {
    case "share":
      return `${word.percent}% of its weight`;
    case "fixed":
      return `weight ${word.weight}`;
    case "offset":
      return `weight ${word.by < 0 ? "−" : "+"}${Math.abs(word.by)}`;
    default:
      return unreachable(word);
  }
}

function within(weight: number): number {
  return Math.min(mostWeight, Math.max(0, weight));
}

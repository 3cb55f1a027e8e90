import type { WeightWord } from "../config/weight-word.ts";

/** What an attempt that went well came to. */
export interface Achievement {
  /** What a person gets to read, such as `status 200`. */
  readonly text: string;
  /** What it says about the weight; null is nothing. */
  readonly weight: WeightWord | null;
}

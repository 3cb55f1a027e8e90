import { errorText } from "../base/system-error.ts";
import { describeStep, type Step, undo } from "./steps.ts";

/** How a run of steps ended: all taken, or one failed. */
export type Outcome =
  | { readonly kind: "done" }
  | {
      readonly kind: "failed";
      /** Which step failed, and why. */
      readonly reason: string;
      /** The steps taken that are in force all the same. */
      readonly inForce: readonly Step[];
      /** Why those that should have been taken back could not be; empty if none was left. */
      readonly stuck: readonly string[];
    };

/** Takes the steps in order through `perform`; if one throws, takes back those before it in reverse. */
export function takeAllOrNone(steps: readonly Step[], perform: (step: Step) => void): Outcome {
  const outcome = takeWhileTheyGo(steps, perform);
  if (outcome.kind === "done") return outcome;
  const inForce: Step[] = [];
  const stuck: string[] = [];
  for (const step of outcome.inForce.toReversed()) {
    try {
      perform(undo(step));
    } catch (error) {
      inForce.unshift(step);
      stuck.push(failure(undo(step), error));
    }
  }
  return { ...outcome, inForce, stuck };
}

/** Takes the steps in order through `perform` up to the first that throws; the others before it stay. */
export function takeWhileTheyGo(steps: readonly Step[], perform: (step: Step) => void): Outcome {
  return take(steps, perform, () => false);
}

/**
 * Takes every step through `perform` that goes, whatever becomes of the others. Only where a setting cannot be made nothing
 * follows: without its ARP settings the machine would answer for the VIPs that come after.
 */
export function takeWhatGoes(steps: readonly Step[], perform: (step: Step) => void): Outcome {
  return take(steps, perform, ({ kind }) => kind !== "set-sysctl");
}

/** Takes the steps in order; `goesOn` tells whether the others are tried after one that throws. */
function take(
  steps: readonly Step[],
  perform: (step: Step) => void,
  goesOn: (failed: Step) => boolean,
): Outcome {
  const inForce: Step[] = [];
  const reasons: string[] = [];
  for (const step of steps) {
    try {
      perform(step);
      inForce.push(step);
    } catch (error) {
      reasons.push(failure(step, error));
      if (!goesOn(step)) break;
    }
  }
  if (reasons.length === 0) return { kind: "done" };
  return { kind: "failed", reason: reasons.join("; "), inForce, stuck: [] };
}

function failure(step: Step, error: unknown): string {
  return `could not ${describeStep(step)}: ${errorText(error)}`;
}

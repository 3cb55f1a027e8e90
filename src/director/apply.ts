import { unreachable } from "../base/assert.ts";
import type { Log } from "../base/log.ts";
import { hasCode, type SystemError } from "../base/system-error.ts";
import type { Ipvs } from "../kernel/ipvs.ts";
import { stepText, summaryText, type Step } from "./plan.ts";
import { stepRefusal } from "./refusal.ts";

/** The part of the kernel's interface that changes something. */
export type IpvsChanges = Pick<Ipvs, "changeAll">;

/**
 * Carries out steps in their order and gives for each what went wrong, or null; one that fails does not hold up the
 * others. What someone else did between the reading of the table and now is no error: an entry that is there already is
 * changed instead of added, one that is gone is added instead of changed, or was to go anyway.
 */
export function applySteps(ipvs: IpvsChanges, steps: readonly Step[]): readonly (SystemError | null)[] {
  const refusals = ipvs.changeAll(steps);
  return refusals.map((refusal, index) => {
    const step = steps[index];
    return refusal === null || step === undefined ? refusal : amend(ipvs, step, refusal);
  });
}

/** What became of steps. */
export interface Applied {
  /** Those that were carried out. */
  readonly done: readonly Step[];
  /** The first that was refused. */
  readonly refused: { readonly step: Step; readonly refusal: SystemError } | null;
}

/** Carries out steps as `applySteps` does, and gives what became of them. */
export function apply(ipvs: IpvsChanges, steps: readonly Step[]): Applied {
  const refusals = applySteps(ipvs, steps);
  const first = refusals.findIndex((refusal) => refusal !== null);
  const [step, refusal = null] = [steps[first], refusals[first]];
  if (step === undefined || refusal === null) return { done: steps, refused: null };
  return { done: steps.filter((_, index) => refusals[index] === null), refused: { step, refusal } };
}

/** Says what is not as it should be; null if all steps were carried out. */
export function failureOf({ refused }: Applied): string | null {
  return refused === null ? null : `${stepText(refused.step)}: ${stepRefusal(refused.step, refused.refusal)}`;
}

/** More steps than this are told in one line. */
const mostStepsTold = 200;

/** Writes into the log what was done. */
export function tellSteps(log: Log, done: readonly Step[]): void {
  if (done.length > mostStepsTold) log.info(`IPVS: ${summaryText(done)}`);
  else for (const step of done) log.info(stepText(step));
}

/** What is tried after a refusal, and what has become of the step then. */
function amend(ipvs: IpvsChanges, step: Step, refusal: SystemError): SystemError | null {
  const other = alternative(step, refusal);
  if (other === "nothing") return null;
  return other === null ? refusal : (ipvs.changeAll([other])[0] ?? null);
}

function alternative(step: Step, refusal: SystemError): Step | "nothing" | null {
  switch (step.kind) {
    case "addService":
      return hasCode(refusal, "EEXIST") ? { ...step, kind: "setService" } : null;
    case "setService":
      return hasCode(refusal, "ESRCH") ? { ...step, kind: "addService" } : null;
    case "addServer":
      return hasCode(refusal, "EEXIST") ? { ...step, kind: "setServer" } : null;
    case "setServer":
      return hasCode(refusal, "ENOENT") ? { ...step, kind: "addServer" } : null;
    case "removeService":
    case "removeServer":
      return hasCode(refusal, "ESRCH", "ENOENT") ? "nothing" : null;
    default:
      return unreachable(step);
  }
}

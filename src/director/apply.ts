import { unreachable } from "../base/assert.ts";
import { hasCode } from "../base/system-error.ts";
import type { Ipvs } from "../kernel/ipvs.ts";
import type { Step } from "./plan.ts";

/** The part of the kernel's interface that changes something. */
export type IpvsChanges = Pick<
  Ipvs,
  "addService" | "setService" | "removeService" | "addServer" | "setServer" | "removeServer"
>;

/**
 * Carries out one step. What someone else did between the reading of the table and now is no error: an entry that is
 * there already is changed instead of added, one that is gone is added instead of changed, or was to go anyway.
 * Throws `SystemError` for everything else.
 */
export function applyStep(ipvs: IpvsChanges, step: Step): void {
  switch (step.kind) {
    case "addService":
      return orElse(
        () => ipvs.addService(step.service),
        ["EEXIST"],
        () => ipvs.setService(step.service),
      );
    case "setService":
      return orElse(
        () => ipvs.setService(step.service),
        ["ESRCH"],
        () => ipvs.addService(step.service),
      );
    case "removeService":
      return orElse(() => ipvs.removeService(step.key), ["ESRCH", "ENOENT"]);
    case "addServer":
      return orElse(
        () => ipvs.addServer(step.key, step.server),
        ["EEXIST"],
        () => ipvs.setServer(step.key, step.server),
      );
    case "setServer":
      return orElse(
        () => ipvs.setServer(step.key, step.server),
        ["ENOENT"],
        () => ipvs.addServer(step.key, step.server),
      );
    case "removeServer":
      return orElse(() => ipvs.removeServer(step.key, step.server), ["ESRCH", "ENOENT"]);
    default:
      return unreachable(step);
  }
}

function orElse(action: () => void, codes: readonly string[], otherwise: () => void = () => undefined): void {
  try {
    action();
  } catch (error) {
    if (!hasCode(error, ...codes)) throw error;
    otherwise();
  }
}

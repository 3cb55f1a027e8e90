import type { IpvsServicePlan } from "../config/service-plan.ts";
import type { Applied } from "./apply.ts";
import type { Step } from "./plan.ts";

/** Steps that are carried out without a pause: some 20 ms of them, or a second on an emulated machine. */
export const sliceLength = 2_048;

/**
 * A first plan on its way into the kernel's table, slice by slice: of 40,000 steps the last is carried out half a second
 * after the first, and checks and signs of life are not to wait for that. PURE.
 */
export interface Filling<Standings> extends Applied {
  readonly left: readonly Step[];
  /** Whether something has happened meanwhile that the table does not follow yet. */
  readonly isLookDue: boolean;
  readonly services: readonly IpvsServicePlan[];
  readonly standings: Standings;
  /** The services that are this node's once it is over, as `formatKey` writes them. */
  readonly keys: ReadonlySet<string>;
}

/** Notes what became of the next slice. */
export function advanced<Standings>(
  filling: Filling<Standings>,
  { done, refused }: Applied,
): Filling<Standings> {
  return {
    ...filling,
    left: filling.left.slice(sliceLength),
    done: [...filling.done, ...done],
    refused: filling.refused ?? refused,
  };
}

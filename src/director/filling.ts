import type { IpvsServicePlan } from "../config/service-plan.ts";
import type { Applied } from "./apply.ts";
import type { Step } from "./plan.ts";

/** A first plan of more steps than this is carried out in slices. */
export const longestAtOnce = 2_048;
/** Steps that are carried out whatever time that takes: as many as go to the kernel with one call. */
export const batchLength = 128;
/** After this time a slice ends with the batch under way. */
export const sliceMs = 20;

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

/** Notes what became of the next batches. */
export function advanced<Standings>(
  filling: Filling<Standings>,
  batches: readonly Applied[],
): Filling<Standings> {
  const refusals = [filling, ...batches].flatMap(({ refused }) => refused ?? []);
  return {
    ...filling,
    left: filling.left.slice(batches.length * batchLength),
    done: [...filling.done, ...batches.flatMap(({ done }) => done)],
    refused: refusals[0] ?? null,
  };
}

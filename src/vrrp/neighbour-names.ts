import type { NeighbourPlan } from "../config/node-plan.ts";

/**
 * PURE: names the node that speaks from an address, or null. The only other node of a pair is meant if there is no address
 * to go by, or if the file does not say where that node speaks from, as it need not over IPv6.
 */
export function nodeAt(neighbours: readonly NeighbourPlan[], address: string | null): string | null {
  const [only, another] = neighbours;
  const isOnly = only !== undefined && another === undefined && (address === null || only.address === null);
  if (isOnly) return only.node;
  return address === null ? null : (neighbours.find((each) => each.address === address)?.node ?? null);
}

import { isOpenTo, type RelayCandidate } from "./scheduler.ts";

/** Draws one of the servers that take a connection, each by its weight; null if none does. `point` is from 0 to below 1. */
export function weightedDraw<T extends RelayCandidate>(
  servers: readonly T[],
  tried: readonly T[] | null,
  point: number,
): T | null {
  let total = 0;
  for (const server of servers) if (takes(server, tried)) total += server.weight;
  let left = point * total;
  let last: T | null = null;
  for (const server of servers) {
    if (!takes(server, tried)) continue;
    last = server;
    if (left < server.weight) break;
    left -= server.weight;
  }
  return last;
}

function takes<T extends RelayCandidate>(server: T, tried: readonly T[] | null): boolean {
  return !server.isFull && isOpenTo(server, tried);
}

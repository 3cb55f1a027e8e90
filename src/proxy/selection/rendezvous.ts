import { hashText } from "./hash.ts";
import { isOpenTo, type RelayCandidate } from "./scheduler.ts";

/**
 * Gives the server where a text belongs: the one that stands highest in the order which the text has of the servers,
 * each by its weight. So every process finds the same one without asking, and when a server goes, only its own texts move.
 */
export function rendezvous<T extends RelayCandidate>(
  servers: readonly T[],
  text: string,
  tried: readonly T[] | null,
): T | null {
  let best: T | null = null;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const server of servers) {
    if (server.isFull || !isOpenTo(server, tried)) continue;
    // A number that is the same for this text and server anywhere, between 0 and 1 and neither of them.
    const point = (hashText(`${text} ${server.key}`) + 0.5) / 2 ** 32;
    const score = -server.weight / Math.log(point);
    if (score <= bestScore) continue;
    best = server;
    bestScore = score;
  }
  return best;
}

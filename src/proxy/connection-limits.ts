import { sourceKey } from "./admission/limit-key.ts";
import type { ConnectionLimit } from "./connection-book.ts";
import type { Engine } from "./engine.ts";
import type { Listener } from "./listener.ts";
import { shareOf } from "./share.ts";

/** One word on refused connections in this time. */
const quietMs = 10_000;

/** A connection that can be refused. */
export interface Limited {
  terminate(): void;
}

/** Counts a connection that was accepted; false if there are too many, and it is gone. */
export function letIn(engine: Engine, listener: Listener | null, wire: Limited): boolean {
  const { mostConnections, workers } = engine.snapshot.plan;
  const ofListener = listener?.plan.mostConnections ?? null;
  if (mostConnections === null && ofListener === null) return true;
  const limits: ConnectionLimit[] = [];
  if (mostConnections !== null) limits.push({ name: "[proxy]", most: shareOf(mostConnections, workers) });
  if (listener !== null && ofListener !== null)
    limits.push({ name: `listener ${listener.plan.name}`, most: shareOf(ofListener, workers) });
  return enter(engine, wire, limits);
}

/** Counts the connection of a client whose address is known; false if it has too many, and this one is gone. */
export function letInFrom(engine: Engine, listener: Listener, wire: Limited, address: string): boolean {
  const { mostPerSource, name } = listener.plan;
  if (mostPerSource === null) return true;
  const most = shareOf(mostPerSource, engine.snapshot.plan.workers);
  return enter(engine, wire, [{ name: `listener ${name} from ${sourceKey(address)}`, most }]);
}

function enter(engine: Engine, wire: Limited, limits: readonly ConnectionLimit[]): boolean {
  const full = engine.connections.enter(wire, limits);
  if (full === null) return true;
  wire.terminate();
  const { now } = engine.sweep;
  if (now >= engine.quietUntil) {
    engine.quietUntil = now + quietMs;
    engine.log.warning(
      `connections are refused: ${full.name} has ${full.most} in this process, all it may have`,
    );
  }
  return false;
}

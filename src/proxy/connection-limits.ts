import { sourceKey } from "./admission/limit-key.ts";
import type { ConnectionLimit } from "./connection-book.ts";
import type { Engine } from "./engine.ts";
import type { Listener } from "./listener.ts";

/** One word on refused connections in this time. */
const quietMs = 10_000;

/** A connection that can be refused. */
export interface Limited {
  terminate(): void;
}

/** Counts a connection that was accepted; false if there are too many, and it is gone. */
export function letIn(engine: Engine, listener: Listener | null, wire: Limited): boolean {
  const { mostConnections: most } = engine.snapshot.plan;
  const ofListener = listener?.plan.mostConnections ?? null;
  if (most === null && ofListener === null) return true;
  const limits: ConnectionLimit[] = [];
  if (most !== null) limits.push({ name: "[proxy]", kind: "configured", most });
  if (listener !== null && ofListener !== null)
    limits.push({ name: `listener ${listener.plan.name}`, kind: "configured", most: ofListener });
  return enter(engine, wire, limits);
}

/** Counts the connection of a client whose address is known; false if it has too many, and this one is gone. */
export function letInFrom(engine: Engine, listener: Listener, wire: Limited, address: string): boolean {
  const { mostPerSource: most, name } = listener.plan;
  if (most === null) return true;
  return enter(engine, wire, [{ name: `listener ${name} from ${sourceKey(address)}`, kind: "source", most }]);
}

function enter(engine: Engine, wire: Limited, limits: readonly ConnectionLimit[]): boolean {
  const full = engine.connections.enter(wire, limits);
  if (full === null) return true;
  // It may have been counted where there was room.
  engine.connections.leave(wire);
  wire.terminate();
  const { now } = engine.sweep;
  if (now >= engine.quietUntil) {
    engine.quietUntil = now + quietMs;
    engine.log.warning(`connections are refused: ${full.name} has ${full.most}, all it may have`);
  }
  return false;
}

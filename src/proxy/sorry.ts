import type { Endpoint } from "../base/address.ts";
import type { Relay } from "./snapshot.ts";

/** Gives where connections go that no server takes; null where there is nothing, or nothing but a server that the operator took out. */
export function sorryOf({ plan: { sorry }, servers }: Relay): Endpoint | null {
  if (sorry === null) return null;
  const own = servers.find(
    ({ endpoint }) => endpoint.address === sorry.address && endpoint.port === sorry.port,
  );
  return own === undefined || own.load.drainedSince === null ? sorry : null;
}

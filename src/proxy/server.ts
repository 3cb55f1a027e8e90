import type { Endpoint } from "../base/address.ts";
import type { Candidate } from "./selection/smooth-weighted.ts";
import type { ServerConnections } from "./server-connections.ts";

/** A server, and how it stands. */
export interface Server extends Candidate {
  /** What the other processes call it. */
  readonly id: string;
  readonly endpoint: Endpoint;
  readonly probe: string | null;
  isUp: boolean;
  /** What it has now; `mostWeight` bounds what it is told. */
  weight: number;
  readonly mostWeight: number;
  /** What there is between this process and it. */
  readonly connections: ServerConnections;
}

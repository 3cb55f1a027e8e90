/** What the `director` decides about servers of relays and upstreams, and what the proxies say of those taken out. */

/** How a server stands: the proxies do as it says. */
export interface ServerStanding {
  /** As `proxiedServerId` writes it. */
  readonly server: string;
  /** Whether it may get connections at all; with weight 0 only those of clients that belong there. */
  readonly isOpen: boolean;
  /** 0–65,535: what the file, the check and a slow start make of it. */
  readonly weight: number;
  /** When the operator took it out, ISO 8601; null if nobody did. */
  readonly drainedSince: string | null;
  /** Whether the connections that it has are to end now. */
  readonly endsConnections: boolean;
}

/** How many connections there are to a server that the operator has taken out. */
export interface DrainedOpen {
  readonly server: string;
  /** The `drainedSince` that this is about: what was counted for an earlier one says nothing. */
  readonly since: string;
  readonly open: number;
}

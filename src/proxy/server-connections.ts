import type { ProxiedTraffic } from "../ipc/status.ts";
import type { ServerStanding } from "../ipc/standing.ts";

/** The connections of this process to one server, which outlive the plan they began in. */
export interface ServerConnections {
  /** When the operator took the server out, or null. */
  readonly drainedSince: string | null;
  /** Takes how the server stands: connections that are to end do so at once. */
  attend(standing: Pick<ServerStanding, "drainedSince" | "endsConnections">): void;
  /** What has passed so far. */
  traffic(): ProxiedTraffic;
}

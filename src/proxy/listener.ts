import type { ListenerPlan } from "../config/http-plan.ts";
import type { Alternative } from "./alternative.ts";
import type { HostTable } from "./routes.ts";
import type { Site } from "./snapshot.ts";

/** What a client's connection has to know of where it came in; it changes when a new plan comes into force. */
export interface Listener {
  plan: ListenerPlan;
  hosts: HostTable<Site>;
  /** What each response tells of HTTP/3; null is nothing. */
  alternative: Alternative | null;
}

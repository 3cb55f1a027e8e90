import type { LookupPlan } from "../../src/config/lookup-plan.ts";

/** A lookup of the addresses of `app.example` for the upstream `apps`, at the host's name servers. */
export const plannedLookup: LookupPlan = {
  id: "apps app.example",
  upstream: "apps",
  name: "app.example",
  kind: "address",
  families: [4, 6],
  resolvers: [],
  timeoutMs: 2_000,
  tries: 2,
  minTtlMs: 1_000,
  maxTtlMs: 3_600_000,
  keepMs: null,
  mostServers: 64,
};

import type { Check, HttpCheck, ProbePlan, ProbeTiming } from "../../src/config/check-plan.ts";

/** A timing as the configuration's defaults make it, of the server at 192.0.2.1:80. */
export const usualTiming: ProbeTiming = {
  id: "tcp 192.0.2.1:80",
  target: { address: "192.0.2.1", port: 80 },
  vip: null,
  intervalMs: 2_000,
  fastIntervalMs: null,
  jitterMs: null,
  timeoutMs: 1_000,
  retries: 1,
  retryDelayMs: 1_000,
  rise: 1,
  fall: 1,
  source: null,
  mark: null,
  proxyProtocol: null,
};

/** An HTTP check as the configuration's defaults make it. */
export const usualHttp: HttpCheck = {
  kind: "http",
  tls: null,
  method: "GET",
  path: "/",
  host: null,
  version: "1.1",
  headers: [],
  status: [{ from: 200, to: 299 }],
  body: null,
};

/** A probe of that kind, named `id`. */
export function plannedProbe(id: string, check: Check, timing: Partial<ProbeTiming> = {}): ProbePlan {
  return { ...usualTiming, id, ...timing, ...check };
}

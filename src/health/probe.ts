import { unreachable } from "../base/assert.ts";
import type { ProbePlan } from "../config/check-plan.ts";
import { probeHttp } from "./probe-http.ts";
import { probeTcp } from "./probe-tcp.ts";

/** Makes one attempt of whatever kind the probe is: resolves with what was achieved, rejects with why not. */
export function attemptProbe(probe: ProbePlan, signal: AbortSignal): Promise<string> {
  switch (probe.kind) {
    case "tcp":
      return probeTcp(probe, signal);
    case "http":
      return probeHttp(probe, signal);
    default:
      return unreachable(probe);
  }
}

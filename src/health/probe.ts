import { unreachable } from "../base/assert.ts";
import type { ProbePlan } from "../config/check-plan.ts";
import type { Achievement } from "./achievement.ts";
import { probeAgent } from "./probe-agent.ts";
import { probeDns } from "./probe-dns.ts";
import { probeFile } from "./probe-file.ts";
import { probeGrpc } from "./probe-grpc.ts";
import { probeHttp } from "./probe-http.ts";
import { probePing } from "./probe-ping.ts";
import { probeScript } from "./probe-script.ts";
import { probeSmtp } from "./probe-smtp.ts";
import { probeTcp } from "./probe-tcp.ts";
import { probeUdp } from "./probe-udp.ts";
import type { Deadline } from "./deadline.ts";

/** Makes one attempt of whatever kind the probe is: resolves with what was achieved, rejects with why not. */
export async function attemptProbe(probe: ProbePlan, deadline: Deadline): Promise<Achievement> {
  if (probe.kind === "script") return probeScript(probe, deadline);
  if (probe.kind === "file") return probeFile(probe);
  if (probe.kind === "agent") return probeAgent(probe, deadline);
  return { text: await textOf(probe, deadline), weight: null };
}

/** The kinds that say nothing about the weight. */
type PlainProbe = Exclude<ProbePlan, { readonly kind: "script" | "file" | "agent" }>;

function textOf(probe: PlainProbe, deadline: Deadline): Promise<string> {
  switch (probe.kind) {
    case "tcp":
      return probeTcp(probe, deadline);
    case "http":
      return probeHttp(probe, deadline);
    case "udp":
      return probeUdp(probe, deadline);
    case "dns":
      return probeDns(probe, deadline);
    case "smtp":
      return probeSmtp(probe, deadline);
    case "ping":
      return probePing(probe, deadline);
    case "grpc":
      return probeGrpc(probe, deadline);
    default:
      return unreachable(probe);
  }
}

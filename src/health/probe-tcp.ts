import type { TcpProbePlan } from "../config/node-plan.ts";
import { connect } from "./connect.ts";

/** Connects and leaves at once; the result is what was achieved, a failure is thrown. */
export async function probeTcp(probe: TcpProbePlan, signal: AbortSignal): Promise<string> {
  const socket = await connect(probe.target, signal);
  socket.end();
  // A server that floods or never closes does not keep the socket: what is left of it is reset.
  socket.destroy();
  return "connected";
}

import type { ProbePlan } from "../config/check-plan.ts";
import { dial } from "./dial.ts";
import type { Deadline } from "./deadline.ts";

/**
 * Connects and leaves at once; the result is what was achieved, a failure is thrown. The server's kernel has answered by
 * then; its program does not get to see a connection that says nothing. One that begins with a PROXY header ends in order.
 */
export async function probeTcp(probe: ProbePlan, deadline: Deadline): Promise<string> {
  const socket = await dial(probe, deadline);
  if (probe.proxyProtocol === null) socket.reset();
  else socket.close();
  return "connected";
}

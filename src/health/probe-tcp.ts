import type { ProbePlan } from "../config/check-plan.ts";
import { dial } from "./dial.ts";

/** Connects and leaves at once; the result is what was achieved, a failure is thrown. */
export async function probeTcp(probe: ProbePlan, signal: AbortSignal): Promise<string> {
  const socket = await dial(probe, signal);
  socket.close();
  return "connected";
}

import type { Endpoint } from "../base/address.ts";
import type { ProbePlan } from "../config/check-plan.ts";
import { sharedPollSet } from "../kernel/poll-set.ts";
import { StreamSocket } from "../kernel/stream-socket.ts";

/** What a connection needs to know of its probe. */
export type Dialled = Pick<ProbePlan, "source" | "mark"> & { readonly target: Endpoint };

/**
 * Connects to a probe's target. When `signal` aborts, before or after the connection is there, the socket is reset at
 * once, so that nothing of a failed attempt lives on in the kernel. Throws `SystemError`.
 */
export async function dial(probe: Dialled, signal: AbortSignal): Promise<StreamSocket> {
  const socket = new StreamSocket(sharedPollSet(), probe.target, probe);
  signal.addEventListener("abort", () => socket.reset(), { once: true });
  try {
    await socket.connected();
    return socket;
  } catch (error) {
    socket.reset();
    throw error;
  }
}

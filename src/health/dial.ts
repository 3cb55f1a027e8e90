import type { Endpoint } from "../base/address.ts";
import type { ProbePlan } from "../config/check-plan.ts";
import { sharedPollSet } from "../kernel/poll-set.ts";
import { StreamSocket } from "../kernel/stream-socket.ts";
import type { Deadline } from "./deadline.ts";

/** What a connection needs to know of its probe. */
export type Dialled = Pick<ProbePlan, "source" | "mark"> & { readonly target: Endpoint };

/**
 * Connects to a probe's target. When `deadline` aborts, before or after the connection is there, the socket is reset at
 * once, so that nothing of a failed attempt lives on in the kernel. Where the server speaks first, that has to be said.
 * Throws `SystemError`.
 */
export async function dial(
  probe: Dialled,
  deadline: Deadline,
  { speaksFirst = true }: { readonly speaksFirst?: boolean } = {},
): Promise<StreamSocket> {
  const { target, source, mark } = probe;
  const socket = new StreamSocket(sharedPollSet(), target, { source, mark, speaksFirst });
  deadline.onOver(() => socket.reset());
  try {
    await socket.connected();
    return socket;
  } catch (error) {
    socket.reset();
    throw error;
  }
}

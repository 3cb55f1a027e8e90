import type { Endpoint } from "../base/address.ts";
import { ownProxyHeader } from "../base/proxy-protocol.ts";
import type { ProbePlan } from "../config/check-plan.ts";
import { sharedPollSet } from "../kernel/poll-set.ts";
import { StreamSocket } from "../kernel/stream-socket.ts";
import type { Deadline } from "./deadline.ts";

/** What a connection needs to know of its probe. */
export type Dialled = Pick<ProbePlan, "source" | "mark" | "vip" | "proxyProtocol"> & {
  readonly target: Endpoint;
};

/** Gives where the server finds that it is asked: at its own address, or at the VIP. */
export function askedAt({ target, vip }: Pick<Dialled, "target" | "vip">): Endpoint {
  return vip === null ? target : { address: vip, port: target.port };
}

/**
 * Connects to a probe's target, with the PROXY header that it wants first. When `deadline` aborts, before or after the connection is there, the socket is reset at
 * once, so that nothing of a failed attempt lives on in the kernel. Where the server speaks first, that has to be said.
 * Throws `SystemError`.
 */
export async function dial(
  probe: Dialled,
  deadline: Deadline,
  { speaksFirst = true }: { readonly speaksFirst?: boolean } = {},
): Promise<StreamSocket> {
  const { target, source, mark, vip, proxyProtocol } = probe;
  const socket = new StreamSocket(sharedPollSet(), target, {
    source,
    mark,
    // On the wire the server tells its connections apart by our port alone.
    hasOwnPort: vip !== null,
    speaksFirst: speaksFirst || proxyProtocol !== null,
  });
  deadline.onOver(() => socket.reset());
  try {
    await socket.connected();
    if (proxyProtocol !== null) socket.write(ownProxyHeader(proxyProtocol));
    return socket;
  } catch (error) {
    socket.reset();
    throw error;
  }
}

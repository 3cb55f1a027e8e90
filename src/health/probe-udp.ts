import { fromHex } from "../base/bytes.ts";
import type { ProbeTiming, UdpCheck } from "../config/check-plan.ts";
import type { DatagramSocket } from "../kernel/datagram-socket.ts";
import { SOCK_DGRAM } from "../kernel/socket-constants.ts";
import { dialDatagram } from "./dial-datagram.ts";
import { portUnreachable } from "./port-unreachable.ts";
import type { Deadline } from "./deadline.ts";

/** For this share of the timeout a server that need not reply may object. */
const silenceShare = 0.8;

/**
 * Sends one datagram. The reply has to begin as expected; where none is expected, any will do, and so does silence: only
 * the news that nobody listens on the port speaks against the server then. A failure is thrown.
 */
export async function probeUdp(probe: ProbeTiming & UdpCheck, deadline: Deadline): Promise<string> {
  const socket = dialDatagram(probe, { type: SOCK_DGRAM, protocol: 0 }, deadline);
  try {
    socket.send(fromHex(probe.payload));
    if (probe.expect === null) return await objection(socket, probe.timeoutMs * silenceShare);
    const reply = await socket.receive();
    if (!beginsAs(reply, probe.expect)) throw new Error(`reply ${excerpt(reply)}, want ${probe.expect}`);
    return `reply of ${reply.length} bytes`;
  } catch (error) {
    throw portUnreachable(error);
  } finally {
    socket.close();
  }
}

/** Tells whether bytes begin with these hexadecimal digits, where `x` stands for any. */
export function beginsAs(bytes: Uint8Array, digits: string): boolean {
  const found = bytes.toHex();
  return (
    found.length >= digits.length &&
    Array.from(digits).every((digit, at) => digit === "x" || digit === found[at])
  );
}

async function objection(socket: DatagramSocket, waitMs: number): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("no objection"), waitMs);
  });
  const reply = socket.receive().then((bytes) => `reply of ${bytes.length} bytes`);
  // Closing the socket rejects it after the silence has won.
  reply.catch(() => undefined);
  try {
    return await Promise.race([silence, reply]);
  } finally {
    clearTimeout(timer);
  }
}

function excerpt(bytes: Uint8Array): string {
  return bytes.length > 16 ? `${bytes.subarray(0, 16).toHex()}…` : bytes.toHex();
}

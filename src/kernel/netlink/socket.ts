import { SystemError, hasCode } from "../../base/system-error.ts";
import * as native from "../../native/index.ts";
import { growReceiveQueue, growSendQueue } from "../socket-queues.ts";
import { intOption, netlinkAddress, netlinkPortId, timevalOption } from "../socket-address.ts";
import {
  AF_NETLINK,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_NETLINK,
  SOL_SOCKET,
  SO_RCVTIMEO,
  SO_SNDTIMEO,
} from "../socket-constants.ts";
import type { NetlinkPort } from "./connection.ts";

// The kernel answers at once or not at all: a second is for a machine that is being suspended or swaps.
const answerTimeoutMs = 1000;
// The kernel fills datagrams of a dump up to 32 KiB; only one single reply could be longer.
const datagramLength = 128 * 1024;
const dumpBufferLength = 1024 * 1024;
const eventBufferLength = 4 * 1024 * 1024;

/** Opens a socket for requests to one netlink protocol; waits at most a second for each datagram. */
export function openRequestSocket(protocol: number): NetlinkPort {
  const fd = native.open(AF_NETLINK, SOCK_RAW, protocol);
  const into = new Uint8Array(datagramLength);
  try {
    native.setOption(fd, SOL_SOCKET, SO_RCVTIMEO, timevalOption(answerTimeoutMs));
    native.setOption(fd, SOL_SOCKET, SO_SNDTIMEO, timevalOption(answerTimeoutMs));
    growReceiveQueue(fd, dumpBufferLength);
    // Old kernels (before 4.12, and 4.20 for strict checking) lack these; all that is lost is words and speed.
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK]) tryOption(fd, option);
    native.bind(fd, netlinkAddress(0));
  } catch (error) {
    native.close(fd);
    throw error;
  }
  return {
    send: (request) => sendWhole(fd, request),
    receive: () => receiveFromKernel(fd, into),
    close: () => native.close(fd),
  };
}

/** A packet filter's transaction is one request, however many ports it is about: some 24 bytes for each. */
function sendWhole(fd: number, request: Uint8Array): void {
  try {
    native.send(fd, request, netlinkAddress(0), 0);
  } catch (error) {
    if (!hasCode(error, "EMSGSIZE")) throw error;
    growSendQueue(fd, request.length);
    native.send(fd, request, netlinkAddress(0), 0);
  }
}

/**
 * Opens a non-blocking socket for one dump that is read a little at a time: the kernel makes the next part of its answer
 * as the last one is read. Gives its descriptor.
 */
export function openDumpSocket(protocol: number): number {
  const fd = native.open(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, protocol);
  try {
    for (const option of [NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK]) tryOption(fd, option);
    native.bind(fd, netlinkAddress(0));
  } catch (error) {
    native.close(fd);
    throw error;
  }
  return fd;
}

/** Opens a non-blocking socket that hears the kernel's notifications; gives its descriptor. */
export function openEventSocket(protocol: number, groups: number): number {
  const fd = native.open(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, protocol);
  try {
    growReceiveQueue(fd, eventBufferLength);
    native.bind(fd, netlinkAddress(groups));
  } catch (error) {
    native.close(fd);
    throw error;
  }
  return fd;
}

/** Receives one datagram of the kernel's, passing over what other processes sent; null if there is none. */
export function receiveFromKernel(fd: number, into: Uint8Array): Uint8Array | null {
  for (;;) {
    const received = native.receive(fd, into);
    if (received === null) return null;
    if (netlinkPortId(received.source) !== 0) continue;
    if (received.isTruncated) throw new SystemError("recvmsg", "EMSGSIZE", "netlink");
    return into.slice(0, received.length);
  }
}

function tryOption(fd: number, option: number): void {
  try {
    native.setOption(fd, SOL_NETLINK, option, intOption(1));
  } catch (error) {
    if (!hasCode(error, "ENOPROTOOPT")) throw error;
  }
}

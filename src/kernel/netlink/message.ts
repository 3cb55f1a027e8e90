import { parseAttributes, readText } from "./attribute.ts";

/** PURE: netlink messages (RFC 3549 §2.3, netlink(7)): header, lists of messages, acknowledgements. */

export const messageType = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

export const messageFlag = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  dumpInterrupted: 0x10,
  capped: 0x100,
  extendedAck: 0x200,
  // With a request that reads:
  dump: 0x300,
  // With a request that makes something:
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
} as const;

/** One message. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Port id of the socket the message belongs to; 0 in a request. */
  readonly port: number;
  readonly payload: Uint8Array;
}

/** What an acknowledgement says; errno 0 is success. */
export interface Acknowledgement {
  readonly errno: number;
  /** The kernel's own words (extended acknowledgement), or empty. */
  readonly text: string;
}

const headerLength = 16;
const attributeMessage = 1;

/** Writes one message. */
export function encodeMessage(message: NetlinkMessage): Uint8Array {
  const bytes = new Uint8Array(headerLength + message.payload.length);
  writeMessage(bytes, 0, message);
  return bytes;
}

/** Writes several messages for one datagram, each of which begins at a multiple of four bytes. */
export function encodeMessages(messages: readonly NetlinkMessage[]): Uint8Array {
  const bytes = new Uint8Array(messages.reduce((length, message) => length + paddedLength(message), 0));
  let offset = 0;
  for (const message of messages) {
    writeMessage(bytes, offset, message);
    offset += paddedLength(message);
  }
  return bytes;
}

function paddedLength({ payload }: NetlinkMessage): number {
  return (headerLength + payload.length + 3) & ~3;
}

function writeMessage(
  bytes: Uint8Array,
  offset: number,
  { type, flags, sequence, port, payload }: NetlinkMessage,
): void {
  writeU32(bytes, offset, headerLength + payload.length);
  writeU32(bytes, offset + 4, type | (flags << 16));
  writeU32(bytes, offset + 8, sequence);
  writeU32(bytes, offset + 12, port);
  bytes.set(payload, offset + headerLength);
}

function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value & 0xff;
  bytes[offset + 1] = (value >>> 8) & 0xff;
  bytes[offset + 2] = (value >>> 16) & 0xff;
  bytes[offset + 3] = value >>> 24;
}

/** Reads all whole messages of a datagram; stops at the first whose length does not fit. */
export function parseMessages(datagram: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  let offset = 0;
  while (offset + headerLength <= datagram.length) {
    const length = view.getUint32(offset, true);
    if (length < headerLength || offset + length > datagram.length) break;
    messages.push({
      type: view.getUint16(offset + 4, true),
      flags: view.getUint16(offset + 6, true),
      sequence: view.getUint32(offset + 8, true),
      port: view.getUint32(offset + 12, true),
      payload: datagram.subarray(offset + headerLength, offset + length),
    });
    offset += (length + 3) & ~3;
  }
  return messages;
}

/** Reads the payload of an NLMSG_ERROR or NLMSG_DONE message; a missing errno (an empty NLMSG_DONE) is success. */
export function parseAcknowledgement(message: NetlinkMessage): Acknowledgement {
  const { payload } = message;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const errno = payload.length < 4 ? 0 : 0 - view.getInt32(0, true);
  if ((message.flags & messageFlag.extendedAck) === 0) return { errno, text: "" };
  // NLMSG_DONE carries the errno alone; NLMSG_ERROR carries the request's header too, and all of the request
  // unless NLM_F_CAPPED says that it was cut off. The attributes follow.
  let start = 4;
  if (message.type === messageType.error) {
    const isCapped = (message.flags & messageFlag.capped) !== 0;
    const requestLength = payload.length < 8 ? headerLength : view.getUint32(4, true);
    start += isCapped ? headerLength : (requestLength + 3) & ~3;
  }
  const attributes = parseAttributes(payload.subarray(Math.min(Math.max(start, 4), payload.length)));
  return { errno, text: readText(attributes, attributeMessage) ?? "" };
}

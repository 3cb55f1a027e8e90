/** Frame types (RFC 9113 §6). */
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags; END_STREAM and ACK are one bit, by the type of the frame. */
export const flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** Error codes (RFC 9113 §7). */
export const errorCode = {
  none: 0x0,
  protocol: 0x1,
  internal: 0x2,
  flowControl: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSize: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compression: 0x9,
  enhanceYourCalm: 0xb,
  http11Required: 0xd,
} as const;

/** Settings (RFC 9113 §6.5.2, RFC 8441 §3). */
export const setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
  enableConnectProtocol: 8,
} as const;

/** Bytes of a frame's head. */
export const frameHeadBytes = 9;

/** The largest payload that a peer must take, and the largest we let come (RFC 9113 §4.2). */
export const maxPayloadBytes = 16_384;

/** What a client sends first (RFC 9113 §3.4). */
export const clientPreface: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** The head of a frame. */
export interface FrameHead {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
}

/** Reads a frame's head, which is there as a whole. */
export function readFrameHead(bytes: Buffer, at: number): FrameHead {
  return {
    length: bytes.readUIntBE(at, 3),
    type: bytes[at + 3] ?? 0,
    flags: bytes[at + 4] ?? 0,
    stream: bytes.readUInt32BE(at + 5) & 0x7fff_ffff,
  };
}

/** Writes a frame's head and gives the offset behind it. */
export function writeFrameHead(out: Buffer, at: number, { flags, length, stream, type }: FrameHead): number {
  out[at] = length >> 16;
  out[at + 1] = (length >> 8) & 0xff;
  out[at + 2] = length & 0xff;
  out[at + 3] = type;
  out[at + 4] = flags;
  out.writeUInt32BE(stream, at + 5);
  return at + frameHeadBytes;
}

/** Makes a SETTINGS frame. */
export function settingsFrame(values: readonly (readonly [id: number, value: number])[]): Buffer {
  const frame = Buffer.alloc(frameHeadBytes + 6 * values.length);
  let at = writeFrameHead(frame, 0, {
    length: 6 * values.length,
    type: frameType.settings,
    flags: 0,
    stream: 0,
  });
  for (const [id, value] of values) {
    frame.writeUInt16BE(id, at);
    frame.writeUInt32BE(value, at + 2);
    at += 6;
  }
  return frame;
}

/** The acknowledgement of the peer's settings. */
export const settingsAck: Buffer = Buffer.from([0, 0, 0, frameType.settings, flag.ack, 0, 0, 0, 0]);

/** Makes a frame whose payload is one number of 32 bits: WINDOW_UPDATE or RST_STREAM. */
export function numberFrame(type: number, stream: number, value: number): Buffer {
  const frame = Buffer.alloc(frameHeadBytes + 4);
  writeFrameHead(frame, 0, { length: 4, type, flags: 0, stream });
  frame.writeUInt32BE(value, frameHeadBytes);
  return frame;
}

/** Makes a GOAWAY frame: streams above `lastStream` were not looked at (RFC 9113 §6.8). */
export function goAwayFrame(lastStream: number, code: number): Buffer {
  const frame = Buffer.alloc(frameHeadBytes + 8);
  writeFrameHead(frame, 0, { length: 8, type: frameType.goAway, flags: 0, stream: 0 });
  frame.writeUInt32BE(lastStream, frameHeadBytes);
  frame.writeUInt32BE(code, frameHeadBytes + 4);
  return frame;
}

/** Makes the answer to a PING with these eight octets. */
export function pingAck(opaque: Buffer): Buffer {
  const frame = Buffer.alloc(frameHeadBytes + 8);
  writeFrameHead(frame, 0, { length: 8, type: frameType.ping, flags: flag.ack, stream: 0 });
  opaque.copy(frame, frameHeadBytes, 0, 8);
  return frame;
}

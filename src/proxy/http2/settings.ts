import type { HeadLimits } from "../http1/head-end.ts";
import type { ListLimits } from "./hpack-decoder.ts";
import { errorCode, setting, settingsFrame } from "./frames.ts";

/** Requests of one connection that are served at once. */
export const maxStreams = 128;
/** Bytes that a client may send on a stream ahead of what a server takes. */
export const streamWindow: number = 256 * 1024;
/** The same for all streams of a connection. */
export const connectionWindow: number = 1024 * 1024;
/** Windows before anything is said of them (RFC 9113 §6.9.2). */
export const initialWindow = 65_535;
/** Limits of a response head, taken apart. */
export const responseLimits: ListLimits = { fields: 256, bytes: 64 * 1024 };
/** Size of the tables of header compression. */
export const tableBytes = 4096;

/** Cookies come one a field (RFC 9113 §8.2.3), and what is a line in HTTP/1 as pseudo-fields; they become one each. */
const furtherFields = 132;
/** RFC 9113 §6.5.2: what a field counts beside its name and value. */
const fieldOverhead = 32;

/** Gives the limits of a request head that is still packed: what is within `limits` as HTTP/1 has it passes them. */
export function listLimits({ fields, headBytes }: HeadLimits): ListLimits {
  const most = fields + furtherFields;
  return { fields: most, bytes: headBytes + most * fieldOverhead };
}

/** Gives what we send a client first. */
export function preamble({ bytes }: ListLimits): Buffer {
  return settingsFrame([
    [setting.maxConcurrentStreams, maxStreams],
    [setting.initialWindowSize, streamWindow],
    [setting.maxHeaderListSize, bytes],
    [setting.enableConnectProtocol, 1],
  ]);
}

/** Streams that a server is given before it says how many it takes (RFC 9113 §6.5.2). */
const usualStreams = 100;

/** What the peer has told of itself (RFC 9113 §6.5.2). */
export interface PeerSettings {
  headerTableSize: number;
  initialWindowSize: number;
  maxConcurrentStreams: number;
  /** Whether WebSockets may be asked for (RFC 8441 §3). */
  takesWebSockets: boolean;
}

/** What holds until the peer has told. */
export function newPeerSettings(): PeerSettings {
  return {
    headerTableSize: tableBytes,
    initialWindowSize: initialWindow,
    maxConcurrentStreams: usualStreams,
    takesWebSockets: false,
  };
}

/** The largest window there is (RFC 9113 §6.9.1). */
export const largestWindow = 0x7fff_ffff;

/** Reads the payload of a SETTINGS frame into `peer`; gives the error code of what must not be (RFC 9113 §6.5.2), or null. Those that are not known are ignored. */
export function readSettings(bytes: Buffer, start: number, end: number, peer: PeerSettings): number | null {
  for (let at = start; at + 6 <= end; at += 6) {
    const value = bytes.readUInt32BE(at + 2);
    switch (bytes.readUInt16BE(at)) {
      case setting.headerTableSize:
        peer.headerTableSize = value;
        break;
      case setting.enablePush:
        if (value > 1) return errorCode.protocol;
        break;
      case setting.maxConcurrentStreams:
        peer.maxConcurrentStreams = value;
        break;
      case setting.initialWindowSize:
        if (value > largestWindow) return errorCode.flowControl;
        peer.initialWindowSize = value;
        break;
      case setting.enableConnectProtocol:
        if (value > 1) return errorCode.protocol; // RFC 8441 §3
        peer.takesWebSockets = value === 1;
        break;
      case setting.maxFrameSize:
        if (value < 16_384 || value > 16_777_215) return errorCode.protocol;
        break;
    }
  }
  return null;
}

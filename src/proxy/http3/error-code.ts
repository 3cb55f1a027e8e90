import { errorCode } from "../http2/frames.ts";

/** RFC 9114 §8.1. */
export const http3Code = {
  none: 0x100n,
  internal: 0x102n,
  excessiveLoad: 0x107n,
  requestRejected: 0x10bn,
  requestCancelled: 0x10cn,
  message: 0x10en,
} as const;

const byHttp2: ReadonlyMap<number, bigint> = new Map([
  [errorCode.none, http3Code.none],
  [errorCode.protocol, http3Code.message],
  [errorCode.internal, http3Code.internal],
  [errorCode.refusedStream, http3Code.requestRejected],
  [errorCode.cancel, http3Code.requestCancelled],
]);

/** Gives what HTTP/3 says for an error of a stream of HTTP/2. */
export function http3CodeOf(code: number): bigint {
  return byHttp2.get(code) ?? http3Code.internal;
}

import { fieldNumber, otherField } from "./field-names.ts";
import type { FieldTable } from "./field-table.ts";
import type { HeadScan } from "./head-end.ts";
import { connectionOptions, contentLengthAt, joinOptions, withoutConnection } from "./lists.ts";
import { isTextAt, SP } from "./octets.ts";
import { chunkedBody, untilCloseBody } from "./request-head.ts";

/** What the engine has to know of a response; the rest stays in the field table until the next head is read. */
export interface ResponseHead {
  readonly status: number;
  /** Whether it said HTTP/1.1, as we do. */
  readonly isHttp11: boolean;
  /** Offset in the text behind the status line. */
  readonly statusLineEnd: number;
  /** Bytes of the body, `chunkedBody` or `untilCloseBody`; 0 where the status or the method forbids one. */
  readonly bodyLength: number;
  /** What Content-Length said, or -1: with HEAD and 304 it speaks of a body that is not sent. */
  readonly declaredLength: number;
  /** Whether the server will read another request on this connection. */
  readonly keepsAlive: boolean;
  readonly upgrades: boolean;
  /** Names of the fields Connection lists. */
  readonly listed: readonly string[];
}

/** Reads the response head to `method` that `scan` found in `bytes`; a text says what is wrong with one that gets 502. */
export function readResponseHead(
  bytes: Buffer,
  scan: HeadScan,
  fields: FieldTable,
  method: string,
): ResponseHead | string {
  if (scan.lineCount === 0) return "status line";
  const { start } = scan;
  const statusLineEnd = (scan.lineEnds[0] ?? 0) - start;
  const minor = (bytes[start + 7] ?? 0) - 0x30;
  if (!isTextAt(bytes, start, "HTTP/1.") || bytes[start + 8] !== SP || !(minor >= 0 && minor <= 9))
    return "status line";
  const status = contentLengthAt(bytes, start + 9, start + 12) ?? 0;
  const isStatusEnd = statusLineEnd === 14 || bytes[start + 12] === SP;
  if (status < 100 || status > 999 || !isStatusEnd) return "status line";
  const fault = fields.read(bytes, scan, true);
  if (fault !== null) return fault;
  let options = withoutConnection;
  let declaredLength = -1;
  let isChunked = false;
  for (let index = 0; index < fields.count; index++) {
    switch (fields.number[index] ?? otherField) {
      case fieldNumber.connection: {
        const next = connectionOptions(fields, index);
        options = options === withoutConnection ? next : joinOptions(options, next);
        break;
      }
      case fieldNumber["content-length"]: {
        const length = fields.contentLength(index);
        if (length === null || (declaredLength >= 0 && length !== declaredLength)) return "Content-Length";
        declaredLength = length;
        break;
      }
      case fieldNumber["transfer-encoding"]:
        // We never said TE, so anything but one `chunked` is a fault (RFC 9112 §7.4).
        if (isChunked || fields.value(index).toLowerCase() !== "chunked") return "Transfer-Encoding";
        isChunked = true;
        break;
    }
  }
  if (isChunked && declaredLength >= 0) return "Content-Length with Transfer-Encoding"; // RFC 9112 §6.3
  if (isChunked && minor === 0) return "Transfer-Encoding in HTTP/1.0"; // RFC 9112 §6.1
  const hasBody = method !== "HEAD" && status >= 200 && status !== 204 && status !== 304; // RFC 9112 §6.3
  return {
    status,
    isHttp11: minor === 1,
    statusLineEnd,
    bodyLength: hasBody ? responseBodyLength(isChunked, declaredLength) : 0,
    declaredLength,
    keepsAlive: minor > 0 && !options.closes && (!hasBody || isChunked || declaredLength >= 0),
    upgrades: options.upgrades,
    listed: options.listed,
  };
}

function responseBodyLength(isChunked: boolean, declaredLength: number): number {
  if (isChunked) return chunkedBody;
  return declaredLength >= 0 ? declaredLength : untilCloseBody;
}

import { isUnchanged, httpDate, type Conditions } from "../content/conditions.ts";
import { craftResponse, type CraftedResponse } from "../content/crafted-response.ts";
import { writtenLines, type FieldLine } from "../http1/field-lines.ts";
import type { RequestView } from "../request-view.ts";
import type { BodyPiece } from "../body-piece.ts";
import type { BodyFile } from "./body-file.ts";
import type { StoredResponse } from "./stored-response.ts";

/** What a request says of the part, or the version, that it wants. */
export interface Wanted extends Conditions {
  readonly range: string | null;
  readonly ifRange: string | null;
  readonly isHead: boolean;
}

/** A body in a file, or a part of it. */
export interface FilePart {
  readonly body: BodyFile;
  readonly start: number;
  readonly end: number;
}

/** A response made of a stored one. */
export interface FromStore extends CraftedResponse {
  /** The body, if that is in memory. */
  readonly piece: BodyPiece;
  /** What is to be read for it; null if nothing is. */
  readonly part: FilePart | null;
}

const noPiece: BodyPiece = { bytes: Buffer.alloc(0), start: 0, end: 0 };
const withoutWishes: Wanted = {
  noneMatch: null,
  modifiedSince: null,
  range: null,
  ifRange: null,
  isHead: false,
};
const onlyHead: Wanted = { ...withoutWishes, isHead: true };

/** Reads what a request wants. */
export function wantedBy(view: RequestView): Wanted {
  const isHead = view.head.method === "HEAD";
  const noneMatch = view.value("if-none-match");
  const modifiedSince = view.value("if-modified-since");
  const range = view.value("range");
  if (noneMatch === null && modifiedSince === null && range === null)
    return isHead ? onlyHead : withoutWishes;
  return { noneMatch, modifiedSince, range, ifRange: view.value("if-range"), isHead };
}

/** Answers a request from a stored response (RFC 9111 §4.3.2; RFC 9110 §13.2.2 for the order). */
export function fromStore(stored: StoredResponse, wanted: Wanted): FromStore {
  if (wanted === withoutWishes) return whole(stored);
  if (stored.head.status === 200) {
    if (isUnchanged(wanted, stored)) return unchanged(stored.lines);
    const part = wanted.isHead ? null : partOf(stored, wanted);
    if (part !== null) return part;
  }
  return wanted.isHead ? { ...whole(stored), piece: noPiece, part: null } : whole(stored);
}

function whole({ body, fields, head }: StoredResponse): FromStore {
  const end = body.length;
  if (!Buffer.isBuffer(body)) return { head, fields, piece: noPiece, part: { body, start: 0, end } };
  return { head, fields, piece: { bytes: body, start: 0, end, isLasting: true }, part: null };
}

/** RFC 9110 §15.4.5: what a client needs to go on with what it has. */
const told = /^(?:cache-control|content-location|date|etag|expires|last-modified|vary)$/i;

/** Makes the 304 of a response with these field lines. */
export function unchanged(lines: readonly FieldLine[]): FromStore {
  const kept = writtenLines(lines.filter(([name]) => told.test(name)));
  return { ...craftResponse("HTTP/1.1 304 Not Modified", kept), piece: noPiece, part: null };
}

/** Gives the part that was asked for; null if it is not just one, or not of this version: then it is the whole. */
function partOf(stored: StoredResponse, { ifRange, range }: Wanted): FromStore | null {
  const found = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range ?? "");
  if (found === null || (ifRange !== null && !isSameVersion(stored, ifRange))) return null;
  const [, first = "", last = ""] = found;
  if (first === "" && last === "") return null;
  const size = stored.body.length;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  if (first !== "" && last !== "" && Number(last) < Number(first)) return null; // RFC 9110 §14.1.1: invalid
  if (start >= size || start >= end) {
    const lines = `Content-Range: bytes */${size}\r\nContent-Length: 0\r\n`;
    return { ...craftResponse("HTTP/1.1 416 Range Not Satisfiable", lines), piece: noPiece, part: null };
  }
  const kept = writtenLines(stored.lines);
  const lines = `${kept}Content-Range: bytes ${start}-${end - 1}/${size}\r\nContent-Length: ${end - start}\r\n`;
  const crafted = craftResponse("HTTP/1.1 206 Partial Content", lines);
  const { body } = stored;
  if (!Buffer.isBuffer(body)) return { ...crafted, piece: noPiece, part: { body, start, end } };
  return { ...crafted, piece: { bytes: body, start, end }, part: null };
}

/** RFC 9110 §13.1.5: by the strong comparison, or by exactly the date. */
function isSameVersion({ etag, lastModifiedMs }: StoredResponse, ifRange: string): boolean {
  if (ifRange.startsWith('"')) return ifRange === etag;
  const date = httpDate(ifRange);
  return date !== null && date === lastModifiedMs;
}

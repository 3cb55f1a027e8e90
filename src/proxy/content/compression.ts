import type { Answer } from "../answer.ts";
import { letGo } from "../body-memory.ts";
import type { ResponseSink, ResponseStart } from "../exchange-client.ts";
import type { HeaderRules } from "../headers.ts";
import { chunkedBody } from "../http1/request-head.ts";
import { ResponseChange } from "../response-change.ts";
import type { ResponseFilter } from "../snapshot.ts";
import type { BodyPiece } from "../body-piece.ts";
import { heldTag, isEncodable, hasType, variesByEncoding, weakTag } from "./encodable.ts";
import { coderBytes, encodeWhole, Encoder } from "./encoder.ts";
import { limitsFor, varyLine, type Encoding, type EncodingWishes } from "./encoding.ts";
import { withNames } from "./with-names.ts";

/** Bytes that coders of bodies that come in pieces may hold in a process. What comes beyond goes as it is. */
const mostHeld = 256 * 1024 ** 2;
let held = 0;

const andTag = withNames(["etag"]);
const andLength = withNames(["content-length", "accept-ranges"]);

/** Encodes responses for clients that take it. */
export function compressor(encoding: Encoding): ResponseFilter {
  return (view, client) => new Compression(encoding, encoding.wishesOf(view), client);
}

/**
 * One response, encoded if it is one for it. What comes goes on at once, so that no slow stream is held back, and no more
 * stays here than what the coder remembers.
 */
class Compression extends ResponseChange {
  private readonly encoding: Encoding;
  private readonly wishes: EncodingWishes;
  private encoder: Encoder | null = null;
  private holds = 0;

  constructor(encoding: Encoding, wishes: EncodingWishes, client: ResponseSink) {
    super(client);
    this.encoding = encoding;
    this.wishes = wishes;
  }

  override inPortions(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    const { coding, isHead } = this.wishes;
    if (coding === null || isHead || !this.isTaken(start) || !this.isFor(start, piece, isLast)) return false;
    const { bodies, plan } = this.encoding;
    return !isWhole(piece) || !bodies.knows(piece.bytes, coding, plan.levels[coding]);
  }

  override sendResponse(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    const { client, wishes } = this;
    if (start.head.status === 304) return client.sendResponse(this.unchanged(start), piece, isLast);
    if (!this.isFor(start, piece, isLast)) return client.sendResponse(start, piece, isLast);
    const varied = { ...start, rules: withVary(start) };
    if (wishes.coding === null || !this.isTaken(start)) return client.sendResponse(varied, piece, isLast);
    if (wishes.isHead) return client.sendResponse(encoded(varied, wishes.coding, null), piece, isLast);
    start.fields.detach(); // the bytes of the head are let go of with the body's
    if (isLast && piece.trailers === undefined) {
      const code = this.whole(piece);
      if (code === null) return client.sendResponse(varied, piece, isLast);
      const all = { bytes: code, start: 0, end: code.length };
      return client.sendResponse(encoded(varied, wishes.coding, code.length), all, true);
    }
    const first = this.begin(piece, isLast);
    if (first === null) return client.sendResponse(varied, piece, isLast);
    return client.sendResponse(encoded(varied, wishes.coding, null), first, isLast);
  }

  override sendBody(piece: BodyPiece, isLast: boolean): boolean {
    return this.client.sendBody(this.encode(piece, isLast), isLast);
  }

  /** Whether the response would be encoded for a client that takes it. */
  private isFor(start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    const { plan } = this.encoding;
    const { wishes } = this;
    const length = lengthOf(start, piece, { isHead: wishes.isHead, isLast });
    const value = (name: string): string | null => start.fields.joined(name);
    return isEncodable(limitsFor(plan, wishes), { status: start.head.status, length, value });
  }

  /** Whether this client takes it: parts are of the answer as it is. */
  private isTaken({ head }: ResponseStart): boolean {
    return this.wishes.coding !== null && !this.wishes.isPart && head.status !== 206;
  }

  override dropped(): void {
    this.close();
    super.dropped();
  }

  override changed(answer: Answer): Answer {
    return this.passedOn(this.encodedAnswer(answer));
  }

  private encodedAnswer(answer: Answer): Answer {
    const { coding, isPart, noneMatch } = this.wishes;
    const { body, fields, status } = answer;
    const value = (name: string): string | null => valueIn(fields, name);
    const varied = variesByEncoding(value("vary")) ? fields : fields + varyLine;
    if (status === 304) {
      const isHeld = heldTag(value("etag"), noneMatch) !== null;
      return { ...answer, fields: isHeld ? withWeakTag(varied) : varied };
    }
    const { plan } = this.encoding;
    if (!isEncodable(limitsFor(plan, this.wishes), { status, length: body.length, value })) return answer;
    const isEncoded = coding !== null && !isPart;
    const code = isEncoded ? this.whole({ bytes: body, start: 0, end: body.length, isLasting: true }) : null;
    if (code === null) return { ...answer, fields: varied };
    return { status, fields: `${withWeakTag(varied)}Content-Encoding: ${coding}\r\n`, body: code };
  }

  /** Gives the whole body encoded; null if it is better sent as it is, or has to be. */
  private whole(piece: BodyPiece): Buffer | null {
    const { bodies, plan } = this.encoding;
    const { coding, refusesIdentity } = this.wishes;
    if (coding === null) return null;
    const { bytes, end, start } = piece;
    const level = plan.levels[coding];
    try {
      if (isWhole(piece))
        return refusesIdentity ? bodies.of(bytes, coding, level) : bodies.soon(bytes, coding, level);
      const code = encodeWhole(coding, level, piece);
      if (code.length >= end - start && !refusesIdentity) return null;
      if (piece.isFree === true) letGo(bytes);
      return code;
    } catch {
      return null; // without memory for a coder there is still the answer
    }
  }

  /** Starts with the first piece; null if there is no coder for it. */
  private begin(piece: BodyPiece, isLast: boolean): BodyPiece | null {
    const { coding } = this.wishes;
    if (coding === null) return null;
    const level = this.encoding.plan.levels[coding];
    const bytes = coderBytes(coding, level);
    if (held + bytes > mostHeld) return null;
    try {
      this.encoder = new Encoder(coding, level);
      this.holds = bytes;
      held += bytes;
      return this.encode(piece, isLast);
    } catch {
      this.close();
      return null;
    }
  }

  private encode(piece: BodyPiece, isLast: boolean): BodyPiece {
    const { bytes, end, start, trailers } = piece;
    if (this.encoder === null || (start === end && !isLast)) return piece;
    const code = this.encoder.encode(bytes, start, end, isLast);
    if (piece.isFree === true) letGo(bytes);
    if (isLast) this.close();
    const all = { bytes: code, start: 0, end: code.length };
    return trailers === undefined ? all : { ...all, trailers };
  }

  private close(): void {
    if (this.encoder === null) return;
    this.encoder.close();
    this.encoder = null;
    held -= this.holds;
  }

  /** RFC 9110 §15.4.5: a 304 says what the answer would say that it stands for; of what type that is it need not say. */
  private unchanged(start: ResponseStart): ResponseStart {
    const { fields, rules } = start;
    const { noneMatch } = this.wishes;
    const type = fields.joined("content-type");
    if (type !== null && !hasType(this.encoding.plan.types, type)) return start;
    const varied = withVary(start);
    const tag = rules.removed?.has("etag") === true ? null : heldTag(fields.joined("etag"), noneMatch);
    return { ...start, rules: tag === null ? varied : withTag(varied, tag) };
  }
}

/** Whether it is a whole body that is sent again and again. */
function isWhole({ bytes, end, isLasting, start }: BodyPiece): boolean {
  return isLasting === true && start === 0 && end === bytes.length;
}

/** Gives the length of a body, as far as it is known; to HEAD that of the answer to GET. */
function lengthOf(
  { head }: ResponseStart,
  { end, start }: BodyPiece,
  { isHead, isLast }: { readonly isHead: boolean; readonly isLast: boolean },
): number | null {
  if (isHead) return head.declaredLength < 0 ? null : head.declaredLength;
  if (isLast) return end - start;
  return head.bodyLength < 0 ? null : head.bodyLength;
}

/** Gives the rules so that Vary tells caches of the difference, whatever rules do with the server's own (RFC 9110 §12.5.5). */
function withVary({ fields, rules }: ResponseStart): HeaderRules {
  const isSaid = rules.removed?.has("vary") !== true && variesByEncoding(fields.joined("vary"));
  return isSaid ? rules : { removed: rules.removed, added: rules.added + varyLine };
}

/** Gives the value of a field in these lines. */
function valueIn(lines: string, name: string): string | null {
  const line = lines.split("\r\n").find((one) => one.slice(0, name.length + 1).toLowerCase() === `${name}:`);
  return line?.slice(name.length + 1).trim() ?? null;
}

function withWeakTag(lines: string): string {
  return lines.replace(/^etag: (?!W\/)/im, "ETag: W/");
}

function withTag({ added, removed }: HeaderRules, tag: string): HeaderRules {
  return { removed: andTag(removed), added: `${added}ETag: ${tag}\r\n` };
}

/** Gives the head of the encoded response; `length` is null where its end is marked otherwise. */
function encoded(start: ResponseStart, coding: string, length: number | null): ResponseStart {
  const { fields, head, rules } = start;
  const etag = rules.removed?.has("etag") === true ? null : fields.joined("etag");
  const tagged = etag === null ? rules : withTag(rules, weakTag(etag));
  const counted = length === null ? "" : `Content-Length: ${length}\r\n`;
  return {
    head: { ...head, bodyLength: length ?? chunkedBody },
    fields,
    rules: {
      removed: andLength(tagged.removed),
      added: `${tagged.added}Content-Encoding: ${coding}\r\n${counted}`,
    },
  };
}

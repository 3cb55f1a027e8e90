import { fieldWords, foundHeads, headWords } from "./found-heads.ts";
import { fieldNumber, numberOfField } from "./field-names.ts";
import { contentLengthAt } from "./lists.ts";
import { readLatin1, writeLatin1 } from "../latin1.ts";
import { COLON, HTAB, isTextAt, SP, tokenOctet } from "./octets.ts";

/** Why a line is no field line. */
export type FieldFault = "obs-fold" | "field-name" | "space-before-colon";

/** Where a head begins and ends, and where its lines end: each offset is behind a line end, the first behind the start line's. */
export interface HeadLines {
  readonly start: number;
  readonly end: number;
  readonly lineCount: number;
  readonly lineEnds: ArrayLike<number>;
  /** Where the name of each field ends, if that is known. */
  readonly nameEnds?: ArrayLike<number>;
  /** Where the head stands in `foundHeads`: then that tells of its lines. */
  readonly found?: number;
}

const noBytes = Buffer.alloc(0);

/**
 * The field lines of the head that was read last, as offsets into it: no string and no object for each field.
 * What a caller wants to keep it takes out before the next head is read, and before the bytes it came in are let go of or changed.
 */
export class FieldTable {
  /** Bytes in which the head stands from `sourceStart` on. */
  source: Buffer = noBytes;
  sourceStart = 0;
  /** How many octets the head has. */
  length = 0;
  private ownText: string | null = null;
  /** Holds a head that came as text. */
  private ownBytes: Buffer = noBytes;
  count = 0;
  /** Offset behind the start line, without its line end. */
  startLineEnd = 0;
  readonly nameStart: Int32Array;
  readonly nameEnd: Int32Array;
  readonly valueStart: Int32Array;
  readonly valueEnd: Int32Array;
  /** Offset behind the line end. */
  readonly lineEnd: Int32Array;
  /** Number of the field as `fieldNumber` gives it. */
  readonly number: Uint8Array;
  /** 1 where the line reads exactly `name: value`, so that it may be copied as it stands. */
  readonly isPlain: Uint8Array;

  constructor(maxFields: number) {
    this.nameStart = new Int32Array(maxFields);
    this.nameEnd = new Int32Array(maxFields);
    this.valueStart = new Int32Array(maxFields);
    this.valueEnd = new Int32Array(maxFields);
    this.lineEnd = new Int32Array(maxFields);
    this.number = new Uint8Array(maxFields);
    this.isPlain = new Uint8Array(maxFields);
  }

  /** The head as Latin-1, one character an octet; made for the first who asks. */
  get text(): string {
    this.ownText ??= readLatin1(this.source, this.sourceStart, this.sourceStart + this.length);
    return this.ownText;
  }

  /** Has the head stay valid although the bytes that it came in are let go of. */
  detach(): void {
    if (this.source === this.ownBytes) return;
    const { text } = this;
    this.holdBytes(text);
  }

  /**
   * Reads the field lines of the head that stands in `source`. A server's space before the colon is removed, a client's
   * refused (RFC 9112 §5.1).
   */
  read(source: Buffer, lines: HeadLines, allowsSpaceBeforeColon: boolean): FieldFault | null {
    this.source = source;
    this.sourceStart = lines.start;
    this.length = lines.end - lines.start;
    this.ownText = null;
    const { found = 0 } = lines;
    if (found === 0) return this.readLines(lines, allowsSpaceBeforeColon);
    this.takeFound(found);
    return null;
  }

  /** Reads the field lines of a head that came as text, from offset 0 on. */
  readText(text: string, lineEnds: readonly number[]): FieldFault | null {
    this.holdBytes(text);
    this.ownText = text;
    return this.readLines({ start: 0, end: text.length, lineCount: lineEnds.length, lineEnds }, false);
  }

  private takeFound(found: number): void {
    const count = (foundHeads[found + 1] ?? 0) - 1;
    let from = foundHeads[found + 2] ?? 0;
    this.count = count;
    this.startLineEnd = from - 2;
    for (let index = 0, at = found + headWords; index < count; index++, at += fieldWords) {
      const number = foundHeads[at + 4] ?? 0;
      this.nameStart[index] = from;
      this.nameEnd[index] = foundHeads[at] ?? 0;
      this.valueStart[index] = foundHeads[at + 1] ?? 0;
      this.valueEnd[index] = foundHeads[at + 2] ?? 0;
      from = foundHeads[at + 3] ?? 0;
      this.lineEnd[index] = from;
      this.number[index] = number & 0xff;
      this.isPlain[index] = number >> 8;
    }
  }

  private holdBytes(text: string): void {
    const { length } = text;
    if (this.ownBytes.length < length) this.ownBytes = Buffer.allocUnsafeSlow(2 * length);
    writeLatin1(this.ownBytes, text, 0);
    this.source = this.ownBytes;
    this.sourceStart = 0;
    this.length = length;
  }

  private readLines(lines: HeadLines, allowsSpaceBeforeColon: boolean): FieldFault | null {
    const { source, sourceStart } = this;
    const { nameEnds } = lines;
    this.count = lines.lineCount - 1;
    let from = (lines.lineEnds[0] ?? 0) - sourceStart;
    this.startLineEnd = from - 2;
    for (let index = 0; index < this.count; index++) {
      const to = (lines.lineEnds[index + 1] ?? 0) - sourceStart;
      const nameEnd = nameEnds === undefined ? tokenEnd(source, sourceStart + from) : (nameEnds[index] ?? 0);
      this.nameEnd[index] = nameEnd - sourceStart;
      const fault = this.readLine(index, from, to, allowsSpaceBeforeColon);
      if (fault !== null) return fault;
      from = to;
    }
    return null;
  }

  /** The start line, without its line end. */
  get startLine(): string {
    return this.text.substring(0, this.startLineEnd);
  }

  /** Gives the value of a field without the white space around it. */
  value(index: number): string {
    return this.text.substring(this.valueStart[index] ?? 0, this.valueEnd[index] ?? 0);
  }

  /** Tells whether a field has just this value, without making a text of it. */
  hasValue(index: number, value: string): boolean {
    const { source, sourceStart } = this;
    const start = this.valueStart[index] ?? 0;
    return (
      (this.valueEnd[index] ?? 0) - start === value.length && isTextAt(source, sourceStart + start, value)
    );
  }

  /** Gives the value of a field as Content-Length has it (RFC 9110 §8.6); null if it is none. */
  contentLength(index: number): number | null {
    const { source, sourceStart } = this;
    const start = sourceStart + (this.valueStart[index] ?? 0);
    return contentLengthAt(source, start, sourceStart + (this.valueEnd[index] ?? 0));
  }

  /** Gives the name of a field as it was sent. */
  name(index: number): string {
    return this.text.substring(this.nameStart[index] ?? 0, this.nameEnd[index] ?? 0);
  }

  /** Tells whether a field has this name, which is in lower case, without making a text of it. */
  isNamed(index: number, name: string): boolean {
    const { source } = this;
    if (this.nameLength(index) !== name.length) return false;
    const start = this.sourceStart + (this.nameStart[index] ?? 0);
    for (let at = 0; at < name.length; at++)
      if (tokenOctet[source[start + at] ?? 0] !== name.charCodeAt(at)) return false;
    return true;
  }

  /** Gives how many octets the name of a field has. */
  nameLength(index: number): number {
    return (this.nameEnd[index] ?? 0) - (this.nameStart[index] ?? 0);
  }

  /** Gives the index of the first field with this number at or after `from`, or -1. */
  find(number: number, from = 0): number {
    for (let index = from; index < this.count; index++) if (this.number[index] === number) return index;
    return -1;
  }

  /** Gives the value of the first field with this number, or an empty text. */
  first(number: number): string {
    const at = this.find(number);
    return at < 0 ? "" : this.value(at);
  }

  /** Gives the value of a field by its name in lower case, several joined with `, ` (RFC 9110 §5.2); null if there is none. */
  joined(name: string): string | null {
    const number = fieldNumber[name as keyof typeof fieldNumber] as number | undefined;
    let joined: string | null = null;
    for (let index = 0; index < this.count; index++) {
      if (number === undefined ? !this.isNamed(index, name) : this.number[index] !== number) continue;
      const value = this.value(index);
      joined = joined === null ? value : `${joined}, ${value}`;
    }
    return joined;
  }

  private readLine(index: number, from: number, to: number, allowsSpace: boolean): FieldFault | null {
    const { source, sourceStart } = this;
    const nameStart = sourceStart + from;
    const nameEnd = sourceStart + (this.nameEnd[index] ?? 0);
    const lineEnd = sourceStart + to - 2;
    let at = nameEnd;
    let octet = source[at] ?? 0;
    let isPlain = true;
    if (nameEnd === nameStart) return isBlank(octet) ? "obs-fold" : "field-name"; // RFC 9112 §5.2
    while (isBlank(octet)) {
      if (!allowsSpace) return "space-before-colon";
      isPlain = false;
      octet = source[++at] ?? 0;
    }
    if (octet !== COLON) return "field-name";
    let start = at + 1;
    let end = lineEnd;
    while (start < end && isBlank(source[start] ?? 0)) start++;
    while (end > start && isBlank(source[end - 1] ?? 0)) end--;
    if (start !== at + 2 || end !== lineEnd || source[at + 1] !== SP) isPlain = false;
    this.nameStart[index] = from;
    this.valueStart[index] = start - sourceStart;
    this.valueEnd[index] = end - sourceStart;
    this.lineEnd[index] = to;
    this.number[index] = numberOfField(source, nameStart, nameEnd);
    this.isPlain[index] = isPlain ? 1 : 0;
    return null;
  }
}

function isBlank(octet: number): boolean {
  return octet === SP || octet === HTAB;
}

/** Gives the offset of the first octet from `start` on that no token has. */
function tokenEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  while ((tokenOctet[bytes[at] ?? 0] ?? 0) !== 0) at++;
  return at;
}

import { fieldNumber, numberOfField } from "./field-names.ts";
import { contentLengthAt } from "./lists.ts";
import { COLON, HTAB, SP, tokenOctet } from "./octets.ts";

/** Why a line is no field line. */
export type FieldFault = "obs-fold" | "field-name" | "space-before-colon";

/** Where the lines of a head end: each offset is behind a line end, the first behind the start line's. */
export interface HeadLines {
  readonly lineCount: number;
  readonly lineEnds: ArrayLike<number>;
  /** Where the name of each field ends, if that is known. */
  readonly nameEnds?: ArrayLike<number>;
}

/**
 * The field lines of the head that was read last, as offsets into its text: no string and no object for each field.
 * What a caller wants to keep it takes out before the next head is read.
 */
export class FieldTable {
  /** The head as Latin-1, one character an octet. */
  text = "";
  /** Bytes in which the head stood from `sourceStart` on: it does as long as what came behind it is there; null if there are none. */
  source: Buffer | null = null;
  sourceStart = 0;
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

  /**
   * Reads the field lines that `scan` found, whose head starts at `start` and is `text`. A server's space before the
   * colon is removed, a client's refused (RFC 9112 §5.1).
   */
  read(text: string, scan: HeadLines, start: number, allowsSpaceBeforeColon: boolean): FieldFault | null {
    this.text = text;
    this.source = null;
    this.count = scan.lineCount - 1;
    const { nameEnds } = scan;
    let from = (scan.lineEnds[0] ?? 0) - start;
    this.startLineEnd = from - 2;
    for (let index = 0; index < this.count; index++) {
      const to = (scan.lineEnds[index + 1] ?? 0) - start;
      this.nameEnd[index] = nameEnds === undefined ? tokenEnd(text, from) : (nameEnds[index] ?? 0) - start;
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
    const start = this.valueStart[index] ?? 0;
    return (this.valueEnd[index] ?? 0) - start === value.length && this.text.startsWith(value, start);
  }

  /** Gives the value of a field as Content-Length has it (RFC 9110 §8.6); null if it is none. */
  contentLength(index: number): number | null {
    return contentLengthAt(this.text, this.valueStart[index] ?? 0, this.valueEnd[index] ?? 0);
  }

  /** Gives the name of a field as it was sent. */
  name(index: number): string {
    return this.text.substring(this.nameStart[index] ?? 0, this.nameEnd[index] ?? 0);
  }

  /** Tells whether a field has this name, which is in lower case, without making a text of it. */
  isNamed(index: number, name: string): boolean {
    const start = this.nameStart[index] ?? 0;
    if ((this.nameEnd[index] ?? 0) - start !== name.length) return false;
    for (let at = 0; at < name.length; at++)
      if (tokenOctet[this.text.charCodeAt(start + at)] !== name.charCodeAt(at)) return false;
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
    const { text } = this;
    const nameEnd = this.nameEnd[index] ?? 0;
    let at = nameEnd;
    let code = text.charCodeAt(at);
    let isPlain = true;
    if (nameEnd === from) return code === SP || code === HTAB ? "obs-fold" : "field-name"; // RFC 9112 §5.2
    while (code === SP || code === HTAB) {
      if (!allowsSpace) return "space-before-colon";
      isPlain = false;
      code = text.charCodeAt(++at);
    }
    if (code !== COLON) return "field-name";
    let start = at + 1;
    let end = to - 2;
    while (start < end && isBlank(text.charCodeAt(start))) start++;
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
    if (start !== at + 2 || end !== to - 2 || text.charCodeAt(at + 1) !== SP) isPlain = false;
    this.nameStart[index] = from;
    this.valueStart[index] = start;
    this.valueEnd[index] = end;
    this.lineEnd[index] = to;
    this.number[index] = numberOfField(text, from, nameEnd);
    this.isPlain[index] = isPlain ? 1 : 0;
    return null;
  }
}

function isBlank(code: number): boolean {
  return code === SP || code === HTAB;
}

/** Gives the offset of the first octet from `start` on that no token has. */
function tokenEnd(text: string, start: number): number {
  let at = start;
  while ((tokenOctet[text.charCodeAt(at)] ?? 0) !== 0) at++;
  return at;
}

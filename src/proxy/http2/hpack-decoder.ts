import { readLatin1 } from "../latin1.ts";
import { decodeHuffman } from "./huffman.ts";
import { staticCount, staticTable } from "./static-table.ts";

/** Names and values, in Latin-1. */
export interface Field {
  readonly name: string;
  readonly value: string;
}

/** RFC 7541 §4.1: what an entry counts for beyond its texts. */
const entryOverhead = 32;

/** Limits of a decoded list: a few bytes on the wire can name a large entry thousands of times. */
export interface ListLimits {
  readonly fields: number;
  /** As SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 §6.5.2). */
  readonly bytes: number;
}

/** What came of a header block. `too-large` leaves the table right, so that the connection can go on. */
export type BlockOutcome = "complete" | "too-large" | "malformed";

/** Takes header blocks apart (RFC 7541), one after another, for the table is built up by all of them. */
export class HpackDecoder {
  /** The fields of the last block, in their order. */
  readonly fields: Field[] = [];
  private readonly maxTableBytes: number;
  private readonly limits: ListLimits;
  private readonly entries: Field[] = [];
  private tableBytes = 0;
  private tableLimit: number;
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;
  private end = 0;
  private isFaulty = false;

  constructor(maxTableBytes: number, limits: ListLimits) {
    this.maxTableBytes = maxTableBytes;
    this.tableLimit = maxTableBytes;
    this.limits = limits;
  }

  /** Decodes a whole block into `fields`. */
  decode(bytes: Buffer, start: number, end: number): BlockOutcome {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.isFaulty = false;
    this.fields.length = 0;
    let listBytes = 0;
    let isTooLarge = false;
    while (this.at < end) {
      const first = bytes[this.at] ?? 0;
      if ((first & 0xe0) === 0x20) {
        if (this.fields.length > 0 || isTooLarge) return "malformed"; // RFC 7541 §4.2: at the beginning only
        this.resize();
      } else {
        const field = this.next(first);
        if (field === null || this.isFaulty) return "malformed";
        listBytes += field.name.length + field.value.length + entryOverhead;
        if (this.fields.length >= this.limits.fields || listBytes > this.limits.bytes) isTooLarge = true;
        else this.fields.push(field);
      }
      if (this.isFaulty) return "malformed";
    }
    return isTooLarge ? "too-large" : "complete";
  }

  private next(first: number): Field | null {
    if (first >= 0x80) return this.entry(this.integer(7));
    const isIndexed = first >= 0x40;
    const index = this.integer(isIndexed ? 6 : 4);
    const name = index === 0 ? this.text() : (this.entry(index)?.name ?? null);
    if (name === null) return null;
    const field = { name, value: this.text() };
    if (isIndexed && !this.isFaulty) this.insert(field);
    return field;
  }

  private entry(index: number): Field | null {
    if (index === 0) return null; // RFC 7541 §6.1
    if (index > staticCount) return this.entries[this.entries.length - (index - staticCount)] ?? null;
    const [name, value] = staticTable[index] ?? ["", ""];
    return { name, value };
  }

  private insert(field: Field): void {
    const size = field.name.length + field.value.length + entryOverhead;
    this.tableBytes += size;
    this.entries.push(field);
    this.evict();
  }

  private resize(): void {
    this.tableLimit = this.integer(5);
    if (this.tableLimit > this.maxTableBytes) this.isFaulty = true; // RFC 7541 §6.3
    this.evict();
  }

  private evict(): void {
    let gone = 0;
    while (this.tableBytes > this.tableLimit) {
      const oldest = this.entries[gone];
      if (oldest === undefined) break;
      this.tableBytes -= oldest.name.length + oldest.value.length + entryOverhead;
      gone++;
    }
    if (gone > 0) this.entries.splice(0, gone);
  }

  /** RFC 7541 §5.1. */
  private integer(prefixBits: number): number {
    const most = (1 << prefixBits) - 1;
    let value = (this.bytes[this.at++] ?? 0) & most;
    if (value < most) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.at >= this.end) break;
      const octet = this.bytes[this.at++] ?? 0;
      value += (octet & 0x7f) << shift;
      if (octet < 0x80) return value;
    }
    this.isFaulty = true; // cut off, or larger than anything that can be meant
    return 0;
  }

  /** RFC 7541 §5.2. */
  private text(): string {
    if (this.at >= this.end) {
      this.isFaulty = true;
      return "";
    }
    const isHuffman = (this.bytes[this.at] ?? 0) >= 0x80;
    const length = this.integer(7);
    const start = this.at;
    this.at += length;
    if (this.isFaulty || this.at > this.end) {
      this.isFaulty = true;
      return "";
    }
    if (!isHuffman) return readLatin1(this.bytes, start, this.at);
    const text = decodeHuffman(this.bytes, start, this.at);
    if (text === null) this.isFaulty = true;
    return text ?? "";
  }
}

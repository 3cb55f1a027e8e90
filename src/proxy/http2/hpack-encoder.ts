import { writeLatin1 } from "../latin1.ts";
import { staticCount, staticTable } from "./static-table.ts";

const entryOverhead = 32; // RFC 7541 §4.1

const staticNames = new Map<string, number>();
const staticFields = new Map<string, number>();
for (const [index, [name, value]] of staticTable.entries()) {
  if (index === 0) continue;
  if (!staticNames.has(name)) staticNames.set(name, index);
  if (value !== "") staticFields.set(`${name}\0${value}`, index);
}

/** Differ from response to response: remembered, they would push out what does not. */
const changing: ReadonlySet<string> = new Set([
  ":path",
  "content-length",
  "content-range",
  "etag",
  "last-modified",
  "location",
  "set-cookie",
  "age",
  "expires",
  "x-request-id",
  "traceparent",
]);

/**
 * Writes header blocks (RFC 7541). Texts go as they are: Huffman's code would save some bytes of what is sent once, and cost
 * more time than everything else here; what is sent again is one octet by its index.
 */
export class HpackEncoder {
  private readonly indices = new Map<string, number>();
  private readonly keys: string[] = [];
  /** Number of the oldest entry that is left; the first ever was 1. */
  private oldest = 1;
  private newest = 0;
  private tableBytes = 0;
  private tableLimit: number;
  private smallestLimit: number;
  private hasNewLimit = false;

  constructor(tableBytes: number) {
    this.tableLimit = tableBytes;
    this.smallestLimit = tableBytes;
  }

  /** Obeys SETTINGS_HEADER_TABLE_SIZE of the peer; the next block tells it so (RFC 7541 §4.2). */
  limit(bytes: number): void {
    const limit = Math.min(bytes, 4096);
    if (limit === this.tableLimit) return;
    this.smallestLimit = this.hasNewLimit ? Math.min(this.smallestLimit, limit) : limit;
    this.tableLimit = limit;
    this.hasNewLimit = true;
    this.evict();
  }

  /** Begins a block at an offset of `out` and gives the offset behind what that needs. */
  begin(out: Buffer, at: number): number {
    if (!this.hasNewLimit) return at;
    this.hasNewLimit = false;
    let next = at;
    if (this.smallestLimit < this.tableLimit)
      next = integer(out, next, { flags: 0x20, prefixBits: 5, value: this.smallestLimit });
    return integer(out, next, { flags: 0x20, prefixBits: 5, value: this.tableLimit });
  }

  /** Writes a field at an offset of `out`, which has room for it, and gives the offset behind it. The name is in lower case. */
  field(out: Buffer, at: number, name: string, value: string): number {
    const key = `${name}\0${value}`;
    const known = staticFields.get(key) ?? this.indexOf(key);
    if (known > 0) return integer(out, at, { flags: 0x80, prefixBits: 7, value: known });
    const nameIndex = staticNames.get(name) ?? 0;
    const remembers = !changing.has(name) && key.length + entryOverhead - 1 <= this.tableLimit / 4;
    let next = integer(out, at, {
      flags: remembers ? 0x40 : 0,
      prefixBits: remembers ? 6 : 4,
      value: nameIndex,
    });
    if (nameIndex === 0) next = text(out, next, name);
    next = text(out, next, value);
    if (remembers) this.insert(key);
    return next;
  }

  private indexOf(key: string): number {
    const number = this.indices.get(key);
    return number === undefined ? 0 : staticCount + this.newest - number + 1;
  }

  private insert(key: string): void {
    this.newest++;
    this.indices.set(key, this.newest);
    this.keys.push(key);
    this.tableBytes += key.length - 1 + entryOverhead;
    this.evict();
  }

  private evict(): void {
    let gone = 0;
    while (this.tableBytes > this.tableLimit) {
      const key = this.keys[gone];
      if (key === undefined) break;
      this.tableBytes -= key.length - 1 + entryOverhead;
      if (this.indices.get(key) === this.oldest) this.indices.delete(key);
      this.oldest++;
      gone++;
    }
    if (gone > 0) this.keys.splice(0, gone);
  }
}

/** RFC 7541 §5.1. */
function integer(
  out: Buffer,
  at: number,
  o: { readonly flags: number; readonly prefixBits: number; readonly value: number },
): number {
  const most = (1 << o.prefixBits) - 1;
  if (o.value < most) {
    out[at] = o.flags | o.value;
    return at + 1;
  }
  out[at] = o.flags | most;
  let next = at + 1;
  let rest = o.value - most;
  while (rest >= 0x80) {
    out[next++] = 0x80 | (rest & 0x7f);
    rest >>>= 7;
  }
  out[next] = rest;
  return next + 1;
}

function text(out: Buffer, at: number, latin1: string): number {
  const next = integer(out, at, { flags: 0, prefixBits: 7, value: latin1.length });
  writeLatin1(out, latin1, next);
  return next + latin1.length;
}

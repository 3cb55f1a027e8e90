import assert from "node:assert/strict";

/** Calls a function of the addon by its name. */
export type Call = (name: string, ...parameters: readonly unknown[]) => unknown;

/** Calls one that has to refuse, and gives what it throws. */
export type Refusal = (
  name: string,
  ...parameters: readonly unknown[]
) => { readonly code?: string; readonly name: string };

/** A place and a generation. */
export type Name = readonly [number, number];

/** What a row of the table says. */
export interface Row {
  readonly name: Name;
  readonly news: string;
  readonly fourth: number;
  readonly bytes: string;
  readonly length: number;
}

/** What is to be written: for which stream, and which of the bytes. */
export type Write = readonly [name: Name, offset: number, length: number];

/** A listening socket on loopback. */
export interface Listening {
  readonly address: Uint8Array;
  readonly name: Name;
}

const words = ["", "data", "end", "closed", "writable", "accepted", "connected", "refused"];
const writeCountWord = 10;
const shortCountWord = 11;
const headerWords = 12;
const rowWords = 7;

/** So long are the two parts of each memory. */
export const blockBytes: number = 64 * 1024;

/** Turns of the addon's streams, and what they told. */
export class StreamRig {
  readonly call: Call;
  readonly refusal: Refusal;
  readonly memories: readonly [Buffer, Buffer] = [Buffer.alloc(2 * blockBytes), Buffer.alloc(2 * blockBytes)];
  readonly table: Int32Array = new Int32Array(headerWords + rowWords * 64);
  readonly heads: Int32Array = new Int32Array(1000);
  /** How many descriptors had news in the last turn. */
  turned = 0;

  constructor(call: Call, refusal: Refusal) {
    this.call = call;
    this.refusal = refusal;
  }

  /** Has the whole of both memories read into. */
  makeRoom(): void {
    for (const at of [0, 4]) this.table.set([0, blockBytes, blockBytes, 2 * blockBytes], at);
  }

  /** Lends the memory of the rig, with these rows of what is written, and these bytes. */
  lend(rows: Int32Array = new Int32Array(0), bytes: Uint8Array = new Uint8Array(1)): void {
    this.makeRoom();
    this.call("lendStreams", this.memory(rows.length === 0 ? new Int32Array(4) : rows, bytes));
  }

  /** What is lent with these writes and bytes. */
  memory(writes: Int32Array, gathered: Uint8Array): Readonly<Record<string, Int32Array | Uint8Array>> {
    const [clients, servers] = this.memories;
    return { table: this.table, heads: this.heads, clients, servers, writes, gathered };
  }

  /** Has so many of the rows that are lent written; gives how many were not taken whole. */
  write(count: number): number {
    this.table[writeCountWord] = count;
    this.call("writeStreams");
    return this.table[shortCountWord] ?? 0;
  }

  turn(ms = 200): readonly Row[] {
    this.makeRoom();
    this.turned = Number(this.call("turn", ms));
    return Array.from({ length: this.table[8] ?? 0 }, (_, row) => this.rowAt(headerWords + rowWords * row));
  }

  /** Turns until so many rows have come. */
  rows(count: number): readonly Row[] {
    const all: Row[] = [];
    for (let tries = 0; tries < 25 && all.length < count; tries++) all.push(...this.turn());
    assert.equal(all.length, count, JSON.stringify(all));
    return all;
  }

  /** The news of so many rows, and their lengths or errors. */
  news(count: number): readonly (readonly [string, number])[] {
    return this.rows(count).map(({ length, news }) => [news, length] as const);
  }

  /** What is left of the tenth number: 2 if a listener could take nobody. */
  get state(): number {
    return this.table[9] ?? 0;
  }

  /** A listening socket of the streams; a blocking one unless `type` has SOCK_NONBLOCK. */
  listening(type: number = 1 | 0x800): Listening {
    const { address, fd } = this.plainListening(type);
    return { address, name: named(this.call("listenStream", fd)) };
  }

  plainListening(type: number = 1 | 0x800): { readonly address: Uint8Array; readonly fd: number } {
    const fd = this.call("open", 2, type, 0) as number;
    this.call("bind", fd, new Uint8Array([2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]));
    this.call("listen", fd, 64);
    return { address: this.call("getName", fd) as Uint8Array, fd };
  }

  /** Both ends of a connection: that of a server, which was connected, and that of a client, which was accepted. */
  pair(address: Uint8Array): { readonly near: Name; readonly far: Name } {
    const near = named(this.call("connectStream", address));
    const opened = this.rows(2);
    assert.deepEqual(opened.map(({ news }) => news).toSorted(), ["accepted", "connected"]);
    return { near, far: opened.find(({ news }) => news === "accepted")?.name ?? [0, 0] };
  }

  close(...names: readonly Name[]): void {
    for (const name of names) this.call("closeStream", ...name, true);
  }

  private rowAt(at: number): Row {
    const [place = 0, generation = 0, news = 0, fourth = 0, offset = 0, length = 0] = this.table.subarray(
      at,
      at + rowWords,
    );
    const isData = words[news] === "data";
    const memory = fourth === 1 ? this.memories[1] : this.memories[0];
    const bytes = isData && length < 100 ? memory.toString("latin1", offset, offset + length) : "";
    return { name: [place, generation], news: words[news] ?? "", fourth, bytes, length };
  }
}

/** Reads the name of a stream from the one number that stands for it. */
export function named(name: unknown): Name {
  return [Number(name) % 2 ** 18, Math.trunc(Number(name) / 2 ** 18)];
}

import assert from "node:assert/strict";

/** Calls a function of the addon by its name. */
export type Call = (name: string, ...parameters: readonly unknown[]) => unknown;

/** Calls one that has to refuse, and gives what it throws. */
export type Refusal = (
  name: string,
  ...parameters: readonly unknown[]
) => { readonly code?: string; readonly name: string };

/** What a row of the table says. */
interface Row {
  readonly name: readonly [number, number];
  readonly news: string;
  readonly fourth: number;
  readonly bytes: string;
  readonly length: number;
}

const words = ["", "data", "end", "closed", "writable", "accepted", "connected", "refused"];
const blockBytes = 64 * 1024;

/** Streams of the addon: two ends of connections on loopback, in one set. */
export function exerciseNativeStreams(call: Call, refusal: Refusal): void {
  const memories = [Buffer.alloc(2 * blockBytes), Buffer.alloc(2 * blockBytes)] as const;
  const table = new Int32Array(10 + 6 * 64);
  const turn = (ms = 200): readonly Row[] => {
    for (const at of [0, 4]) table.set([0, blockBytes, blockBytes, 2 * blockBytes], at);
    call("turn", table, ...memories, ms);
    return Array.from({ length: table[8] ?? 0 }, (_, row) => rowAt(table, 10 + 6 * row, memories));
  };
  /** Turns until so many rows have come. */
  const rows = (count: number): readonly Row[] => {
    const all: Row[] = [];
    for (let tries = 0; tries < 100 && all.length < count; tries++) all.push(...turn());
    assert.equal(all.length, count, JSON.stringify(all));
    return all;
  };
  assert.equal(refusal("turn", table, ...memories, 0).code, "EBADF");
  assert.equal(refusal("closeStream", 0, 1, true).code, "EBADF");
  assert.equal(refusal("listenStream", 0).code, "EBADF");
  assert.equal(refusal("armStreams").code, "EBADF");
  assert.throws(() => call("openStreams", 1, -1));
  call("openStreams", () => undefined, -1);
  assert.equal(refusal("openStreams", () => undefined, -1).code, "EALREADY");
  exerciseUnfit(refusal, table, memories);

  const { address, name: entry } = listening(call);
  const near = named(call("connectStream", address));
  const opened = rows(2);
  const far = opened.find(({ news }) => news === "accepted")?.name ?? [0, 0];
  assert.deepEqual(opened.map(({ news }) => news).toSorted(), ["accepted", "connected"]);
  assert.equal(opened.find(({ news }) => news === "accepted")?.fourth, entry[1]);
  assert.deepEqual(call("nameStream", ...near, true), address);
  assert.deepEqual(call("nameStream", ...far, true), call("nameStream", ...near, false));

  const hello = Buffer.from("-hello-");
  assert.equal(call("writeStream", ...near, hello, 1, 5), 5);
  assert.deepEqual(rows(1), [{ name: far, news: "data", fourth: 0, bytes: "hello", length: 5 }]);
  for (const [offset, length] of [
    [8, 0],
    [0, 8],
    [7, 1],
    [-1, 1],
  ] as const)
    assert.throws(() => call("writeStream", ...near, hello, offset, length));

  // Of what is paused nothing is read.
  call("pauseStream", ...far, true);
  call("writeStream", ...near, hello, 0, 7);
  assert.deepEqual(turn(20), []);
  call("pauseStream", ...far, false);
  assert.equal(rows(1)[0]?.bytes, "-hello-");

  // There is room again once the other end reads.
  call("pauseStream", ...far, true);
  const much = Buffer.alloc(blockBytes, "x");
  let sent = 0;
  for (let taken = blockBytes; taken === blockBytes; sent += taken)
    taken = call("writeStream", ...near, much, 0, blockBytes) as number;
  call("pauseStream", ...far, false);
  let isWritable = false;
  for (let got = 0; got < sent || !isWritable;)
    for (const { length, name, news } of turn()) {
      if (news === "data") got += length;
      else assert.deepEqual([(isWritable = true), name, news], [true, near, "writable"]);
    }

  // An end in order is told once; both ends make a close.
  call("shutStream", ...near);
  assert.deepEqual(rows(1)[0], { name: far, news: "end", fourth: 0, bytes: "", length: 0 });
  assert.deepEqual(turn(20), []);
  call("closeStream", ...far, false);
  assert.deepEqual(
    rows(2).map(({ news, length }) => [news, length]),
    [
      ["end", 0],
      ["closed", 0],
    ],
  );
  call("closeStream", ...near, false);
  for (const name of ["writeStream", "pauseStream", "shutStream", "closeStream", "nameStream"])
    assert.equal(refusal(name, ...near, hello, 0, 1).code, "EBADF");

  // Its place goes to the next, under another name; a reset is told as one, also where a write has heard of it first.
  const second = named(call("connectStream", address));
  assert.notDeepEqual(second, near);
  const other = rows(2).find(({ news }) => news === "accepted")?.name ?? [0, 0];
  call("closeStream", ...other, true);
  assert.equal(call("writeStream", ...second, hello, 0, 1), -1);
  const [gone] = rows(1);
  assert.deepEqual([gone?.name, gone?.news, (gone?.length ?? 0) > 0], [second, "closed", true]);
  call("closeStream", ...second, false);

  // Nobody listens any more.
  call("armStreams");
  call("askStreams");
  call("closeStream", ...entry, false);
  const third = call("connectStream", address);
  assert.deepEqual(
    rows(1).map(({ news, length }) => [news, length]),
    [["refused", 111]],
  );
  call("closeStream", ...named(third), false);
}

function rowAt(table: Int32Array, at: number, memories: readonly [Buffer, Buffer]): Row {
  const [place = 0, generation = 0, news = 0, fourth = 0, offset = 0, length = 0] = table.subarray(
    at,
    at + 6,
  );
  const isData = words[news] === "data";
  const memory = fourth === 1 ? memories[1] : memories[0];
  const bytes = isData && length < 100 ? memory.toString("latin1", offset, offset + length) : "";
  return { name: [place, generation], news: words[news] ?? "", fourth, bytes, length };
}

function named(name: unknown): readonly [number, number] {
  return [Number(name) % 2 ** 18, Math.trunc(Number(name) / 2 ** 18)];
}

function listening(call: Call): {
  readonly address: Uint8Array;
  readonly name: readonly [number, number];
} {
  const fd = call("open", 2, 1 | 0x800, 0);
  call("bind", fd, new Uint8Array([2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]));
  call("listen", fd, 8);
  const address = call("getName", fd) as Uint8Array;
  return { address, name: named(call("listenStream", fd)) };
}

function exerciseUnfit(refusal: Refusal, table: Int32Array, memories: readonly [Buffer, Buffer]): void {
  const place = (start: number): void => table.set([0, blockBytes, blockBytes, 2 * blockBytes], start);
  for (const unfit of [undefined, null, "x", {}, -1, 2 ** 40, new Uint8Array(4), new Int32Array(9)]) {
    for (const start of [0, 4]) place(start);
    refusal("turn", unfit, ...memories, 0);
    refusal("turn", table, unfit, unfit, 0);
    refusal("turn", table, ...memories, unfit);
    refusal("listenStream", unfit);
    refusal("connectStream", unfit);
    for (const name of ["writeStream", "pauseStream", "shutStream", "closeStream", "nameStream"])
      refusal(name, unfit, unfit, unfit, unfit, unfit);
  }
  // What is read into lies in the memory.
  for (const [used, end] of [
    [-8, 8],
    [8, 0],
    [0, 4],
    [0, 2 ** 20],
  ] as const)
    for (const at of [0, 2, 4, 6]) {
      for (const start of [0, 4]) place(start);
      table.set([used, end], at);
      assert.equal(refusal("turn", table, ...memories, 0).name, "RangeError");
    }
}

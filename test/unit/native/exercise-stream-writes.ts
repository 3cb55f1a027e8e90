import assert from "node:assert/strict";
import { blockBytes, type Name, type StreamRig, type Write } from "./stream-rig.ts";

const memory = Buffer.from("0123456789");
const writeCountWord = 10;
const shortCountWord = 11;

/** Writes to many streams in one call. */
export function exerciseStreamWrites(rig: StreamRig, address: Uint8Array): void {
  const { far, near } = rig.pair(address);
  exerciseUnfitWrites(rig, near);
  // Two of one stream stay in order, and nothing is nothing.
  assert.deepEqual(write(rig, [near, 0, 3], [near, 5, 2], [far, 9, 1], [near, 10, 0], [near, 4, 1]), {
    shortCount: 0,
    taken: [3, 2, 1, 0, 1],
  });
  const bytes = new Map<number, string>();
  while ((bytes.get(far[0]) ?? "").length < 6 || !bytes.has(near[0]))
    for (const row of rig.turn()) bytes.set(row.name[0], (bytes.get(row.name[0]) ?? "") + row.bytes);
  assert.deepEqual([bytes.get(far[0]), bytes.get(near[0])], ["012564", "9"]);

  exerciseShortWrites(rig, near, far);
  exerciseEarlyRoom(rig, address);

  // What is lost is told of for each row; what is closed is nobody's.
  rig.close(far);
  const { taken } = write(rig, [near, 0, 1], [near, 1, 1], [far, 0, 9], [[far[0], far[1] + 1], 0, 9]);
  assert.deepEqual(taken, [-1, -1, 9, 9]);
  assert.deepEqual(
    rig.rows(1).map(({ length, name, news }) => [name, news, length > 0]),
    [[near, "closed", true]],
  );
  assert.deepEqual(write(rig, [near, 0, 0]), { shortCount: 1, taken: [-1] });
  rig.close(near);
  assert.deepEqual(write(rig, [near, 0, 4]), { shortCount: 0, taken: [4] });
}

function write(
  rig: StreamRig,
  ...writes: readonly Write[]
): { readonly shortCount: unknown; readonly taken: readonly number[] } {
  return writeFrom(rig, memory, writes);
}

function writeFrom(
  rig: StreamRig,
  bytes: Uint8Array,
  writes: readonly Write[],
): { readonly shortCount: unknown; readonly taken: readonly number[] } {
  const rows = Int32Array.from(writes.flatMap(([name, offset, length]) => [...name, offset, length]));
  rig.lend(rows, bytes);
  const shortCount = rig.write(writes.length);
  return { shortCount, taken: writes.map((_, row) => rows[4 * row + 3] ?? 0) };
}

/** One that has too little room takes nothing more of the call, and of the next ones, until that was told. */
function exerciseShortWrites(rig: StreamRig, near: Name, far: Name): void {
  const { call } = rig;
  const pattern = Buffer.from(Uint8Array.from({ length: blockBytes }, (_, at) => at % 251));
  const whole = [near, 0, blockBytes] as const;
  call("pauseStream", ...far, true);
  let sent = 0;
  for (let isShort = false; !isShort;) {
    const { shortCount, taken } = writeFrom(
      rig,
      pattern,
      Array.from({ length: 16 }, () => whole),
    );
    isShort = shortCount !== 0;
    const first = taken.findIndex((length) => length < blockBytes);
    if (isShort)
      assert(
        taken.slice(first + 1).every((length) => length === 0),
        String(taken),
      );
    sent += taken.reduce((sum, length) => sum + length, 0);
  }
  assert.deepEqual(writeFrom(rig, pattern, [whole, [far, 0, 5]]), { shortCount: 1, taken: [0, 5] });
  call("pauseStream", ...far, false);
  let got = 0;
  let isWritable = false;
  while (got < sent || !isWritable) {
    for (const { length, name, news } of rig.turn()) {
      if (news === "writable") isWritable = true;
      else if (name[0] === far[0]) got += length;
    }
  }
  assert.equal(got, sent);
  assert.deepEqual(write(rig, [near, 1, 2]), { shortCount: 0, taken: [2] });
  assert.equal(rig.rows(1)[0]?.bytes, "12");
}

/** Room that nobody was told of yet is for what waits already. */
function exerciseEarlyRoom(rig: StreamRig, address: Uint8Array): void {
  const { call } = rig;
  const peer = call("open", 2, 1, 0) as number;
  call("connect", peer, address);
  const [accepted] = rig.rows(1);
  const name: Name = accepted?.name ?? [0, 0];
  const much = Buffer.alloc(blockBytes);
  while ((call("writeStream", ...name, much, 0, blockBytes) as number) === blockBytes);
  call("takeOver", peer);
  while ((call("read", peer, much) as number) > 0);
  assert.deepEqual(write(rig, [name, 0, 4]), { shortCount: 1, taken: [0] });
  assert.equal(rig.rows(1)[0]?.news, "writable");
  assert.deepEqual(write(rig, [name, 0, 4]), { shortCount: 0, taken: [4] });
  rig.close(name);
  call("close", peer);
}

/** Nothing is written, not even what is fit, if one row is not. */
function exerciseUnfitWrites(rig: StreamRig, near: Name): void {
  const { refusal, table } = rig;
  const fit = [...near, 0, 1];
  for (const [offset, length] of [
    [-1, 1],
    [0, -1],
    [0, 11],
    [10, 1],
    [11, 0],
    [2 ** 31 - 1, 2 ** 31 - 1],
    [-(2 ** 31), 2 ** 31 - 1],
  ] as const) {
    const rows = Int32Array.of(...fit, ...near, offset, length);
    rig.lend(rows, memory);
    table[writeCountWord] = 2;
    assert.equal(refusal("writeStreams").name, "RangeError");
    assert.equal(refusal("turn", 0).name, "RangeError");
    assert.deepEqual([...rows], [...fit, ...near, offset, length]);
  }
  rig.lend(Int32Array.of(...fit, 0, 0, 0), memory);
  for (const count of [-1, 2, -(2 ** 31), 2 ** 31 - 1]) {
    table[writeCountWord] = count;
    assert.equal(refusal("writeStreams").name, "RangeError");
    assert.equal(refusal("turn", 0).name, "RangeError");
  }
  table[writeCountWord] = 0;
  assert.equal(rig.write(0), 0);
  // Places that are not there.
  for (const place of [-1, 2 ** 31 - 1, 2 ** 18, 1000]) {
    rig.lend(Int32Array.of(place, 1, 0, 5), memory);
    assert.equal(rig.write(1), 0);
  }
  // What is gathered goes out with the next turn as well.
  const rows = Int32Array.of(...near, 0, 10, ...near, 2, 3);
  rig.lend(rows, memory);
  table[writeCountWord] = 2;
  assert.equal(rig.turn()[0]?.bytes, "0123456789234");
  assert.deepEqual([table[writeCountWord], table[shortCountWord], rows[3], rows[7]], [0, 0, 10, 3]);
}

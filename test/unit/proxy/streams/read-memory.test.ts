import { expect, test } from "bun:test";
import { giveBack, ReadMemory } from "../../../../src/proxy/streams/read-memory.ts";

/** Reads `length` octets as the addon does; gives them out, or only tells how far the memory is used. */
function read(memory: ReadMemory, length: number): Buffer {
  const table = new Int32Array(4);
  memory.begin(table, 0);
  const at = table[0] ?? 0;
  table[0] = at + Math.ceil(length / 8) * 8;
  memory.used(table, 0);
  return memory.take(at, length);
}

test("what everybody has let go of is read into again", () => {
  const memory = new ReadMemory(4);
  const first = read(memory, 300);
  expect(giveBack(first)).toBe(true);
  expect(read(memory, 300).byteOffset).toBe(first.byteOffset);
});

test("what somebody has is not read into, however much comes", () => {
  const memory = new ReadMemory(4);
  const kept = read(memory, 16).fill("k");
  for (let turn = 0; turn < 100; turn++) {
    const bytes = read(memory, 60_000).fill("x");
    if (turn % 2 === 0) giveBack(bytes);
  }
  expect(kept.toString("latin1")).toBe("k".repeat(16));
});

test("bytes that are let go of twice are let go of once", () => {
  const memory = new ReadMemory(4);
  const [one, other] = [read(memory, 8), read(memory, 8)];
  giveBack(one);
  giveBack(one);
  for (let turn = 0; turn < 20; turn++) giveBack(read(memory, 60_000).fill("x"));
  other.fill("o");
  expect(read(memory, 8).byteOffset).not.toBe(other.byteOffset);
});

test("bytes of memory that was given up are still nobody's to give back to the system", () => {
  const memory = new ReadMemory(3);
  const kept = read(memory, 16);
  const before = memory.bytes;
  while (memory.bytes === before) read(memory, 60_000);
  expect(giveBack(kept)).toBe(true);
  expect(giveBack(Buffer.alloc(100))).toBe(false);
});

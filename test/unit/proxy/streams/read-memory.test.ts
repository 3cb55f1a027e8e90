import { expect, test } from "bun:test";
import { readStep } from "../../../../src/proxy/streams/layout.ts";
import { giveBack, ReadMemory } from "../../../../src/proxy/streams/read-memory.ts";

/** Reads `length` octets as the addon does; gives where they lie. */
function placeFor(memory: ReadMemory, length: number): number {
  const table = new Int32Array(4);
  memory.begin(table, 0);
  const at = table[0] ?? 0;
  table[0] = at + Math.ceil(length / readStep) * readStep;
  memory.used(table, 0);
  return at;
}

/** Reads `length` octets, and gives them out. */
function read(memory: ReadMemory, length: number): Buffer {
  return memory.take(placeFor(memory, length), length);
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

test("short bytes come in one view for each place, and each time they are somebody's", () => {
  const memory = new ReadMemory(4);
  const readShort = (): Buffer => memory.takeShort(placeFor(memory, 16));
  const first = readShort();
  expect([first.byteOffset, first.length]).toEqual([0, 4096]);
  expect(giveBack(first)).toBe(true);
  expect(readShort()).toBe(first);
  expect(readShort().byteOffset).toBe(readStep);
  first.fill("k", 0, 16);
  for (let turn = 0; turn < 100; turn++) giveBack(read(memory, 60_000).fill("x"));
  expect(first.toString("latin1", 0, 16)).toBe("k".repeat(16));
});

test("bytes of memory that was given up are still nobody's to give back to the system", () => {
  const memory = new ReadMemory(3);
  const kept = read(memory, 16);
  const before = memory.bytes;
  while (memory.bytes === before) read(memory, 60_000);
  expect(giveBack(kept)).toBe(true);
  expect(giveBack(Buffer.alloc(100))).toBe(false);
});

import { expect, test } from "bun:test";
import { kept, keptPiece, letGo } from "../../../src/proxy/body-memory.ts";
import { InputBuffer } from "../../../src/proxy/input-buffer.ts";
import { Outbox } from "../../../src/proxy/outbox.ts";
import type { Wire } from "../../../src/proxy/sockets.ts";
import { isLent, ReadMemory } from "../../../src/proxy/streams/read-memory.ts";

const limits = { startLineBytes: 1000, headBytes: 1000, fields: 10 };

/** Reads a text as a socket of our own does. */
function read(memory: ReadMemory, text: string): Buffer {
  const table = new Int32Array(4);
  memory.begin(table, 0);
  const at = table[0] ?? 0;
  table[0] = at + Math.ceil(text.length / 8) * 8;
  memory.used(table, 0);
  const bytes = memory.take(at, text.length);
  bytes.write(text, "latin1");
  return bytes;
}

/** Reads many pieces, so that all memory which is nobody's is written over. */
function overwrite(memory: ReadMemory): void {
  for (let turn = 0; turn < 40; turn++) letGo(read(memory, "x".repeat(60_000)));
}

test("a part of a head is not kept in the memory that sockets are read into, and the rest is found behind it", () => {
  const memory = new ReadMemory(4);
  const input = new InputBuffer();
  input.add(read(memory, "GET / HTTP/1.1\r\nHost: a"));
  expect(input.findHead(limits)).toBeNull();
  input.keep();
  expect(input.bytes === null || isLent(input.bytes)).toBe(false);
  overwrite(memory);
  input.add(read(memory, "\r\n\r\nbody"));
  expect(input.findHead(limits)?.end).toBe("GET / HTTP/1.1\r\nHost: a\r\n\r\n".length);
  expect(input.bytes?.toString("latin1", input.start, input.end)).toEndWith("Host: a\r\n\r\nbody");
});

test("a request behind another is kept from where it begins", () => {
  const input = new InputBuffer();
  input.add(read(new ReadMemory(4), "GET / HTTP/1.1\r\n\r\nGET /2 "));
  const first = input.findHead(limits)?.end ?? 0;
  input.consumeTo(first);
  input.keep();
  expect(input.bytes?.toString("latin1", input.start, input.end)).toBe("GET /2 ");
  expect(input.bytes?.length).toBe("GET /2 ".length);
});

test("what was read over other sockets is kept as it is", () => {
  const bytes = Buffer.from("GET /");
  const input = new InputBuffer();
  input.add(bytes);
  input.keep();
  expect(input.bytes).toBe(bytes);
  expect(kept(bytes)).toBe(bytes);
});

for (const isFree of [true, false])
  test(`what a socket has no room for is the same later, though its memory is read into again; free: ${isFree}`, () => {
    const memory = new ReadMemory(4);
    let room = 2;
    let written = "";
    const write = (bytes: Buffer, start: number, length: number): number => {
      const taken = Math.min(room, length);
      written += bytes.toString("latin1", start, start + taken);
      return taken;
    };
    const outbox = new Outbox({ write } as unknown as Wire);
    const bytes = read(memory, "hello");
    expect(outbox.send(bytes, 0, 5, isFree)).toBe(false);
    overwrite(memory);
    if (isFree) expect(bytes.toString("latin1")).not.toBe("hello"); // it was given back
    room = 10;
    expect(outbox.flush()).toBe(true);
    expect(written).toBe("hello");
  });

test("what is long and will be given back waits where it is", () => {
  const bytes = read(new ReadMemory(4, 512 * 1024), "x".repeat(200_000));
  const piece = { bytes, start: 10, end: 200_000, isFree: true };
  expect(keptPiece(piece)).toBe(piece);
  expect(isLent(keptPiece({ ...piece, isFree: false }).bytes)).toBe(false);
});

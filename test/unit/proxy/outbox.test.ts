import { describe, expect, test } from "bun:test";
import { Outbox } from "../../../src/proxy/outbox.ts";
import type { Wire } from "../../../src/proxy/sockets.ts";
import type { BodyPiece } from "../../../src/proxy/body-piece.ts";

/** A socket that takes so many bytes of each write, and keeps each write apart. */
function fakeWire(most = Number.POSITIVE_INFINITY): { readonly wire: Wire; readonly writes: string[] } {
  const writes: string[] = [];
  const write = (bytes: Uint8Array, start: number, length: number): number => {
    const taken = Math.min(most, length);
    writes.push(Buffer.from(bytes).toString("latin1", start, start + taken));
    return taken;
  };
  return { wire: { write } as unknown as Wire, writes };
}

const serverHead = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n";
const ourHead = "HTTP/1.1 200 OK\r\n\r\n";

describe("a head with the first bytes of its body", () => {
  for (const length of [5, 65_536, 600_000]) {
    test(`goes out in one write in the place of the server's, before ${length} bytes`, () => {
      const { wire, writes } = fakeWire();
      const bytes = Buffer.from(`${serverHead}${"b".repeat(length)}`);
      const outbox = new Outbox(wire);
      const piece = { bytes, start: serverHead.length, end: bytes.length, isFree: true };
      expect(outbox.sendHead(ourHead, piece)).toBeTrue();
      expect(writes).toEqual([`${ourHead}${"b".repeat(length)}`]);
      expect([outbox.total, outbox.headTotal]).toEqual([ourHead.length + length, ourHead.length]);
    });
  }

  for (const [start, length] of [
    [serverHead.length, 5],
    [5, 5],
    [serverHead.length, 600_000],
    [5, 600_000],
  ] as const) {
    test(`is the same if it was put together as bytes, with ${length} bytes behind ${start}`, () => {
      const { wire, writes } = fakeWire();
      const bytes = Buffer.from(`${serverHead.slice(0, start)}${"b".repeat(length)}`);
      const outbox = new Outbox(wire);
      const room = outbox.roomBefore(bytes.length - start);
      room.bytes.write(ourHead, "latin1");
      expect(
        outbox.sendPut(room, ourHead.length, { bytes, start, end: bytes.length, isFree: true }),
      ).toBeTrue();
      expect(writes.join("")).toBe(`${ourHead}${"b".repeat(length)}`);
      expect([outbox.total, outbox.headTotal]).toEqual([ourHead.length + length, ourHead.length]);
    });
  }

  for (const length of [5, 1024, 1025, 5000])
    test(`is put together in the socket's own room if ${length} bytes are short enough, and the bytes are let go of`, () => {
      const { wire, writes } = fakeWire();
      const own = Buffer.alloc(6000, "-");
      const outbox = new Outbox({ ...wire, room: () => ({ bytes: own, start: 3000 }) });
      const bytes = Buffer.from(`${serverHead}${"b".repeat(length)}`);
      const room = outbox.roomBefore(length);
      expect(room.bytes === own).toBe(length <= 1024);
      room.bytes.write(ourHead, room.start, "latin1");
      const piece = { bytes, start: serverHead.length, end: bytes.length, isFree: true };
      expect(outbox.sendPut(room, ourHead.length, piece)).toBeTrue();
      expect(writes.join("")).toBe(`${ourHead}${"b".repeat(length)}`);
      expect([outbox.total, outbox.headTotal]).toEqual([ourHead.length + length, ourHead.length]);
    });

  test("goes out before its body where both do not fit into the socket's room", () => {
    const { wire, writes } = fakeWire();
    const own = Buffer.alloc(3000 + ourHead.length + 4);
    const outbox = new Outbox({ ...wire, room: () => ({ bytes: own, start: 3000 }) });
    const room = outbox.roomBefore(5);
    room.bytes.write(ourHead, room.start, "latin1");
    const bytes = Buffer.from("-body-");
    expect(outbox.sendPut(room, ourHead.length, { bytes, start: 1, end: 6 })).toBeTrue();
    expect(writes).toEqual([ourHead, "body-"]);
  });

  test("leaves alone what stands before a body that others have too", () => {
    const { wire, writes } = fakeWire();
    const bytes = Buffer.from(`${serverHead}body`);
    new Outbox(wire).sendHead(ourHead, { bytes, start: serverHead.length, end: bytes.length });
    expect(writes).toEqual([`${ourHead}body`]);
    expect(bytes.toString()).toBe(`${serverHead}body`);
  });

  test("goes out all the same where it is longer than the server's", () => {
    const { wire, writes } = fakeWire();
    const long = `HTTP/1.1 200 OK\r\nX-Long: ${"l".repeat(100)}\r\n\r\n`;
    const bytes = Buffer.from(`${serverHead}${"b".repeat(65_536)}`);
    const piece = { bytes, start: serverHead.length, end: bytes.length, isFree: true };
    new Outbox(wire).sendHead(long, piece);
    expect(writes.join("")).toBe(`${long}${"b".repeat(65_536)}`);
  });

  test("waits as far as the socket does not take it", () => {
    const { wire, writes } = fakeWire(10);
    const bytes = Buffer.from(`${serverHead}body`);
    const outbox = new Outbox(wire);
    const piece = { bytes, start: serverHead.length, end: bytes.length, isFree: true };
    expect(outbox.sendHead(ourHead, piece)).toBeFalse();
    for (let round = 0; round < 5; round++) outbox.flush();
    expect(outbox.isBlocked).toBeFalse();
    expect(writes.join("")).toBe(`${ourHead}body`);
  });
});

const long = "b".repeat(100_000);

/** A piece of a body that nobody else holds. */
function free(text: string): BodyPiece {
  const bytes = Buffer.from(text);
  return { bytes, start: 0, end: bytes.length, isFree: true };
}

describe("the memory of a body", () => {
  test("is given back once the socket has all of it", () => {
    const piece = free(`${serverHead}${long}`);
    new Outbox(fakeWire().wire).sendHead(ourHead, { ...piece, start: serverHead.length });
    expect(piece.bytes).toHaveLength(0);
  });

  test("is given back once it is copied into a frame, in chunks or not", () => {
    const outbox = new Outbox(fakeWire().wire);
    const [plain, chunked, large] = [free("b".repeat(5000)), free("b".repeat(5000)), free(long)];
    outbox.sendHead(ourHead, plain);
    outbox.sendChunk(ourHead, chunked, false);
    outbox.sendChunk("", large, true);
    expect([plain, chunked, large].map(({ bytes }) => bytes.length)).toEqual([0, 0, 0]);
  });

  test("stays until what waited was taken", () => {
    const { wire, writes } = fakeWire(60_000);
    const outbox = new Outbox(wire);
    const [first, second] = [free(long), free(long.toUpperCase())];
    for (const { bytes, end, isFree, start } of [first, second]) outbox.send(bytes, start, end, isFree);
    expect([first.bytes.length, second.bytes.length]).toEqual([100_000, 100_000]);
    outbox.flush();
    expect([first.bytes.length, second.bytes.length]).toEqual([0, 100_000]);
    while (!outbox.flush());
    expect(second.bytes).toHaveLength(0);
    expect(writes.join("")).toBe(long + long.toUpperCase());
    expect(outbox.taken).toBe(200_000);
  });

  test("stays where others have it too", () => {
    const { bytes, end, start } = free(long);
    const outbox = new Outbox(fakeWire().wire);
    outbox.sendHead(ourHead, { bytes, start, end });
    outbox.send(bytes, start, end);
    outbox.sendChunk("", { bytes, start, end }, true);
    expect(bytes.toString()).toBe(long);
  });
});

describe("what is known of a request that is handed in", () => {
  const lead = Buffer.from("lead");
  const request = Buffer.from("request");
  /** A socket that takes each write or has room for so much of it, is lost where that is -1, and says what has not arrived. */
  function begun(rooms: readonly number[], unheard: number): Outbox {
    const left = [lead.length, ...rooms];
    const write = (_bytes: Buffer, _from: number, length: number): number =>
      Math.min(left.shift() ?? 0, length);
    const outbox = new Outbox({ write, unheard: () => unheard } as unknown as Wire);
    outbox.send(lead, 0, lead.length);
    outbox.beginRequest();
    return outbox;
  }

  for (const [rooms, unheard, what, hasGoneOut, isUnheard] of [
    [[7, 7], 0, "all may have arrived", true, false],
    [[7, 7], 13, "one byte has arrived", true, false],
    [[7, 7], 14, "nothing has arrived", true, true],
    [[7, 7], 18, "not even what came before it has arrived", true, true],
    [[-1], 0, "the socket was gone before it", false, true],
    [[7, -1], 0, "the socket was gone amid it", true, false],
    [[7, -1], 7, "the socket was gone amid it, and the first part has not arrived", true, true],
    [[0], 0, "there was no room for any of it", true, true],
    [[3], 0, "there was room for a part of it", true, false],
    [[3], 3, "there was room for a part of it, which has not arrived", true, true],
  ] as const) {
    test(what, () => {
      const outbox = begun(rooms, unheard);
      for (let times = 0; times < 2; times++) outbox.send(request, 0, request.length);
      expect([outbox.hasGoneOut, outbox.isUnheard]).toEqual([hasGoneOut, isUnheard]);
    });
  }
});

import { describe, expect, test } from "bun:test";
import { WebSocketFrames } from "../../../src/proxy/websocket-frames.ts";

/** A frame of a client or a server with a payload of zeros. */
function frame(opcode: number, length: number, isMasked = false): Buffer {
  const mask = isMasked ? 0x80 : 0;
  const head =
    length < 126
      ? [opcode, mask | length]
      : length < 65_536
        ? [opcode, mask | 126, length >> 8, length & 0xff]
        : [opcode, mask | 127, 0, 0, 0, 0, ...Buffer.from(length.toString(16).padStart(8, "0"), "hex")];
  return Buffer.concat([Buffer.from(head), Buffer.alloc((isMasked ? 4 : 0) + length)]);
}

describe("the frames of a WebSocket (RFC 6455 §5.2)", () => {
  test("end where their lengths say, however they are cut", () => {
    for (const isMasked of [false, true]) {
      const frames = [0, 1, 125, 126, 127, 65_535, 65_536, 3].map((length) => frame(0x82, length, isMasked));
      const bytes = Buffer.concat(frames);
      const ends = new Set<number>([0]);
      let end = 0;
      for (const { length } of frames) ends.add((end += length));
      for (const step of [1, 2, 3, 7, 100, 70_000]) {
        const follower = new WebSocketFrames(false);
        for (let at = 0; at < bytes.length; at += step) {
          expect(follower.mayClose).toBe(ends.has(at));
          follower.take(bytes.subarray(at, at + step));
        }
        expect(follower.mayClose).toBe(true);
      }
    }
  });

  test("may have a Close between the fragments of a message, but none behind a Close", () => {
    const follower = new WebSocketFrames(false);
    follower.take(frame(0x01, 5));
    expect(follower.mayClose).toBe(true);
    expect(follower.goingAway()).toEqual(Buffer.from([0x88, 2, 0x03, 0xe9]));
    expect(follower.mayClose).toBe(false);
    const other = new WebSocketFrames(true);
    other.take(frame(0x88, 2, true));
    expect(other.mayClose).toBe(false);
  });

  test("are masked where a client's are meant", () => {
    const close = new WebSocketFrames(true).goingAway();
    expect([close.length, close[0], close[1]]).toEqual([8, 0x88, 0x82]);
    expect((close[6] ?? 0) ^ (close[2] ?? 0)).toBe(0x03);
    expect((close[7] ?? 0) ^ (close[3] ?? 0)).toBe(0xe9);
  });
});

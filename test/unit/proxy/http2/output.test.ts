import { expect, test } from "bun:test";
import { DataSender } from "../../../../src/proxy/http2/data-sender.ts";
import { FrameOutput } from "../../../../src/proxy/http2/output.ts";
import type { Wire } from "../../../../src/proxy/sockets.ts";

/** A socket that takes everything, and calls `onWrite` before it does. */
function wireThat(onWrite: () => void): { readonly wire: Wire; readonly writes: string[] } {
  const writes: string[] = [];
  const write = (bytes: Uint8Array, start: number, length: number): number => {
    onWrite();
    writes.push(Buffer.from(bytes).toString("latin1", start, start + length));
    return length;
  };
  return { wire: { write } as unknown as Wire, writes };
}

const aTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test("what a write brings about is written too, on a connection that had its turn already", async () => {
  const first = wireThat(() => {});
  const firstOutput = new FrameOutput(first.wire);
  const second = wireThat(() => firstOutput.add(Buffer.from("late")));
  firstOutput.add(Buffer.from("early"));
  new FrameOutput(second.wire).add(Buffer.from("second"));
  await aTurn();
  await aTurn();
  expect(second.writes).toEqual(["second"]);
  expect(first.writes).toEqual(["early", "late"]);
});

test("a window of less than nothing lets the end through and nothing else (RFC 9113 §6.9.2)", async () => {
  const { wire, writes } = wireThat(() => {});
  const sender = new DataSender(new FrameOutput(wire), 100);
  const bytes = Buffer.from("beforebody");
  const stream = { id: 1, window: -5, isEndHeld: false };
  expect(sender.send(stream, { bytes, start: 6, end: 10 }, true)).toBe(6);
  expect(sender.send(stream, { bytes, start: 6, end: 6 }, true)).toBe(6);
  expect([stream.window, stream.isEndHeld]).toEqual([-5, false]);
  await aTurn();
  expect(writes).toEqual(["\0\0\0\0\u0001\0\0\0\u0001"]);
});

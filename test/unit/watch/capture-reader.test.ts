import { describe, expect, test } from "bun:test";
import { concatBytes, fromHex, toHex } from "../../../src/base/bytes.ts";
import { CaptureError, CaptureReader } from "../../../src/watch/capture-reader.ts";
import type { CapturedFrame } from "../../../src/watch/packet.ts";
import { pcapHeader, pcapRecord } from "../../../src/watch/pcap.ts";
import { captureFixture } from "../../support/capture-fixture.ts";

const pcap = captureFixture("keepalived.pcap");
const pcapng = captureFixture("keepalived.pcapng");

function read(
  file: Uint8Array,
  pieceLength = file.length,
): { frames: CapturedFrame[]; end: "whole" | "cut" } {
  const reader = new CaptureReader();
  const frames: CapturedFrame[] = [];
  for (let at = 0; at < file.length; at += pieceLength)
    frames.push(...reader.push(file.slice(at, at + pieceLength)));
  return { frames, end: reader.end() };
}

/** Turns the numbers of a pcap file round; the frames stay. */
function bigEndian(file: Uint8Array): Uint8Array {
  const turned = file.slice();
  const turn = (at: number, size: number): void => turned.set(file.slice(at, at + size).toReversed(), at);
  turn(0, 4);
  turn(4, 2);
  turn(6, 2);
  for (const at of [8, 12, 16, 20]) turn(at, 4);
  const view = new DataView(file.buffer, file.byteOffset);
  for (let at = 24; at < file.length; at += 16 + view.getUint32(at + 8, true)) {
    for (const field of [0, 4, 8, 12]) turn(at + field, 4);
  }
  return turned;
}

function fraction(frame: CapturedFrame | undefined): number {
  return (frame?.atMs ?? 0) % 1000;
}

describe("CaptureReader", () => {
  test("reads what tcpdump wrote, in pieces of any size", () => {
    const { frames, end } = read(pcap);
    expect(end).toBe("whole");
    expect(frames).toHaveLength(16);
    expect(frames[0]?.linkType).toBe(1);
    expect(new Date(frames[0]?.atMs ?? 0).toISOString()).toBe("2026-11-21T15:47:58.963Z");
    expect(toHex(frames[0]?.bytes ?? new Uint8Array())).toStartWith("01005e000012");
    for (const length of [1, 7, 100]) expect(read(pcap, length).frames).toEqual(frames);
  });

  test("reads the same of the other byte order, and of nanoseconds", () => {
    const { frames } = read(pcap);
    expect(read(bigEndian(pcap)).frames).toEqual(frames);
    const nano = pcap.slice();
    new DataView(nano.buffer).setUint32(0, 0xa1b23c4d, true);
    const [first, second] = [read(nano).frames[0], frames[0]];
    expect(fraction(first)).toBeCloseTo(fraction(second) / 1000, 3);
  });

  test("reads what tshark wrote", () => {
    const { frames, end } = read(pcapng, 11);
    expect(end).toBe("whole");
    const expected = read(pcap).frames.slice(0, 4);
    expect(frames.map(({ bytes }) => bytes)).toEqual(expected.map(({ bytes }) => bytes));
    for (const [index, { atMs }] of frames.entries()) expect(atMs).toBeCloseTo(expected[index]?.atMs ?? 0, 2);
  });

  test("reads sections of the other byte order, names of interfaces, and blocks without time", () => {
    const file = fromHex(`0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c
      00000001 00000028 0001 0000 00000000 0002 0004 65746830 0009 0001 09000000 0000 0000 00000028
      00000003 00000014 00000004 aabbccdd 00000014
      00000006 00000024 00000000 18000000 00000000 00000002 00000009 aabb0000 00000024`);
    const { frames, end } = read(file);
    expect(end).toBe("whole");
    expect(frames).toMatchObject([
      { interface: "eth0", atMs: 0, wireLength: 4, bytes: fromHex("aabbccdd") },
      { interface: "eth0", wireLength: 9, bytes: fromHex("aabb") },
    ]);
    expect(frames[1]?.atMs).toBeCloseTo((0x18000000 * 2 ** 32) / 1e6, 0);
  });

  test("says that a file ends in the middle, or is none", () => {
    expect(read(pcap.slice(0, -3)).end).toBe("cut");
    expect(() => read(new TextEncoder().encode('[cluster]\nname = "shop"\n and more'))).toThrow(CaptureError);
    expect(() => read(fromHex("1f8b0800000000000003"))).toThrow("gunzip it first");
    expect(() => new CaptureReader().end()).toThrow("it is empty");
    const damaged = pcap.slice();
    new DataView(damaged.buffer).setUint32(32, 0xffff_ffff, true);
    expect(() => read(damaged)).toThrow("it is damaged: a frame of 4294967295 bytes");
  });

  test("reads what it writes", () => {
    const { frames } = read(pcap);
    const { frames: again } = read(concatBytes(pcapHeader(1), ...frames.map(pcapRecord)));
    expect(again).toEqual(frames);
  });
});

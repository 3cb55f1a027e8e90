import { describe, expect, test } from "bun:test";
import type { Flow } from "../../../../src/proxy/flow.ts";
import { Handshakes } from "../../../../src/proxy/http3/handshakes.ts";

const flow = (): Flow => ({}) as Flow;

/** A packet with a long header. */
function long(to: string, from: string): Buffer {
  const ids = [Buffer.of(to.length), Buffer.from(to), Buffer.of(from.length), Buffer.from(from)];
  return Buffer.concat([Buffer.of(0xc3, 0, 0, 0, 1), ...ids, Buffer.alloc(20)]);
}

function short(to: string): Buffer {
  return Buffer.concat([Buffer.of(0x43), Buffer.from(to), Buffer.alloc(20)]);
}

describe("Handshakes", () => {
  test("belong to the flow that they began over, by the ids of both ends, until they are over", () => {
    let now = 0;
    const handshakes = new Handshakes(() => now);
    const [one, other] = [flow(), flow()];
    expect(handshakes.comes(one, long("client's", "abc"))).toBe(true);
    expect(handshakes.comes(other, long("client's", "abc"))).toBe(false);
    expect(handshakes.leaves(one, long("abc", "ofserver"))).toBe(true);
    expect(handshakes.leaves(other, long("abc", "ofserver"))).toBe(false);
    for (const bytes of [long("ofserver", "abc"), short("ofserver")]) {
      expect(handshakes.comes(other, bytes)).toBe(false);
      expect(handshakes.comes(one, bytes)).toBe(true);
    }
    expect(handshakes.comes(other, short("another1"))).toBe(true);
    now = 6_000;
    expect(handshakes.comes(other, short("ofserver"))).toBe(true);
  });

  test("are bounded for each flow, and begin again later", () => {
    let now = 0;
    const handshakes = new Handshakes(() => now);
    const one = flow();
    const begun = Array.from({ length: 20 }, (_, index) => handshakes.comes(one, long(`id-${index}`, "")));
    expect(begun.filter(Boolean)).toHaveLength(16);
    expect(handshakes.comes(flow(), long("id-of-another", ""))).toBe(true);
    now = 6_000;
    expect(handshakes.comes(one, long("later", ""))).toBe(true);
  });

  test("have ids that are there", () => {
    const handshakes = new Handshakes(() => 0);
    expect(handshakes.comes(flow(), Buffer.of(0xc3, 0, 0, 0, 1, 200, 1, 2))).toBe(false);
    expect(handshakes.comes(flow(), Buffer.of(0xc3))).toBe(false);
  });
});

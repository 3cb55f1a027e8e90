import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { Analyst } from "../../../src/watch/analyst.ts";
import { CaptureError, CaptureReader } from "../../../src/watch/capture-reader.ts";
import { dissect } from "../../../src/watch/dissect.ts";
import { noticeObject, packetObject, summaryObject } from "../../../src/watch/json.ts";
import { linkType } from "../../../src/watch/link-layer.ts";
import { noticeLine, packetLine, summaryLines } from "../../../src/watch/text.ts";
import { captureFixture } from "../../support/capture-fixture.ts";
import { vrrpFrame } from "../../support/vrrp-frame.ts";

const stamp = (atMs: number): string => new Date(atMs).toISOString();
const style = { hasColour: true, namesInterface: true, clock: stamp };

/** Reads a file as the command does, and writes everything there is to say; only `CaptureError` may come out. */
function watch(file: Uint8Array): number {
  const analyst = new Analyst({ vrids: null, expected: null, interfaces: null });
  const reader = new CaptureReader();
  const lines: string[] = [];
  try {
    for (const frame of reader.push(file)) {
      const packet = dissect(frame);
      if (packet === null) continue;
      const { notices } = analyst.see(packet);
      lines.push(packetLine(packet, style), JSON.stringify(packetObject(packet, stamp)));
      for (const notice of notices) {
        lines.push(noticeLine(notice, style), JSON.stringify(noticeObject(notice, stamp)));
      }
    }
    reader.end();
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
  }
  const summary = analyst.summary();
  lines.push(...summaryLines(summary, style), JSON.stringify(summaryObject(summary, 0, stamp)));
  // No line has an end in it, whatever a file calls its interfaces.
  expect(lines.filter((line) => line.includes("\n"))).toEqual([]);
  return lines.length;
}

const fixtures = ["keepalived.pcap", "keepalived.pcapng"].map(captureFixture);

test("a capture with changed bytes never throws", () => {
  const change = fc.tuple(fc.nat(), fc.nat(255));
  fc.assert(
    fc.property(
      fc.constantFrom(...fixtures),
      fc.array(change, { minLength: 1, maxLength: 12 }),
      (file, changes) => {
        const changed = file.slice();
        for (const [at, value] of changes) changed[at % changed.length] = value;
        watch(changed);
      },
    ),
    { numRuns: 500 },
  );
});

test("a capture that is cut anywhere never throws", () => {
  for (const file of fixtures) {
    for (let length = 0; length < file.length; length += 3) watch(file.subarray(0, length));
  }
});

test("frames of any kind and any bytes never throw", () => {
  const kinds = fc.constantFrom(...Object.values(linkType));
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    fc.tuple(fc.nat(60), fc.nat(255)).map(([at, value]) => vrrpFrame().with(at % vrrpFrame().length, value)),
  );
  fc.assert(
    fc.property(kinds, bytes, fc.double({ noNaN: true }), (kind, frame, atMs) => {
      const packet = dissect({
        atMs,
        interface: "\u001B[2J\n",
        linkType: kind,
        bytes: frame,
        wireLength: frame.length,
      });
      if (packet === null) return;
      const analyst = new Analyst({ vrids: null, expected: null, interfaces: null });
      analyst.see(packet);
      expect(packetLine(packet, { ...style, hasColour: false })).not.toContain("\u001B");
      JSON.stringify(packetObject(packet, stamp));
    }),
    { numRuns: 2_000 },
  );
});

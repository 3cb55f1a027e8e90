import { expect, test } from "bun:test";
import { FrameReader } from "../../../../src/proxy/http2/frame-reader.ts";
import { errorCode, settingsFrame } from "../../../../src/proxy/http2/frames.ts";
import { HeaderBlocks } from "../../../../src/proxy/http2/header-blocks.ts";
import { HpackDecoder } from "../../../../src/proxy/http2/hpack-decoder.ts";
import { FrameOutput } from "../../../../src/proxy/http2/output.ts";
import { InputBuffer } from "../../../../src/proxy/input-buffer.ts";
import type { Wire } from "../../../../src/proxy/sockets.ts";

const limits = { fields: 10, bytes: 1024 * 1024 };

/** Writes a request's head and reads it again, where heads may be so long. */
function passed(fields: readonly { name: string; value: string }[], headBytes: number): unknown {
  const input = new InputBuffer();
  const write = (bytes: Uint8Array, start: number, length: number): number => {
    input.add(Buffer.from(bytes.subarray(start, start + length)));
    return length;
  };
  const output = new FrameOutput({ write } as unknown as Wire);
  output.add(settingsFrame([]));
  new HeaderBlocks(output, 4096).request(1, fields, true);
  output.flush();
  const decoder = new HpackDecoder(4096, limits);
  const taker = {
    takeFrame: () => null,
    takeBlock: (
      _id: number,
      _isLast: boolean,
      { bytes, end, start }: { bytes: Buffer; start: number; end: number },
    ) => {
      decoder.decode(bytes, start, end);
      return null;
    },
  };
  const reader = new FrameReader(taker, "server", headBytes);
  let code = reader.next(input);
  while (code === errorCode.none) code = reader.next(input);
  return code ?? decoder.fields.map(({ name, value }) => ({ name, value }));
}

test("a head of almost 1 MiB, as `limits` allows it, is written whole and read whole", () => {
  const fields = [
    { name: "a", value: "1" },
    { name: "large", value: "l".repeat(600_000) },
    { name: "larger", value: "m".repeat(400_000) },
  ];
  expect(passed(fields, limits.bytes)).toEqual(fields);
});

test("a head much larger than allowed ends the connection before it is read", () => {
  const fields = [{ name: "large", value: "l".repeat(40_000) }];
  expect(passed(fields, 24 * 1024)).toBe(errorCode.enhanceYourCalm);
  expect(passed(fields, 48 * 1024)).toEqual(fields);
});

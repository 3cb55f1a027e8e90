import { concatBytes } from "../base/bytes.ts";
import type { CapturedFrame } from "./packet.ts";
import type { BlockFormat, Taken } from "./capture-reader.ts";

/** PURE: the classic format of capture files (draft-ietf-opsawg-pcap), in either byte order, to the micro- or nanosecond. */

const headerLength = 24;
const recordLength = 16;
const magic = { micro: 0xa1b2c3d4, nano: 0xa1b23c4d } as const;
/** What tcpdump calls MAXIMUM_SNAPLEN. */
const longestFrame = 262_144;

/** Gives the format of a file that begins with these 24 bytes, or null if it is another one. */
export function pcapFormat(
  header: Uint8Array,
): { readonly format: BlockFormat; readonly length: number } | null {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  for (const isLittle of [true, false]) {
    const found = view.getUint32(0, isLittle);
    if (found !== magic.micro && found !== magic.nano) continue;
    const perMs = found === magic.micro ? 1e3 : 1e6;
    // The upper bits say how long the frame check sequence is, which is never in the way here.
    const linkType = view.getUint32(20, isLittle) & 0xffff;
    return { length: headerLength, format: (bytes) => takeRecord(bytes, { isLittle, perMs, linkType }) };
  }
  return null;
}

interface Kind {
  readonly isLittle: boolean;
  readonly perMs: number;
  readonly linkType: number;
}

function takeRecord(bytes: Uint8Array, { isLittle, perMs, linkType }: Kind): Taken {
  if (bytes.length < recordLength) return "more";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(8, isLittle);
  if (length > longestFrame) return { problem: `a frame of ${length} bytes is longer than any` };
  const end = recordLength + length;
  if (bytes.length < end) return "more";
  const atMs = view.getUint32(0, isLittle) * 1000 + view.getUint32(4, isLittle) / perMs;
  const wireLength = view.getUint32(12, isLittle);
  const frame = { atMs, interface: null, linkType, bytes: bytes.slice(recordLength, end), wireLength };
  return { length: end, frame };
}

/** Makes the beginning of a file with frames of one kind, to the microsecond. */
export function pcapHeader(linkType: number): Uint8Array {
  const bytes = new Uint8Array(headerLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic.micro, true);
  // Version 2.4.
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, longestFrame, true);
  view.setUint32(20, linkType, true);
  return bytes;
}

/** Makes the record of a frame. */
export function pcapRecord({
  atMs,
  bytes,
  wireLength,
}: Omit<CapturedFrame, "interface" | "linkType">): Uint8Array {
  const head = new Uint8Array(recordLength);
  const view = new DataView(head.buffer);
  const micros = Math.round(atMs * 1000);
  view.setUint32(0, Math.floor(micros / 1e6), true);
  view.setUint32(4, micros % 1e6, true);
  view.setUint32(8, bytes.length, true);
  view.setUint32(12, wireLength, true);
  return concatBytes(head, bytes);
}

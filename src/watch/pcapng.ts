import type { BlockFormat, Taken } from "./capture-reader.ts";

/** PURE: the newer format of capture files, which tshark writes (draft-ietf-opsawg-pcapng §3–4). */

/** The first word of a section, the same in either byte order. */
export const sectionBlock = 0x0a0d0d0a;

const block = { interface: 1, packet: 2, simplePacket: 3, enhancedPacket: 6 } as const;
const byteOrderMagic = 0x1a2b3c4d;
const option = { name: 2, resolution: 9, offset: 14 } as const;
const longestBlock = 16 * 1024 * 1024;
const mostInterfaces = 1024;

interface Described {
  readonly linkType: number;
  readonly name: string | null;
  readonly unitsPerMs: number;
  readonly offsetMs: number;
}

/** Gives a reader of blocks from the first section on; it remembers the interfaces that a section describes. */
export function pcapngFormat(): BlockFormat {
  let isLittle = true;
  let interfaces: Described[] = [];
  return (bytes) => {
    if (bytes.length < 12) return "more";
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const isSection = view.getUint32(0) === sectionBlock;
    if (isSection) {
      isLittle = view.getUint32(8, true) === byteOrderMagic;
      if (!isLittle && view.getUint32(8) !== byteOrderMagic)
        return { problem: "a section has no byte order" };
      interfaces = [];
    }
    const length = view.getUint32(4, isLittle);
    if (length < 12 || length % 4 !== 0 || length > longestBlock) {
      return { problem: `a block has a length of ${length} bytes` };
    }
    if (bytes.length < length) return "more";
    const body = bytes.subarray(8, length - 4);
    const type = view.getUint32(0, isLittle);
    if (type === block.interface && !isSection) {
      if (interfaces.length === mostInterfaces) return { problem: "it has too many interfaces" };
      interfaces.push(readInterface(body, isLittle));
      return { length, frame: null };
    }
    return isSection ? { length, frame: null } : takePacket({ type, length, body, isLittle }, interfaces);
  };
}

interface Block {
  readonly type: number;
  readonly length: number;
  readonly body: Uint8Array;
  readonly isLittle: boolean;
}

function takePacket({ type, length, body, isLittle }: Block, interfaces: readonly Described[]): Taken {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const isPacket = type === block.enhancedPacket || type === block.packet;
  if (isPacket && body.length >= 20) {
    // The obsolete block has 16 bits of interface and 16 of lost packets in place of 32 of interface.
    const index = type === block.packet ? view.getUint16(0, isLittle) : view.getUint32(0, isLittle);
    const described = interfaces[index];
    if (described === undefined)
      return { problem: `a packet is of interface ${index}, which is not described` };
    const units = view.getUint32(4, isLittle) * 2 ** 32 + view.getUint32(8, isLittle);
    const atMs = units / described.unitsPerMs + described.offsetMs;
    const bytes = body.slice(20, 20 + view.getUint32(12, isLittle));
    const { linkType, name } = described;
    return {
      length,
      frame: { atMs, interface: name, linkType, bytes, wireLength: view.getUint32(16, isLittle) },
    };
  }
  if (type === block.simplePacket && body.length >= 4) {
    const [described] = interfaces;
    if (described === undefined) return { problem: "a packet comes before its interface" };
    const wireLength = view.getUint32(0, isLittle);
    const bytes = body.slice(4, 4 + wireLength);
    // It has no time: nothing that takes time can be told from such a file.
    return {
      length,
      frame: { atMs: 0, interface: described.name, linkType: described.linkType, bytes, wireLength },
    };
  }
  return { length, frame: null };
}

function readInterface(body: Uint8Array, isLittle: boolean): Described {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const options = readOptions(body, isLittle);
  const name = options.get(option.name);
  const offset = options.get(option.offset);
  return {
    linkType: body.length >= 2 ? view.getUint16(0, isLittle) : -1,
    name: name === undefined ? null : new TextDecoder().decode(name),
    unitsPerMs: unitsPerMs(options.get(option.resolution)?.[0] ?? 6),
    offsetMs: offset?.length === 8 ? secondsOf(offset, isLittle) * 1000 : 0,
  };
}

function readOptions(body: Uint8Array, isLittle: boolean): ReadonlyMap<number, Uint8Array> {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const options = new Map<number, Uint8Array>();
  for (let at = 8; at + 4 <= body.length;) {
    const code = view.getUint16(at, isLittle);
    const length = view.getUint16(at + 2, isLittle);
    const value = body.subarray(at + 4, at + 4 + length);
    if (code === 0 || value.length < length) break;
    options.set(code, value);
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return options;
}

function secondsOf(bytes: Uint8Array, isLittle: boolean): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigInt64(0, isLittle));
}

/** A power of ten, or with the highest bit set of two. */
function unitsPerMs(resolution: number): number {
  const perSecond = resolution & 0x80 ? 2 ** (resolution & 0x7f) : 10 ** resolution;
  return perSecond / 1000;
}

import zlib from "node:zlib";
import { assert } from "../../base/assert.ts";
import type { Coding } from "../../config/content-plan.ts";

/**
 * What a stream of node:zlib works with. Its types leave it out; the stream itself would hand every piece to a thread and
 * back, and a response would have to be held up meanwhile (docs/decisions/compression-in-step.md).
 */
interface Engine {
  readonly _handle: {
    onerror: (message: string, errno: number, code: string) => void;
    writeSync(
      flush: number,
      input: Uint8Array,
      inputStart: number,
      inputLength: number,
      output: Uint8Array,
      outputStart: number,
      outputLength: number,
    ): void;
    /** Frees the memory of the coder at once. */
    close(): void;
  };
  /** What was left after the last call: room in the output, and bytes of the input. */
  readonly _writeState: Uint32Array;
}

const { constants } = zlib;
const flushes: Readonly<Record<Coding, { readonly flush: number; readonly finish: number }>> = {
  gzip: { flush: constants.Z_SYNC_FLUSH, finish: constants.Z_FINISH },
  br: { flush: constants.BROTLI_OPERATION_FLUSH, finish: constants.BROTLI_OPERATION_FINISH },
  zstd: { flush: constants.ZSTD_e_flush, finish: constants.ZSTD_e_end },
};

/** The stream's own buffer, which is not used: as small as may be. */
const chunkSize = 64;
/** 256 KiB: what lies further back is hardly ever like it, and RFC 9659 §3 lets nobody count on more than 8 MiB. */
const windowBits = 18;

const makers: Readonly<Record<Coding, (level: number) => object>> = {
  gzip: (level) => zlib.createGzip({ level, chunkSize }),
  br: (level) =>
    zlib.createBrotliCompress({
      chunkSize,
      params: { [constants.BROTLI_PARAM_QUALITY]: level, [constants.BROTLI_PARAM_LGWIN]: windowBits },
    }),
  zstd: (level) =>
    zlib.createZstdCompress({
      chunkSize,
      params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_windowLog]: windowBits },
    }),
};

/** What a coder holds by its level, measured with windows of these sizes. */
const kibibytes: Readonly<Record<Coding, readonly number[]>> = {
  gzip: [340],
  br: [180, 310, 440, 450, 760, 1580, 2850],
  zstd: [270, 270, 460, 980, 2260, 2770, 4000, 5330],
};

/** Gives the bytes that a coder holds from its first piece on until it is closed, about. */
export function coderBytes(coding: Coding, level: number): number {
  const sizes = kibibytes[coding];
  return 1024 * (sizes[level] ?? sizes.at(-1) ?? 0);
}

function isEngine(stream: object): stream is Engine {
  return "_handle" in stream && "_writeState" in stream && stream._writeState instanceof Uint32Array;
}

/** Where output is gathered within a call. */
const room = Buffer.allocUnsafe(64 * 1024);

/**
 * Encodes one body, piece by piece; each piece can be decoded as soon as it is there. It is used once: the runtime's `reset`
 * forgets the level of Brotli and Zstandard.
 */
export class Encoder {
  private readonly engine: Engine;
  private readonly coding: Coding;
  private fault: string | null = null;

  constructor(coding: Coding, level: number) {
    const stream = makers[coding](level);
    assert(isEngine(stream), "node:zlib works otherwise than it did");
    this.engine = stream;
    this.coding = coding;
    // The stream's own would end the process: nobody listens to its events.
    stream._handle.onerror = (message, _errno, code) => {
      this.fault = `${code}: ${message}`;
    };
  }

  /** Gives the code of a piece, in bytes of its own, which end the body if `isLast`; throws if the coder fails. */
  encode(bytes: Uint8Array, start: number, end: number, isLast: boolean): Buffer {
    const { _handle: handle, _writeState: state } = this.engine;
    const flush = isLast ? flushes[this.coding].finish : flushes[this.coding].flush;
    const parts: Buffer[] = [];
    for (let at = start; ;) {
      handle.writeSync(flush, bytes, at, end - at, room, 0, room.length);
      if (this.fault !== null) throw new Error(`${this.coding} cannot encode: ${this.fault}`);
      const [free = 0, left = 0] = state;
      parts.push(Buffer.from(room.subarray(0, room.length - free)));
      at = end - left;
      if (free > 0) break;
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  }

  /** Frees its memory; nothing can be encoded any more. */
  close(): void {
    this.engine._handle.close();
  }
}

/** Encodes a whole body at once; throws if the coder fails. */
export function encodeWhole(
  coding: Coding,
  level: number,
  body: { readonly bytes: Uint8Array; readonly start: number; readonly end: number },
): Buffer {
  const encoder = new Encoder(coding, level);
  try {
    return encoder.encode(body.bytes, body.start, body.end, true);
  } finally {
    encoder.close();
  }
}

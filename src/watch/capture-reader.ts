import { concatBytes } from "../base/bytes.ts";
import type { CapturedFrame } from "./packet.ts";
import { pcapFormat } from "./pcap.ts";
import { pcapngFormat, sectionBlock } from "./pcapng.ts";

/** What a format takes off the front of some bytes; `more` are needed, or what is there is no capture. */
export type Taken =
  | { readonly length: number; readonly frame: CapturedFrame | null }
  | { readonly problem: string }
  | "more";

/** Reads one block or record. */
export type BlockFormat = (bytes: Uint8Array) => Taken;

/** Thrown for a file that is no capture; the message says why. */
export class CaptureError extends Error {}

const longestHeader = 24;

/** PURE: reads a capture file of either format as it comes in, in pieces of any size. */
export class CaptureReader {
  #rest: Uint8Array = new Uint8Array(0);
  #format: BlockFormat | null = null;

  /** Takes more of the file and gives the frames that are whole now; throws `CaptureError`. */
  *push(piece: Uint8Array): Generator<CapturedFrame> {
    this.#rest = this.#rest.length === 0 ? piece : concatBytes(this.#rest, piece);
    this.#format ??= this.#recognise();
    if (this.#format === null) return;
    for (;;) {
      const taken = this.#format(this.#rest);
      if (taken === "more") break;
      if ("problem" in taken) throw new CaptureError(`it is damaged: ${taken.problem}`);
      this.#rest = this.#rest.subarray(taken.length);
      if (taken.frame !== null) yield taken.frame;
    }
    // What is left over is short: nothing of the piece is held on to.
    this.#rest = this.#rest.slice();
  }

  /** Says whether the file ended where a frame ended; throws `CaptureError` if it was none. */
  end(): "whole" | "cut" {
    if (this.#format === null) throw new CaptureError(this.#rest.length === 0 ? "it is empty" : noCapture);
    return this.#rest.length === 0 ? "whole" : "cut";
  }

  #recognise(): BlockFormat | null {
    const bytes = this.#rest;
    if (bytes.length < 4) return null;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.getUint32(0) === sectionBlock) return pcapngFormat();
    if (view.getUint16(0) === 0x1f8b) throw new CaptureError("it is compressed: gunzip it first");
    if (bytes.length < longestHeader) return null;
    const found = pcapFormat(bytes);
    if (found === null) throw new CaptureError(noCapture);
    this.#rest = bytes.subarray(found.length);
    return found.format;
  }
}

const noCapture = "it is no capture: write one with `tcpdump -w FILE` or `tshark -w FILE`";

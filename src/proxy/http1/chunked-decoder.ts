import { unreachable } from "../../base/assert.ts";
import { COLON, CR, DEL, hexValue, HTAB, LF, SEMICOLON, SP, tokenOctet } from "./octets.ts";

/** Hexadecimal digits of a chunk size: 2^48 bytes are more than any length that is counted exactly needs. */
const maxSizeDigits = 12;
/** Bytes of all chunk extensions of one body: no server of ours gives them a meaning (RFC 9112 §7.1.1). */
const maxExtensionBytes = 4096;
const maxTrailerBytes = 8192;

type State =
  | "size"
  | "extension-blank"
  | "extension"
  | "size-lf"
  | "data"
  | "data-cr"
  | "data-lf"
  | "trailer-start"
  | "trailer-name"
  | "trailer-value"
  | "trailer-lf"
  | "end-lf"
  | "done"
  | "fault";

/**
 * Takes the chunked coding off a body that arrives in pieces (RFC 9112 §7.1). The grammar is kept to the letter: a
 * size is hexadecimal digits, a line ends with CR LF and in no other way. Trailer fields are checked and kept apart. Only servers may
 * have blanks behind a size: old ones fill its line up with them, and what they send is put into chunks of our own.
 */
export class ChunkedDecoder {
  /** Where the payload of the last piece stands in it, moved together so that it is one run. */
  payloadStart = 0;
  payloadEnd = 0;
  /** The trailer field lines, each with its line end; whole when the body is. */
  trailers = "";
  private readonly isServers: boolean;
  private state: State = "size";
  private remaining = 0;
  private digits = 0;
  private overheadBytes = 0;

  constructor(isServers = false) {
    this.isServers = isServers;
  }

  /** Makes it ready for the next body. */
  reset(): void {
    this.state = "size";
    this.remaining = 0;
    this.digits = 0;
    this.overheadBytes = 0;
    this.trailers = "";
  }

  /** Whether the body is complete. */
  get isDone(): boolean {
    return this.state === "done";
  }

  /** Whether the coding was wrong; nothing may be read any more. */
  get isFaulty(): boolean {
    return this.state === "fault";
  }

  /** Decodes `bytes` from `start` to `end` in place and gives the offset behind what belongs to this body. */
  decode(bytes: Uint8Array, start: number, end: number): number {
    this.payloadStart = start;
    this.payloadEnd = start;
    let at = start;
    while (at < end && this.state !== "done" && this.state !== "fault") {
      if (this.state === "data") {
        at += this.takeData(bytes, at, end);
        continue;
      }
      this.state = this.next(bytes[at] ?? 0);
      at++;
    }
    return at;
  }

  private takeData(bytes: Uint8Array, at: number, end: number): number {
    const length = Math.min(this.remaining, end - at);
    if (this.payloadEnd === this.payloadStart) {
      this.payloadStart = at;
      this.payloadEnd = at;
    } else if (this.payloadEnd !== at) {
      bytes.copyWithin(this.payloadEnd, at, at + length);
    }
    this.payloadEnd += length;
    this.remaining -= length;
    if (this.remaining === 0) this.state = "data-cr";
    return length;
  }

  private next(octet: number): State {
    const { state } = this;
    switch (state) {
      case "size":
        return this.size(octet);
      case "extension-blank":
        // RFC 9112 §7.1.1: white space is "bad" but allowed, if an extension follows.
        if (octet === SEMICOLON) return "extension";
        if (octet === CR && this.isServers) return "size-lf";
        return octet === SP || octet === HTAB ? this.overhead("extension-blank", maxExtensionBytes) : "fault";
      case "extension":
        if (octet === CR) return "size-lf";
        return isText(octet) ? this.overhead("extension", maxExtensionBytes) : "fault";
      case "size-lf":
        if (octet !== LF) return "fault";
        this.digits = 0;
        return this.remaining === 0 ? "trailer-start" : "data";
      case "data-cr":
        return octet === CR ? "data-lf" : "fault";
      case "data-lf":
        return octet === LF ? "size" : "fault";
      case "trailer-start":
        if (octet === CR) return "end-lf";
        return tokenOctet[octet] === 0 ? "fault" : this.trailer("trailer-name", octet);
      case "trailer-name":
        if (octet === COLON) return this.trailer("trailer-value", octet);
        return tokenOctet[octet] === 0 ? "fault" : this.trailer("trailer-name", octet);
      case "trailer-value":
        if (octet === CR) return "trailer-lf";
        return isText(octet) ? this.trailer("trailer-value", octet) : "fault";
      case "trailer-lf":
        if (octet !== LF) return "fault";
        this.trailers += "\r\n";
        return "trailer-start";
      case "end-lf":
        return octet === LF ? "done" : "fault";
      case "data":
      case "done":
      case "fault":
        return state;
      default:
        return unreachable(state);
    }
  }

  private size(octet: number): State {
    const value = hexValue[octet] ?? 255;
    if (value < 16) {
      this.remaining = this.remaining * 16 + value;
      return ++this.digits > maxSizeDigits ? "fault" : "size";
    }
    if (this.digits === 0) return "fault";
    if (octet === CR) return "size-lf";
    if (octet === SEMICOLON) return "extension";
    return octet === SP || octet === HTAB ? "extension-blank" : "fault";
  }

  private trailer(state: State, octet: number): State {
    this.trailers += String.fromCharCode(octet);
    return this.overhead(state, maxTrailerBytes);
  }

  private overhead(state: State, limit: number): State {
    return ++this.overheadBytes > limit ? "fault" : state;
  }
}

function isText(octet: number): boolean {
  return (octet >= SP && octet !== DEL) || octet === HTAB;
}

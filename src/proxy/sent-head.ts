import { readLatin1 } from "./latin1.ts";

/** Room for a dozen heads: few enough that one whose answer is long in coming keeps no memory worth mention. */
const pageBytes = 4096;

/** The head of a request as servers get it, in the form of HTTP/1.1: as text, or as bytes that nobody changes any more. */
export class SentHead {
  /** Null if it is a text. */
  bytes: Buffer | null;
  readonly start: number;
  readonly end: number;
  private ownText: string;

  private constructor(text: string, bytes: Buffer | null, start: number, end: number) {
    this.ownText = text;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  static ofText(text: string): SentHead {
    return new SentHead(text, null, 0, 0);
  }

  static ofBytes(bytes: Buffer, start: number, end: number): SentHead {
    return new SentHead("", bytes, start, end);
  }

  /** The head as Latin-1, one character an octet. */
  get text(): string {
    if (this.ownText === "" && this.bytes !== null)
      this.ownText = readLatin1(this.bytes, this.start, this.end);
    return this.ownText;
  }

  /** How many octets it has. */
  get length(): number {
    return this.bytes === null ? this.ownText.length : this.end - this.start;
  }

  /** Lets go of it once it is sent to nobody any more. */
  forget(): void {
    this.bytes = null;
    this.ownText = "";
  }
}

/**
 * Where heads are written one behind the other. A text of each, put together from its parts and copied to be sent, takes twice as
 * long; and a retry may need it after what the client sent is gone.
 */
export class HeadRoom {
  /** Of the page that was given last. */
  used = 0;
  private page: Buffer = Buffer.allocUnsafeSlow(pageBytes);

  /** Gives the bytes that a head of so many at most is to be written into, from `used` on. */
  roomFor(most: number): Buffer {
    if (this.used + most <= this.page.length) return this.page;
    this.page = Buffer.allocUnsafeSlow(Math.max(pageBytes, most));
    this.used = 0;
    return this.page;
  }

  /** Takes the head, which ends at `end`. */
  wrote(end: number): SentHead {
    const start = this.used;
    this.used = end;
    return SentHead.ofBytes(this.page, start, end);
  }
}

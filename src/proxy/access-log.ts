import { closeSync, openSync, writeSync } from "node:fs";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { LineFormat } from "./line-format.ts";
import { writeLatin1 } from "./latin1.ts";
import type { LineRoom } from "./main-line.ts";

const bufferBytes = 64 * 1024;

/** Where lines of access logs go. */
export interface LogSink {
  /** Where lines are written that are not put together as texts first. */
  readonly room: LineRoom;
  /** Adds a line, line feed included. */
  add(line: string): void;
  /** Writes what has gathered. */
  flush(): void;
  /** Opens its file anew, which may have been moved away. */
  reopen(): void;
  close(): void;
}

/** The access log of a site or route: lines in its format, and where they go. */
export interface RequestLog {
  readonly format: LineFormat;
  /** Where lines go that are in one of the formats that `MainLine` writes; null if they are in another. */
  readonly main: MainLog | null;
  add(line: string): void;
}

/** A log in nginx's format `main`, or in `combined`, which does not tell X-Forwarded-For. */
export interface MainLog {
  readonly room: LineRoom;
  readonly tellsForwarded: boolean;
}

const standardOutput = 1;

/**
 * An access log file, or standard output. Lines are gathered and written each second or when they fill 64 KiB, for a write is a system
 * call; and they are gathered as bytes, for strings that live that long cost the collector more than this copy. A file that cannot be written is reported once, and the service goes on without it.
 */
export class AccessLog implements LogSink, LineRoom {
  private readonly path: string | null;
  private readonly log: Log;
  private fd: number | null = null;
  private readonly bytes = Buffer.allocUnsafe(bufferBytes);
  /** Of them, how many have gathered. */
  used = 0;
  /** A line that is longer than all of them. */
  private longLine: Buffer | null = null;
  private hasFailed = false;
  /** Whether the file ends in the middle of a line, for want of room. */
  private isCutOff = false;
  private isClosed = false;

  /** Null is standard output. */
  constructor(path: string | null, log: Log) {
    this.path = path;
    this.log = log;
    this.open();
  }

  /** Adds a line, line feed included. */
  add(line: string): void {
    if (this.used + line.length > bufferBytes) this.flush();
    if (line.length > bufferBytes) {
      // Each byte of a head may be written as four, and more than once.
      this.write(Buffer.from(line, "latin1"), line.length);
    } else {
      writeLatin1(this.bytes, line, this.used);
      this.used += line.length;
    }
    // The line of a request that ends after its plan: nobody flushes any more.
    if (this.isClosed) this.close();
  }

  get room(): LineRoom {
    return this;
  }

  roomFor(most: number): Buffer {
    if (this.used + most > bufferBytes) this.flush();
    if (most <= bufferBytes) return this.bytes;
    this.longLine = Buffer.allocUnsafe(most);
    return this.longLine;
  }

  wrote(end: number): void {
    if (this.longLine === null) this.used = end;
    else this.write(this.longLine, end);
    this.longLine = null;
    if (this.isClosed) this.close();
  }

  /** Writes what has gathered. */
  flush(): void {
    const { used } = this;
    this.used = 0;
    if (used > 0) this.write(this.bytes, used);
  }

  /** Closes the file after what has gathered; what is added later opens it again for that line. */
  close(): void {
    this.isClosed = true;
    this.flush();
    if (this.fd !== null && this.path !== null) closeSync(this.fd);
    this.fd = null;
  }

  reopen(): void {
    this.flush();
    const before = this.fd;
    this.fd = null;
    this.open();
    if (this.fd === null) this.fd = before;
    else if (before !== null && this.path !== null) closeSync(before);
  }

  private write(bytes: Buffer, end: number): void {
    if (this.fd === null) this.open();
    if (this.fd === null) return;
    let at = 0;
    try {
      if (this.isCutOff) writeSync(this.fd, "\n");
      this.isCutOff = false;
      while (at < end) at += writeSync(this.fd, bytes, at, end - at);
      this.hasFailed = false;
    } catch (error) {
      this.isCutOff ||= at > 0 && bytes[at - 1] !== 0x0a;
      this.report(error);
    }
  }

  private open(): void {
    try {
      this.fd = this.path === null ? standardOutput : openSync(this.path, "a", 0o640);
    } catch (error) {
      this.report(error);
    }
  }

  private report(error: unknown): void {
    if (!this.hasFailed)
      this.log.error(
        `access log ${this.path ?? "on standard output"}: ${errorText(error)}; requests are served without it`,
      );
    this.hasFailed = true;
  }
}

import type { Coding } from "../../config/content-plan.ts";
import { encodeWhole } from "./encoder.ts";

/** Bytes, encoded and as they were, that are remembered; of each process. */
const mostBytes = 16 * 1024 ** 2;

/** What a remembered body takes beside its bytes. */
const overheadBytes = 512;

/** Codes of bodies that are sent again and again: pages, files and what the cache keeps. */
export class EncodedBodies {
  /** The one that was not asked for longest is the first. */
  private readonly byBody = new Map<Buffer, Map<string, Buffer | null>>();
  private readonly mostBytes: number;
  private bytes = 0;

  constructor(most: number = mostBytes) {
    this.mostBytes = most;
  }

  /** Gives the code of a body that never changes; null if it would be no shorter. Throws if the coder fails. */
  of(body: Buffer, coding: Coding, level: number): Buffer | null {
    const key = `${coding} ${level}`;
    const codes = this.byBody.get(body);
    const known = codes?.get(key);
    if (codes !== undefined) {
      this.byBody.delete(body);
      this.byBody.set(body, codes);
    }
    return known === undefined ? this.add(body, key, shorter(body, coding, level)) : known;
  }

  private add(body: Buffer, key: string, code: Buffer | null): Buffer | null {
    const codes = this.byBody.get(body) ?? new Map<string, Buffer | null>();
    if (codes.size === 0) this.bytes += body.length + overheadBytes;
    codes.set(key, code);
    this.byBody.set(body, codes);
    this.bytes += code?.length ?? 0;
    for (const [oldest, olds] of this.byBody) {
      if (this.bytes <= this.mostBytes) break;
      this.byBody.delete(oldest);
      for (const old of olds.values()) this.bytes -= old?.length ?? 0;
      this.bytes -= oldest.length + overheadBytes;
    }
    return code;
  }
}

function shorter(body: Buffer, coding: Coding, level: number): Buffer | null {
  const code = encodeWhole(coding, level, { bytes: body, start: 0, end: body.length });
  return code.length < body.length ? code : null;
}

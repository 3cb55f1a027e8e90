import type { Coding } from "../../config/content-plan.ts";
import { turns as processTurns, portionBytes, type Turns } from "../turns.ts";
import { BodyEncoding } from "./body-encoding.ts";
import { encodeWhole } from "./encoder.ts";

/** Bytes, encoded and as they were, that are remembered; of each process. */
const mostBytes = 16 * 1024 ** 2;

/** What a remembered body takes beside its bytes. */
const overheadBytes = 512;

/** Codes of long bodies that are made at a time: each holds a coder. */
const mostMaking = 8;

/** Codes of bodies that are sent again and again: pages, files and what the cache keeps. */
export class EncodedBodies {
  /** The one that was not asked for longest is the first. */
  private readonly byBody = new Map<Buffer, Map<string, Buffer | null>>();
  private readonly mostBytes: number;
  private readonly turns: Turns;
  /** Bodies that are being encoded, with the keys of the codes, and how many codes these are. */
  private readonly making = new Map<Buffer, Set<string>>();
  private coders = 0;
  private bytes = 0;

  constructor(most: number = mostBytes, turns: Turns = processTurns) {
    this.mostBytes = most;
    this.turns = turns;
  }

  /** Whether it is known what the code of a body is, or that it is no shorter; if not, and it can be kept, it is made in turns. */
  knows(body: Buffer, coding: Coding, level: number): boolean {
    if (this.has(body, coding, level)) return true;
    this.make(body, coding, level);
    return false;
  }

  private has(body: Buffer, coding: Coding, level: number): boolean {
    return this.byBody.get(body)?.has(keyOf(coding, level)) === true;
  }

  /** Gives the code of a body that never changes; null if it would be no shorter. Throws if the coder fails. */
  of(body: Buffer, coding: Coding, level: number): Buffer | null {
    const codes = this.byBody.get(body);
    const known = codes?.get(keyOf(coding, level));
    if (codes !== undefined) {
      this.byBody.delete(body);
      this.byBody.set(body, codes);
    }
    if (known !== undefined) return known;
    return this.remember(body, coding, level, encodeWhole(coding, level, wholeOf(body)));
  }

  /** Gives the code likewise; null too while it is made of a long body, in turns: that takes longer than others are to wait. */
  soon(body: Buffer, coding: Coding, level: number): Buffer | null {
    if (body.length <= portionBytes || this.knows(body, coding, level)) return this.of(body, coding, level);
    return null;
  }

  private make(body: Buffer, coding: Coding, level: number): void {
    const key = keyOf(coding, level);
    const keys = this.making.get(body) ?? new Set<string>();
    if (keys.has(key) || this.coders >= mostMaking || 2 * body.length > this.mostBytes) return;
    this.making.set(body, keys.add(key));
    this.coders++;
    new BodyEncoding({ turns: this.turns, body, coding, level }, (code) => {
      this.coders--;
      keys.delete(key);
      if (keys.size === 0) this.making.delete(body);
      if (code !== null) this.remember(body, coding, level, code);
    }).begin();
  }

  /** Remembers the code of a body, and gives it unless it is no shorter. */
  private remember(body: Buffer, coding: Coding, level: number, made: Buffer): Buffer | null {
    const code = made.length < body.length ? made : null;
    const codes = this.byBody.get(body) ?? new Map<string, Buffer | null>();
    const key = keyOf(coding, level);
    if (codes.has(key)) return code;
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

function keyOf(coding: Coding, level: number): string {
  return `${coding} ${level}`;
}

function wholeOf(body: Buffer): { readonly bytes: Buffer; readonly start: number; readonly end: number } {
  return { bytes: body, start: 0, end: body.length };
}

import { createHash, type Hash } from "node:crypto";
import { unreachable } from "../../base/assert.ts";
import { PatternMatcher } from "../../base/pattern/match.ts";
import type { BodyTest } from "../../config/check-plan.ts";
import { AnswerError } from "./answer-error.ts";

/** This much of a body is looked at; a longer one without a test of it counts as answered from there on. */
export const bodyLimitBytes = 65_536;
/** A body whose digest is wanted may be this long. */
export const digestLimitBytes = 67_108_864;

/** Takes a body piece by piece and says in the end whether it is as it should be. */
export interface BodyVerdict {
  take(bytes: Uint8Array): void;
  /** Whether nothing that may still come can change the verdict. */
  readonly hasEnough: boolean;
  /** Throws `AnswerError` if the body is not as it should be. */
  judge(): void;
}

/** Makes the verdict for what is asked of a body. */
export function bodyVerdict(test: BodyTest | null): BodyVerdict {
  if (test === null) return new Ignored();
  switch (test.kind) {
    case "contains": {
      const wanted = Buffer.from(test.text);
      const text = JSON.stringify(test.text);
      return new Kept((body) => body.includes(wanted), `body does not contain ${text}`);
    }
    case "matches": {
      const matcher = matcherOf(test.pattern);
      return new Kept((body) => matcher.isIn(body), `body does not match /${test.pattern}/`);
    }
    case "digest":
      return new Digested(test.algorithm, test.hex);
    default:
      return unreachable(test);
  }
}

class Ignored implements BodyVerdict {
  #received = 0;

  get hasEnough(): boolean {
    return this.#received >= bodyLimitBytes;
  }

  take(bytes: Uint8Array): void {
    this.#received += bytes.length;
  }

  judge(): void {
    // Whatever it says.
  }
}

/** Keeps the beginning of the body. */
class Kept implements BodyVerdict {
  readonly #isAsWanted: (body: Buffer) => boolean;
  readonly #complaint: string;
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  constructor(isAsWanted: (body: Buffer) => boolean, complaint: string) {
    this.#isAsWanted = isAsWanted;
    this.#complaint = complaint;
  }

  get hasEnough(): boolean {
    return this.#length >= bodyLimitBytes;
  }

  take(bytes: Uint8Array): void {
    const own = bytes.subarray(0, bodyLimitBytes - this.#length);
    this.#length += own.length;
    if (own.length > 0) this.#parts.push(own);
  }

  judge(): void {
    if (this.#isAsWanted(Buffer.concat(this.#parts))) return;
    throw new AnswerError(this.hasEnough ? `${this.#complaint} in its first 64 KiB` : this.#complaint);
  }
}

class Digested implements BodyVerdict {
  readonly #hash: Hash;
  readonly #algorithm: string;
  readonly #wanted: string;
  #length = 0;

  constructor(algorithm: "md5" | "sha256", wanted: string) {
    this.#hash = createHash(algorithm);
    this.#algorithm = algorithm === "md5" ? "MD5" : "SHA-256";
    this.#wanted = wanted;
  }

  get hasEnough(): boolean {
    return this.#length > digestLimitBytes;
  }

  take(bytes: Uint8Array): void {
    this.#length += bytes.length;
    this.#hash.update(bytes);
  }

  judge(): void {
    if (this.hasEnough) throw new AnswerError("body is longer than 64 MiB, too long for a digest");
    const found = this.#hash.digest("hex");
    if (found !== this.#wanted)
      throw new AnswerError(`${this.#algorithm} of the body is ${found}, want ${this.#wanted}`);
  }
}

/** Matchers learn: what they know of a pattern serves the next attempt too. */
const matchers = new Map<string, PatternMatcher>();
const mostMatchers = 256;

function matcherOf(pattern: string): PatternMatcher {
  const known = matchers.get(pattern);
  if (known !== undefined) return known;
  if (matchers.size >= mostMatchers) matchers.clear();
  const matcher = new PatternMatcher(pattern);
  matchers.set(pattern, matcher);
  return matcher;
}

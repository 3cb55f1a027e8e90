import { createHmac, randomBytes } from "node:crypto";

/** What became of a check; `busy` if too many are under way. */
export type PasswordVerdict = "right" | "wrong" | "busy";

/** Checks a password against a hash; slow on purpose, and not in this thread. */
export type VerifyPassword = (password: Buffer, hash: string) => Promise<boolean>;

/** What password checks need. */
export interface PasswordChecksOptions {
  readonly verify: VerifyPassword;
  /** Milliseconds of the monotonic clock. */
  readonly now: () => number;
}

/** A hash of bcrypt takes 50 ms and more of a core, which the requests of everybody else need too. */
const mostRunning = 2;
const mostWaiting = 128;
/** How long a right password is known to be right. */
const rememberedMs = 5 * 60_000;
const mostRemembered = 10_000;
/** bcrypt knows no more of a password (`htpasswd` cuts it too; the runtime would take a hash of it instead). */
const bcryptBytes = 72;

/**
 * Checks passwords, few at a time, and remembers the right ones for a while, so that a page with a hundred pictures costs one
 * check. Neither passwords nor anything from which one could be found offline is kept: what is remembered is keyed with a
 * secret of this process.
 */
export class PasswordChecks {
  private readonly options: PasswordChecksOptions;
  private readonly secret = randomBytes(32);
  /** Until when, by digest; the oldest first. */
  private readonly right = new Map<string, number>();
  private readonly underWay = new Map<string, ((verdict: PasswordVerdict) => void)[]>();
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(options: PasswordChecksOptions) {
    this.options = options;
  }

  /** Whether a password is known to be right without asking. */
  isKnown(password: string, hash: string): boolean {
    const digest = this.digest(password, hash);
    const until = this.right.get(digest);
    if (until === undefined) return false;
    if (until > this.options.now()) return true;
    this.right.delete(digest);
    return false;
  }

  /** Checks a password, one character an octet. */
  check(password: string, hash: string, settle: (verdict: PasswordVerdict) => void): void {
    const digest = this.digest(password, hash);
    const others = this.underWay.get(digest);
    if (others !== undefined) {
      others.push(settle);
      return;
    }
    if (this.running >= mostRunning && this.waiting.length >= mostWaiting) {
      settle("busy");
      return;
    }
    this.underWay.set(digest, [settle]);
    const start = (): void => {
      this.running++;
      void this.verify(password, hash).then((isRight) => this.settled(digest, isRight));
    };
    if (this.running < mostRunning) start();
    else this.waiting.push(start);
  }

  private async verify(password: string, hash: string): Promise<boolean> {
    const bytes = Buffer.from(password, "latin1");
    const known = hash.startsWith("$2") ? bytes.subarray(0, bcryptBytes) : bytes;
    try {
      return known.length > 0 && (await this.options.verify(known, hash));
    } catch {
      return false; // a hash that looked like one, and is none
    }
  }

  private settled(digest: string, isRight: boolean): void {
    this.running--;
    const settles = this.underWay.get(digest) ?? [];
    this.underWay.delete(digest);
    if (isRight) this.remember(digest);
    this.waiting.shift()?.();
    for (const settle of settles) settle(isRight ? "right" : "wrong");
  }

  private remember(digest: string): void {
    this.right.delete(digest);
    this.right.set(digest, this.options.now() + rememberedMs);
    const [oldest] = this.right.keys();
    if (this.right.size > mostRemembered && oldest !== undefined) this.right.delete(oldest);
  }

  private digest(password: string, hash: string): string {
    return createHmac("sha256", this.secret).update(`${hash}\0`).update(password, "latin1").digest("base64");
  }
}

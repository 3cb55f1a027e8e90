import type { Clock } from "../base/clock.ts";
import { later, type Instant } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { ProcessStatus } from "../ipc/status.ts";
import type { StartChild } from "./ahead.ts";
import type { Child } from "./child.ts";
import { firstStart, nextStart, type RestartState } from "./restart.ts";

/** What every child says, whatever its role. */
export interface CommonReply {
  readonly kind: string;
  readonly reason?: string;
}

/** What became of a configuration sent to a child. */
export type Outcome = { readonly kind: "configured" } | { readonly kind: "refused"; readonly reason: string };

/** What a keeper needs to know of the child it keeps alive. */
export interface KeeperOptions<To, From extends CommonReply> {
  /** Name in logs and status, such as `vrrp` or `proxy 0`. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly start: StartChild<To, From>;
  /** Makes the message that configures a child that has just said hello. */
  readonly configuration: () => To;
  readonly onMessage: (message: From) => void;
  /** Called when the child begins or ceases to carry out its configuration. */
  readonly onChange: () => void;
}

/** A child that has not shown a sign of life for this long is killed; children say something every second. */
export const silenceLimitMs = 5_000;
/** One that has not carried out its first plan yet may take longer: a slow host starts it slowly. */
export const startLimitMs = 30_000;
const lookEveryMs = 1_000;

/** Keeps one child running: starts it again when it dies or falls silent, and gives it its configuration. */
export class Keeper<To, From extends CommonReply> {
  readonly #options: KeeperOptions<To, From>;
  #child: Child<To> | null = null;
  #restart: RestartState;
  #deaths = 0;
  #startedAt: Date;
  #lastSign: Instant;
  /** Whether the child has said hello, and so has been sent a configuration. */
  #isGreeted = false;
  #isConfigured = false;
  /** Whether any child of this keeper has carried out a configuration. */
  #hasServed = false;
  #isStopping = false;
  #waiting: ((outcome: Outcome) => void)[] = [];
  #gone: (() => void)[] = [];
  /** Who waits for the child's word that it will go on without this program. */
  #outliving: ((pid: number | null) => void)[] = [];
  #cancelStart: () => void = () => undefined;
  #cancelWatch: () => void = () => undefined;

  constructor(options: KeeperOptions<To, From>) {
    this.#options = options;
    const now = options.clock.now();
    this.#restart = firstStart(now);
    this.#startedAt = options.clock.wallTime();
    this.#lastSign = now;
  }

  /** Starts the child; the result says how its first configuration went. */
  start(): Promise<Outcome> {
    const outcome = this.#nextOutcome();
    this.#launch();
    this.#watch();
    return outcome;
  }

  /** Whether the child runs and carries out its configuration. */
  get isServing(): boolean {
    return this.#isConfigured;
  }

  /** Sends a new configuration to the running child; one that is not running gets it when it comes back. */
  configure(message: To): Promise<Outcome> {
    if (this.#child === null || !this.#isGreeted) return Promise.resolve({ kind: "configured" });
    const outcome = this.#nextOutcome();
    this.#child.send(message);
    return outcome;
  }

  /** Sends a message, which a child that is not running loses. */
  send(message: To): void {
    this.#child?.send(message);
  }

  /** Starts the child no more when it ends. */
  retire(): void {
    this.#isStopping = true;
    this.#cancelStart();
    this.#cancelWatch();
  }

  /**
   * Asks the child to leave with `message`, kills it after `limitMs`, and resolves when it is gone. One whose work may take
   * longer gets `mostMs` for as long as it shows signs of life.
   */
  stop(message: To, limitMs: number, mostMs: number = limitMs): Promise<void> {
    this.retire();
    const child = this.#child;
    if (child === null) return Promise.resolve();
    const { clock, log, name } = this.#options;
    child.send(message);
    const asked = clock.now();
    let cancel: () => void;
    const killAt = (at: Instant): void => {
      cancel = clock.schedule(at, () => {
        const patience = later(this.#lastSign > asked ? this.#lastSign : asked, limitMs);
        const end = later(asked, mostMs);
        const next = patience < end ? patience : end;
        if (next > clock.now()) return killAt(next);
        log.warning(`${name} did not leave within ${Math.round(clock.now() - asked)} ms: killed`);
        child.kill("SIGKILL");
      });
    };
    killAt(later(asked, limitMs));
    return new Promise((resolve) => {
      this.#gone.push(() => {
        cancel();
        resolve();
      });
    });
  }

  /**
   * Tells the child with `message` that another program is to take this one's place; resolves with its pid once it says
   * that it will go on then, or with null if it does not within `limitMs`.
   */
  outlive(message: To, limitMs: number): Promise<number | null> {
    if (this.#child === null || !this.#isGreeted) return Promise.resolve(null);
    const { clock } = this.#options;
    this.#child.send(message);
    return new Promise((resolve) => {
      this.#outliving.push(resolve);
      clock.schedule(later(clock.now(), limitMs), () => resolve(null));
    });
  }

  /** Kills the child without asking; it is started again unless it is being stopped. */
  kill(): void {
    this.#child?.kill("SIGKILL");
  }

  /** Of the child; 0 if it does not run. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** What `status` shows of the child. */
  status(role: string): ProcessStatus {
    return {
      role,
      pid: this.pid,
      startedAt: this.#startedAt.toISOString(),
      restarts: this.#deaths,
    };
  }

  /** When the child last said anything. */
  get lastSign(): Instant {
    return this.#lastSign;
  }

  #nextOutcome(): Promise<Outcome> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #settle(outcome: Outcome): void {
    this.#waiting.shift()?.(outcome);
  }

  #launch(): void {
    const { clock, log, name, start } = this.#options;
    const now = clock.now();
    this.#restart = { deaths: this.#restart.deaths, startedAt: now };
    this.#startedAt = clock.wallTime();
    this.#lastSign = now;
    try {
      this.#child = start({
        onMessage: (message) => this.#receive(message),
        onExit: (how) => this.#exited(how),
      });
    } catch (error) {
      log.error(`${name} cannot be started: ${errorText(error)}`);
      this.#exited(errorText(error));
    }
  }

  #receive(message: From): void {
    const { clock, configuration, log, name, onChange, onMessage } = this.#options;
    this.#lastSign = clock.now();
    switch (message.kind) {
      case "hello":
        if (this.#isStopping) return;
        this.#isGreeted = true;
        // Answers come in order: that of a child started again is waited for by nobody, and must not pass for a later one.
        if (this.#waiting.length === 0) this.#waiting.push(() => undefined);
        this.#child?.send(configuration());
        return;
      case "configured":
        this.#isConfigured = true;
        this.#hasServed = true;
        this.#settle({ kind: "configured" });
        onChange();
        return;
      case "refused":
        log.error(`${name}: ${message.reason ?? "refused its configuration"}`);
        this.#settle({ kind: "refused", reason: message.reason ?? "no reason given" });
        // One that came back and has nothing to do is tried again like one that died; a first start fails as a whole.
        if (!this.#isConfigured && this.#hasServed) this.kill();
        return;
      case "outlives":
        for (const resolve of this.#outliving.splice(0)) resolve(this.#child?.pid ?? null);
        return;
      default:
        onMessage(message);
    }
  }

  #exited(how: string): void {
    const { clock, log, name, onChange } = this.#options;
    this.#child = null;
    this.#isGreeted = false;
    this.#isConfigured = false;
    for (const resolve of this.#outliving.splice(0)) resolve(null);
    for (const resolve of this.#waiting.splice(0))
      resolve({ kind: "refused", reason: `${name} died: ${how}` });
    if (this.#isStopping) {
      for (const react of this.#gone.splice(0)) react();
      onChange();
      return;
    }
    const next = nextStart(this.#restart, clock.now());
    this.#restart = { deaths: next.deaths, startedAt: this.#restart.startedAt };
    this.#deaths += 1;
    const delayMs = Math.round(next.at - clock.now());
    log.error(`${name} died (${how}); starting it again ${delayMs <= 0 ? "now" : `in ${delayMs} ms`}`);
    if (delayMs <= 0) this.#launch();
    else this.#cancelStart = clock.schedule(next.at, () => this.#launch());
    onChange();
  }

  /** Looks every second whether the child has fallen silent: frozen, or caught in a loop. */
  #watch(): void {
    const { clock, log, name } = this.#options;
    const due = later(clock.now(), lookEveryMs);
    this.#cancelWatch = clock.schedule(due, () => {
      // Whoever was frozen itself has not heard what the children said meanwhile: it must not judge them by that.
      if (clock.now() - due > lookEveryMs) this.#lastSign = clock.now();
      const limitMs = this.#isConfigured ? silenceLimitMs : startLimitMs;
      if (this.#child !== null && clock.now() - this.#lastSign > limitMs) {
        log.error(`${name} has been silent for ${limitMs} ms: killed`);
        this.#lastSign = clock.now();
        this.#child.kill("SIGKILL");
      }
      this.#watch();
    });
  }
}

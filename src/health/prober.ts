import type { Endpoint } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { later, type Instant } from "../base/instant.ts";
import type { Log } from "../base/log.ts";
import type { ProbePlan, ProbeSetPlan } from "../config/check-plan.ts";
import { weightText, type WeightWord } from "../config/weight-word.ts";
import type { Achievement } from "./achievement.ts";
import { failureText } from "./failure-text.ts";
import { memberVerdicts, ProbeSets, setVerdict, setWeightWord } from "./probe-sets.ts";
import { attemptEnded, attemptStarted, firstSchedule, hastened, type Schedule } from "./schedule.ts";
import { count, standingTally, unknownTally, type AttemptResult, type Tally } from "./tally.ts";
import { Deadline } from "./deadline.ts";

/** What a prober works with. */
export interface ProberOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Makes one attempt: resolves with what was achieved, rejects with why not; the deadline ends it. */
  readonly attempt: (probe: ProbePlan, deadline: Deadline) => Promise<Achievement>;
  /** Called at every first result, every change of a verdict, and every change of the weight that a check asks for. */
  readonly onVerdict: (verdict: ProbeVerdict) => void;
}

/** What a probe, or a set of them, has come to. */
export interface ProbeVerdict {
  readonly probe: string;
  readonly isUp: boolean;
  readonly weight: WeightWord | null;
}

/** What is known of one probe. */
export interface ProbeReport {
  readonly id: string;
  readonly target: Endpoint;
  readonly isUp: boolean;
  /** Time of day of the last change, as ISO 8601. */
  readonly since: string;
  readonly lastResult: string;
  readonly weight: WeightWord | null;
}

interface Running {
  readonly probe: ProbePlan;
  schedule: Schedule;
  tally: Tally;
  since: string;
  lastResult: string;
  /** What the last successful attempt said about the weight. */
  weight: WeightWord | null;
  isAnnounced: boolean;
  /** When the last attempt began. */
  begunAt: Instant;
  isUnderWay: boolean;
  /** Cancels the timer of the next attempt or ends the attempt under way. */
  cancel: () => void;
}

/** A deadline that is met later than this says more of this process than of the server. */
const heldUpMs = 100;

/**
 * Runs all probes side by side. Each has its own timer, its own attempt and its own deadline, so that one which
 * hangs delays nobody; probes that a new plan leaves as they are keep verdict and schedule.
 */
export class Prober {
  readonly #options: ProberOptions;
  readonly #probes = new Map<string, Running>();
  #sets = new ProbeSets([]);
  /** The last word on each set. */
  readonly #announced = new Map<string, ProbeVerdict>();
  /** What an earlier process was told about weights. */
  #inherited: ReadonlyMap<string, WeightWord> = new Map();

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /**
   * Takes what checks have told an earlier process about weights: it holds for the probes of the next plan until they are
   * told otherwise. Without it a server that its agent drains would get connections at every new start.
   */
  inherit(verdicts: readonly Pick<ProbeVerdict, "probe" | "weight">[]): void {
    this.#inherited = new Map(
      verdicts.flatMap(({ probe, weight }) => (weight === null ? [] : [[probe, weight] as const])),
    );
  }

  /** Replaces all probes and the sets of them; `found` gives verdicts found elsewhere for what is new. */
  configure(
    probes: readonly ProbePlan[],
    found: ReadonlyMap<string, boolean> = new Map(),
    sets: readonly ProbeSetPlan[] = [],
  ): void {
    this.#sets = new ProbeSets(sets);
    for (const id of this.#announced.keys()) if (this.#sets.get(id) === null) this.#announced.delete(id);
    const standing = memberVerdicts(sets, found);
    const before = new Map(this.#probes);
    this.#probes.clear();
    for (const probe of probes) {
      const old = before.get(probe.id);
      before.delete(probe.id);
      if (old !== undefined && (old.probe === probe || Bun.deepEquals(old.probe, probe))) {
        this.#probes.set(probe.id, old);
        continue;
      }
      // The same server asked in another rhythm: what is known of it stays true.
      old?.cancel();
      const isUp = standing.get(probe.id);
      const tally = old?.tally ?? (isUp === undefined ? unknownTally : standingTally(isUp));
      this.#add(probe, tally, old === undefined ? (this.#inherited.get(probe.id) ?? null) : old.weight);
    }
    this.#inherited = new Map();
    for (const gone of before.values()) gone.cancel();
    for (const set of sets) this.#announce(set);
  }

  /** What a probe, or one of a set, says about the server's weight; null is nothing. */
  weightWord(id: string): WeightWord | null {
    const set = this.#sets.get(id);
    if (set !== null) return setWeightWord(set, (probe) => this.weightWord(probe));
    const running = this.#probes.get(id);
    return running === undefined ? (this.#inherited.get(id) ?? null) : running.weight;
  }

  /** Whether the server behind a probe, or a set of them, is up; null while there is no result, or no such probe. */
  verdict(id: string): boolean | null {
    const set = this.#sets.get(id);
    if (set !== null) return setVerdict(set, (probe) => this.verdict(probe));
    const tally = this.#probes.get(id)?.tally;
    return tally === undefined || !tally.isKnown ? null : tally.isUp;
  }

  /** Makes the next attempt at once, because the server has just failed somebody; nothing is believed but the attempt. */
  hasten(id: string): void {
    for (const probe of this.#members(id)) this.#hasten(probe);
  }

  #members(id: string): readonly string[] {
    return this.#sets.get(id)?.probes ?? [id];
  }

  #hasten(id: string): void {
    const running = this.#probes.get(id);
    if (running === undefined || running.isUnderWay || !running.tally.isUp) return;
    const schedule = hastened(running.schedule, running.begunAt, this.#options.clock.now());
    if (schedule === running.schedule) return;
    running.cancel();
    running.schedule = schedule;
    this.#arm(running);
  }

  /** What is known of every probe, in the order of the plan. */
  status(): readonly ProbeReport[] {
    return [...this.#probes.values()].map(({ probe, tally, since, lastResult, weight }) => ({
      id: probe.id,
      target: probe.target,
      isUp: tally.isUp,
      since,
      lastResult,
      weight,
    }));
  }

  /** Ends every probe. */
  close(): void {
    this.configure([]);
  }

  #add(probe: ProbePlan, tally: Tally, weight: WeightWord | null): void {
    const { clock } = this.#options;
    const running: Running = {
      probe,
      schedule: firstSchedule(probe, clock.now()),
      tally,
      since: clock.wallTime().toISOString(),
      lastResult: "not checked yet",
      weight,
      isAnnounced: false,
      begunAt: clock.now(),
      isUnderWay: false,
      cancel: () => undefined,
    };
    this.#probes.set(probe.id, running);
    this.#arm(running);
  }

  #arm(running: Running): void {
    running.cancel = this.#options.clock.schedule(running.schedule.due, () => this.#begin(running));
  }

  #begin(running: Running): void {
    const { attempt, clock } = this.#options;
    const { probe } = running;
    const start = clock.now();
    running.schedule = attemptStarted(running.schedule, start);
    running.begunAt = start;
    running.isUnderWay = true;
    const deadline = new Deadline();
    let isOpen = true;
    const finish = (result: Outcome | null): void => {
      if (!isOpen) return;
      isOpen = false;
      running.isUnderWay = false;
      cancelDeadline();
      if (result !== null) this.#end(running, result);
    };
    const timeOut = (): void => {
      finish({ isOk: false, text: `no answer within ${probe.timeoutMs} ms` });
      deadline.end();
    };
    const due = later(start, probe.timeoutMs);
    let cancelDeadline = clock.schedule(due, () => {
      const now = clock.now();
      // Time in which this process was held up is none that the server had: what has come meanwhile is heard first.
      if (now - due <= heldUpMs) timeOut();
      else cancelDeadline = clock.schedule(later(now, Math.min(now - due, probe.timeoutMs)), timeOut);
    });
    running.cancel = () => {
      finish(null);
      deadline.end();
    };
    attempt(probe, deadline).then(
      ({ text, weight }) => finish({ isOk: true, text: `${text} in ${elapsed(start, clock.now())}`, weight }),
      (error: unknown) => finish({ isOk: false, text: failureText(error) }),
    );
  }

  /** Takes what a success says about the weight: whether it is something new. */
  #weigh(running: Running, { isOk, weight = null }: Outcome): boolean {
    if (!isOk || Bun.deepEquals(weight, running.weight)) return false;
    running.weight = weight;
    const text = weight === null ? "its usual weight" : weightText(weight);
    this.#options.log.notice(`${running.probe.id} asks for ${text}`);
    return true;
  }

  #end(running: Running, result: Outcome): void {
    const { clock, log, onVerdict } = this.#options;
    const { probe } = running;
    const at = clock.now();
    // The very first attempt decides alone: while nothing is known, retries would only send clients to a dead server.
    const mayRetry = running.tally.isKnown;
    const { tally, change } = count(running.tally, result, probe);
    const isSettled = tally.isUp && tally.against === 0;
    const ended = attemptEnded(probe, running.schedule, { isOk: result.isOk, at, mayRetry, isSettled });
    running.schedule = ended.schedule;
    running.lastResult = result.text;
    this.#arm(running);
    if (!ended.isCounted) return;
    running.tally = tally;
    if (change !== null) {
      running.since = clock.wallTime().toISOString();
      const line = `${probe.id} is ${change.isUp ? "up" : "down"}: ${change.reason}`;
      if (change.isUp) log.notice(line);
      else log.warning(line);
    }
    const isWeighed = this.#weigh(running, result);
    if (change === null && !isWeighed && running.isAnnounced) return;
    running.isAnnounced = true;
    onVerdict({ probe: probe.id, isUp: tally.isUp, weight: running.weight });
    for (const set of this.#sets.with(probe.id)) this.#announce(set);
  }

  #announce({ id }: ProbeSetPlan): void {
    const isUp = this.verdict(id);
    if (isUp === null) return;
    const verdict = { probe: id, isUp, weight: this.weightWord(id) };
    if (Bun.deepEquals(this.#announced.get(id), verdict)) return;
    this.#announced.set(id, verdict);
    this.#options.onVerdict(verdict);
  }
}

/** A success, with what it says about the weight, or a failure. */
type Outcome = AttemptResult & { readonly weight?: WeightWord | null };

function elapsed(start: Instant, end: Instant): string {
  const ms = end - start;
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

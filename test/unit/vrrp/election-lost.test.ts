import { describe, expect, test } from "bun:test";
import { ElectionCase, standing } from "./election-cases.ts";

const active = "192.0.2.11";

class LostCase extends ElectionCase {
  lost(ms: number, more: { source?: string; waitMs?: number } = {}): this {
    const { source = active, waitMs = 0 } = more;
    const reason = `bfd: no packet from ${source} for 30 ms`;
    return this.feed({ kind: "lost", at: this.at(ms), source, waitMs, graceMs: 30, reason });
  }
}

/** A backup of priority 100 that has heard an active router of priority 200 at 500 ms. */
const following = (): LostCase => new LostCase().startup(standing(100)).advert(500, 200);

describe("a backup whose active router BFD says is silent", () => {
  test("claims as soon as it need not wait for a better one", () => {
    const run = following().lost(700);
    expect(run.election.state).toBe("backup");
    expect(run.deadlineMs).toBe(700);
    run.timer(700);
    expect(run.election).toMatchObject({
      state: "active",
      reason: "bfd: no packet from 192.0.2.11 for 30 ms",
    });
    expect(run.did).toEqual(["sendAdvert 100", "addAddresses", "announce", "notify"]);
  });

  test("waits for the better ones, but never longer than without BFD", () => {
    expect(following().lost(700, { waitMs: 60 }).deadlineMs).toBe(760);
    const late = following().lost(4000, { waitMs: 1000 });
    expect(late.deadlineMs).toBe(500 + 3609.375);
  });

  test("takes everything back when it hears an advertisement", () => {
    const run = following().lost(700, { waitMs: 60 }).advert(720, 200);
    expect(run.deadlineMs).toBe(720 + 3609.375);
    expect(run.election).toMatchObject({ lost: null });
  });

  test("does so too when a better backup has claimed meanwhile", () => {
    const run = following().lost(700, { waitMs: 60 }).advert(705, 150, { source: "192.0.2.12" });
    expect(run.deadlineMs).toBe(705 + 3609.375);
  });

  test("does nothing if it follows another, or nobody yet", () => {
    expect(following().lost(700, { source: "192.0.2.12" }).deadlineMs).toBe(500 + 3609.375);
    expect(new LostCase().startup().lost(700).deadlineMs).toBe(3609.375);
  });

  test("does nothing if that one has resigned, or is outranked", () => {
    const resigned = following().advert(600, 0).lost(700);
    expect(resigned.deadlineMs).toBe(600 + 609.375);
    const outranked = new LostCase().startup(standing(250)).advert(500, 200).lost(700);
    expect(outranked.deadlineMs).toBe(3023.438);
  });

  test("does nothing within the start-up delay", () => {
    const run = new LostCase();
    run.config = { ...run.config, claimsFrom: run.at(10_000) };
    run.startup(standing(100)).advert(500, 200).lost(700);
    expect(run.deadlineMs).toBe(10_000 + 3609.375);
  });

  test("claims without preemption too", () => {
    const run = new LostCase({ preempts: false })
      .startup(standing(100))
      .advert(500, 200)
      .lost(700)
      .timer(700);
    expect(run.election.state).toBe("active");
  });

  test("listens once more if this host slept through the moment", () => {
    const run = following().lost(700).timer(731);
    expect(run.election.state).toBe("backup");
    // An interval and Skew_Time.
    expect(run.deadlineMs).toBe(731 + 1609.375);
    expect(run.timer(731 + 1610).election.state).toBe("active");
  });
});

describe("BFD's word", () => {
  test("means nothing to an active router, a leaving one or one without a claim", () => {
    const inActive = new LostCase().becomeActive();
    expect(inActive.feed({ ...lostEvent(inActive, 4000) }).did).toEqual([]);
    const stopping = new LostCase().becomeActive();
    stopping.feed({ kind: "shutdown", at: stopping.at(4000), reason: "stopped" });
    expect(stopping.feed(lostEvent(stopping, 4001)).did).toEqual([]);
    const fault = new LostCase().startup({ kind: "withdrawn", reason: "track uplink fails" });
    expect(fault.feed(lostEvent(fault, 10)).election.state).toBe("fault");
    const stopped = new LostCase();
    expect(stopped.feed(lostEvent(stopped, 10)).election.state).toBe("initialize");
  });
});

function lostEvent(run: LostCase, ms: number): Parameters<LostCase["feed"]>[0] {
  return { kind: "lost", at: run.at(ms), source: active, waitMs: 0, graceMs: 30, reason: "bfd" };
}

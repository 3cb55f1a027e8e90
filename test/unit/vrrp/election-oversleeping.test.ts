import { describe, expect, test } from "bun:test";
import { ElectionCase, standing } from "./election-cases.ts";

describe("a backup that comes late to its own deadline", () => {
  test("listens for an interval and its skew first: it may have slept through the advertisements", () => {
    const run = new ElectionCase().startup().timer(3609.375 + 1001);
    expect(run.election.state).toBe("backup");
    expect(run.did).toEqual([]);
    expect(run.deadlineMs).toBe(4610.375 + 1609.375);
  });

  test("stays backup when it hears the active router then", () => {
    const run = new ElectionCase().startup().timer(60_000).advert(60_001, 200);
    expect(run.deadlineMs).toBe(60_001 + 3609.375);
  });

  test("claims when it hears nothing then", () => {
    const run = new ElectionCase().startup().timer(60_000).timer(61_609.375);
    expect(run.election.state).toBe("active");
  });

  test("claims when it is late a second time, as a host that is always late would never claim", () => {
    const run = new ElectionCase().startup().timer(60_000).timer(90_000);
    expect(run.election.state).toBe("active");
  });

  test("listens again after it has heard somebody", () => {
    const run = new ElectionCase().startup().timer(60_000).advert(60_001, 200).timer(90_000);
    expect(run.election.state).toBe("backup");
  });

  test("does so after priority 0 too: another backup may have taken over meanwhile", () => {
    const run = new ElectionCase().startup().advert(1000, 0).timer(2700);
    expect(run.election.state).toBe("backup");
  });

  test("listens as long when it is late by more than a tenth of an interval", () => {
    const run = new ElectionCase().startup().timer(3609.375 + 101);
    expect(run.deadlineMs).toBe(3710.375 + 1609.375);
  });

  test("reads what came in meanwhile when it is late by less, and claims if that was nothing", () => {
    const run = new ElectionCase().startup().timer(3609.375 + 99);
    expect([run.election.state, run.deadlineMs]).toEqual(["backup", 3709.375]);
    expect(run.timer(3709.375).election.state).toBe("active");
    const other = new ElectionCase()
      .startup()
      .timer(3609.375 + 99)
      .advert(3708.5, 200);
    expect(other.deadlineMs).toBe(3708.5 + 3609.375);
  });

  test("claims at once when it is late by no more than reading takes", () => {
    expect(new ElectionCase().startup().timer(3610.3).election.state).toBe("active");
  });
});

/** An election that was active, and came to its deadline at 20 s only. */
function asleep(how: ConstructorParameters<typeof ElectionCase>[0] = {}): ElectionCase {
  return new ElectionCase(how).becomeActive().timer(20_000);
}

describe("an active router that slept for longer than a backup waits", () => {
  test("reads what came in meanwhile before it says anything", () => {
    const run = asleep();
    expect(run.did).toEqual([]);
    expect(run.deadlineMs).toBe(20_001);
    expect(run.timer(20_001).did).toEqual(["sendAdvert 100"]);
    expect(run.deadlineMs).toBe(21_001);
  });

  test("gives way to a router of greater priority", () => {
    expect(asleep().advert(20_000.2, 200).election.state).toBe("backup");
  });

  test("gives way to one of its own priority even with a lower address, and without a word", () => {
    const run = asleep().advert(20_000.2, 100, { source: "192.0.2.9" });
    expect(run.election).toMatchObject({
      state: "backup",
      reason: "192.0.2.9 took over while this host slept",
    });
    // That one would give way to us if it heard us: then nobody would hold the addresses.
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("asserts itself against one of lower priority, as it would preempt it anyway", () => {
    const run = asleep().advert(20_000.2, 50);
    expect(run.election.state).toBe("active");
    expect(run.did).toEqual(["sendAdvert 100", "announce"]);
  });

  test("gives way to one of lower priority without Preempt_Mode", () => {
    const run = asleep({ preempts: false }).advert(20_000.2, 50);
    expect(run.election.state).toBe("backup");
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("gives way as well when the advertisement is read before the timer", () => {
    const run = new ElectionCase({ preempts: false }).becomeActive().advert(20_000, 50);
    expect(run.election.state).toBe("backup");
  });

  test("is itself again after it has spoken", () => {
    const run = asleep({ preempts: false }).timer(20_001).advert(20_500, 50);
    expect(run.election.state).toBe("active");
  });

  test("gives way to nobody as the owner of the address", () => {
    const run = new ElectionCase({ preempts: false }).becomeActive(standing(255)).advert(20_000, 254);
    expect(run.election.state).toBe("active");
  });
});

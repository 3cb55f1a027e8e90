import { describe, expect, test } from "bun:test";
import { ElectionCase, standing } from "./election-cases.ts";

const version2 = { version: 2 } as const;

describe("RFC 3768 §6.4.1 initialize", () => {
  test("a startup with priority 255 advertises, announces and goes to master", () => {
    const run = new ElectionCase(version2).startup(standing(255));
    expect(run.election.state).toBe("active");
    expect(run.did).toEqual(["sendAdvert 255", "addAddresses", "announce", "notify"]);
  });

  test("another priority sets Master_Down_Timer and goes to backup", () => {
    const run = new ElectionCase(version2).startup(standing(100));
    expect(run.deadlineMs).toBe(3609.375);
  });

  test("§6.1 Skew_Time is a fraction of a second, whatever the interval", () => {
    const run = new ElectionCase({ version: 2, advertIntervalMs: 10_000 }).startup(standing(128));
    expect(run.deadlineMs).toBe(30_500);
  });
});

describe("RFC 3768 §6.4.2 backup", () => {
  test("a shutdown cancels the timer and goes to initialize", () => {
    const run = new ElectionCase(version2).startup();
    run.feed({ kind: "shutdown", at: run.at(1), reason: "stopped" });
    expect(run.election.state).toBe("initialize");
    expect(run.did).toEqual(["notify"]);
  });

  test("Master_Down_Timer fires: advertisement, announcement, Adver_Timer, master", () => {
    const run = new ElectionCase(version2).startup().timer(3610);
    expect(run.did).toEqual(["sendAdvert 100", "addAddresses", "announce", "notify"]);
    expect(run.deadlineMs).toBe(4610);
  });

  test("priority 0 sets Master_Down_Timer to Skew_Time", () => {
    expect(new ElectionCase(version2).startup().advert(600, 0).deadlineMs).toBe(600 + 609.375);
  });

  test("equal or greater priority resets Master_Down_Timer with the configured interval", () => {
    const run = new ElectionCase(version2).startup().advert(500, 100, { intervalMs: 30 });
    expect(run.deadlineMs).toBe(500 + 3609.375);
  });

  test("without Preempt_Mode lower priority resets it too", () => {
    const run = new ElectionCase({ version: 2, preempts: false }).startup(standing(200)).advert(500, 100);
    expect(run.deadlineMs).toBe(500 + 3218.75);
  });

  test("with Preempt_Mode lower priority is discarded", () => {
    expect(new ElectionCase(version2).startup(standing(200)).advert(500, 100).deadlineMs).toBe(3218.75);
  });
});

describe("RFC 3768 §6.4.3 master", () => {
  test("a shutdown sends priority 0 and goes to initialize", () => {
    const run = new ElectionCase(version2).becomeActive();
    run.feed({ kind: "shutdown", at: run.at(5000), reason: "stopped" });
    expect(run.did).toEqual(["sendAdvert 0", "notify"]);
    run.advert(5610, 100);
    expect(run.election.state).toBe("initialize");
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("Adver_Timer fires: an advertisement, and the timer again", () => {
    const run = new ElectionCase(version2).becomeActive().timer(4609.375);
    expect(run.did).toEqual(["sendAdvert 100"]);
    expect(run.deadlineMs).toBe(5609.375);
  });

  test("priority 0 is answered at once and resets Adver_Timer", () => {
    const run = new ElectionCase(version2).becomeActive().advert(4000, 0);
    expect(run.did).toEqual(["sendAdvert 100"]);
    expect(run.deadlineMs).toBe(5000);
  });

  test("greater priority, or equal priority and a greater address, sends it to backup", () => {
    expect(new ElectionCase(version2).becomeActive().advert(4000, 101).election.state).toBe("backup");
    const tie = new ElectionCase(version2).becomeActive().advert(4000, 100, { source: "192.0.2.11" });
    expect(tie.election.state).toBe("backup");
    expect(tie.deadlineMs).toBe(4000 + 3609.375);
  });

  test("any other advertisement is discarded; it asserts itself as RFC 9568 asks", () => {
    const run = new ElectionCase(version2).becomeActive().advert(4000, 100, { source: "192.0.2.9" });
    expect(run.election.state).toBe("active");
    expect(run.did).toEqual(["sendAdvert 100"]);
  });
});

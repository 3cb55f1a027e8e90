import { describe, expect, test } from "bun:test";
import { ElectionCase, standing } from "./election-cases.ts";

const takeover = ["addAddresses", "announce", "notify"];

describe("RFC 9568 §6.4.1 initialize", () => {
  test("a startup with priority 255 advertises, announces, arms Adver_Timer and goes to active", () => {
    const run = new ElectionCase().startup(standing(255));
    expect(run.election.state).toBe("active");
    expect(run.did).toEqual(["sendAdvert 255", ...takeover]);
    expect(run.deadlineMs).toBe(1000);
  });

  test("a startup with another priority arms Active_Down_Timer with its own interval and goes to backup", () => {
    const run = new ElectionCase().startup(standing(100));
    expect(run.election.state).toBe("backup");
    expect(run.did).toEqual(["notify"]);
    // 3 × 1 s + (256 − 100) × 1 s / 256
    expect(run.deadlineMs).toBe(3609.375);
  });

  test("nothing but a startup moves it", () => {
    const run = new ElectionCase().advert(10, 200).timer(20).claim(30, standing());
    expect(run.election.state).toBe("initialize");
  });
});

describe("RFC 9568 §6.4.2 backup", () => {
  test("a shutdown cancels the timer and goes to initialize without an advertisement", () => {
    const run = new ElectionCase().startup();
    run.feed({ kind: "shutdown", at: run.at(10), reason: "stopped" });
    expect(run.election.state).toBe("initialize");
    expect(run.deadlineMs).toBeNull();
    expect(run.did).toEqual(["notify"]);
  });

  test("Active_Down_Timer fires: advertisement, addresses, announcement, Adver_Timer, active", () => {
    const run = new ElectionCase().startup().timer(3609.375);
    expect(run.election.state).toBe("active");
    expect(run.did).toEqual(["sendAdvert 100", ...takeover]);
    expect(run.deadlineMs).toBe(4609.375);
  });

  test("a timer before the deadline does nothing", () => {
    const run = new ElectionCase().startup().timer(3609);
    expect(run.election.state).toBe("backup");
    expect(run.did).toEqual([]);
  });

  test("an advertisement of priority 0 sets Active_Down_Timer to Skew_Time", () => {
    const run = new ElectionCase().startup().advert(500, 200).advert(600, 0);
    expect(run.election.state).toBe("backup");
    expect(run.deadlineMs).toBe(600 + 609.375);
  });

  test("an advertisement of equal or greater priority re-arms Active_Down_Timer", () => {
    expect(new ElectionCase().startup().advert(500, 100).deadlineMs).toBe(500 + 3609.375);
    expect(new ElectionCase().startup().advert(500, 254).deadlineMs).toBe(500 + 3609.375);
  });

  test("its interval becomes Active_Adver_Interval, for Skew_Time too", () => {
    const run = new ElectionCase().startup().advert(500, 200, { intervalMs: 100 });
    expect(run.deadlineMs).toBe(500 + 360.938);
  });

  test("without Preempt_Mode an advertisement of lower priority re-arms it as well", () => {
    const run = new ElectionCase({ preempts: false }).startup(standing(200)).advert(500, 100);
    expect(run.deadlineMs).toBe(500 + 3218.75);
  });

  test("with Preempt_Mode an advertisement of lower priority is discarded", () => {
    const run = new ElectionCase().startup(standing(200)).advert(500, 100);
    expect(run.deadlineMs).toBe(3218.75);
    run.timer(3218.75);
    expect(run.election.state).toBe("active");
  });

  test("§6.1 the owner preempts even without Preempt_Mode", () => {
    const run = new ElectionCase({ preempts: false }).becomeActive(standing(255));
    run.advert(100, 255, { source: "192.0.2.200" });
    expect(run.election.state).toBe("backup");
    const before = run.deadlineMs;
    expect(run.advert(200, 100).deadlineMs).toBe(before);
  });
});

describe("RFC 9568 §6.4.3 active", () => {
  test("a shutdown sends priority 0 and goes to initialize, once another router has taken over", () => {
    const run = new ElectionCase().becomeActive();
    run.feed({ kind: "shutdown", at: run.at(5000), reason: "stopped" });
    expect(run.did).toEqual(["sendAdvert 0", "notify"]);
    run.advert(5610, 100);
    expect(run.election.state).toBe("initialize");
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("Adver_Timer fires: an advertisement, and the timer again", () => {
    const run = new ElectionCase().becomeActive();
    run.timer(4609.375);
    expect(run.did).toEqual(["sendAdvert 100"]);
    expect(run.deadlineMs).toBe(5609.375);
  });

  test("Adver_Timer keeps its beat when it fires late, and starts anew when it was late by an interval", () => {
    const run = new ElectionCase().becomeActive().timer(4900);
    expect(run.deadlineMs).toBe(5609.375);
    expect(run.timer(7000).deadlineMs).toBe(8000);
  });

  test("an advertisement of priority 0 is answered at once and resets Adver_Timer", () => {
    const run = new ElectionCase().becomeActive().advert(4000, 0);
    expect(run.election.state).toBe("active");
    expect(run.did).toEqual(["sendAdvert 100"]);
    expect(run.deadlineMs).toBe(5000);
  });

  test("an advertisement of greater priority sends it to backup with the interval received", () => {
    const run = new ElectionCase().becomeActive().advert(4000, 101, { intervalMs: 500 });
    expect(run.election.state).toBe("backup");
    // The advertisement makes the winner announce the addresses again.
    expect(run.did).toEqual(["sendAdvert 100", "removeAddresses", "notify"]);
    expect(run.deadlineMs).toBe(4000 + 1804.688);
  });

  test("equal priority and a greater address sends it to backup", () => {
    const run = new ElectionCase().becomeActive().advert(4000, 100, { source: "192.0.2.11" });
    expect(run.election.state).toBe("backup");
  });

  test("addresses are compared as unsigned numbers", () => {
    const run = new ElectionCase().becomeActive().advert(4000, 100, { source: "203.0.113.1" });
    expect(run.election.state).toBe("backup");
    const other = new ElectionCase().becomeActive().advert(4000, 100, { source: "10.0.0.200" });
    expect(other.election.state).toBe("active");
  });

  test("any other advertisement is discarded and answered at once", () => {
    const run = new ElectionCase().becomeActive().advert(4000, 99);
    expect(run.election.state).toBe("active");
    expect(run.did).toEqual(["sendAdvert 100"]);
    expect(run.deadlineMs).toBe(5000);
  });

  test("a losing rival makes it announce its addresses again, once in an interval", () => {
    const run = new ElectionCase().becomeActive().advert(6000, 99);
    expect(run.did).toEqual(["sendAdvert 100", "announce"]);
    expect(run.advert(6010, 99).did).toEqual(["sendAdvert 100"]);
  });

  test("two routers that each outrank the other in their own eyes do not answer each other without end", () => {
    const run = new ElectionCase().becomeActive().advert(4000, 99);
    expect(run.advert(4000.2, 99).did).toEqual([]);
    expect(run.advert(4009.9, 0).did).toEqual([]);
    expect(run.advert(4010, 99).did).toEqual(["sendAdvert 100"]);
  });
});

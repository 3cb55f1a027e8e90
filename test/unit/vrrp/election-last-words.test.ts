import { describe, expect, test } from "bun:test";
import { ElectionCase, standing } from "./election-cases.ts";

const other = "192.0.2.11";

describe("a word that comes after a later one", () => {
  test("of a router that has resigned meanwhile does not put the takeover off", () => {
    const run = new ElectionCase().startup().advert(1000, 200).advert(2000, 0).advert(2001, 200);
    expect(run.deadlineMs).toBe(2000 + 609.375);
    expect(run.timer(2609.375).election).toMatchObject({ state: "active", reason: `${other} resigned` });
  });

  test("of the address owner neither", () => {
    const run = new ElectionCase().startup().advert(1000, 255).advert(2000, 0).advert(2001, 255);
    expect(run.deadlineMs).toBe(2000 + 609.375);
  });

  test("of another router does: it has taken over", () => {
    const run = new ElectionCase().startup().advert(2000, 0).advert(2300, 200, { source: "192.0.2.12" });
    expect(run.deadlineMs).toBe(2300 + 3609.375);
  });

  test("counts again once a skew time has passed, as that router may be back", () => {
    // It listens on because it overslept its deadline.
    const run = new ElectionCase().startup().advert(2000, 0).timer(5000).advert(5001, 200);
    expect(run.deadlineMs).toBe(5001 + 3609.375);
  });
});

describe("the last word of a router that gives way", () => {
  test("names the winner's interval, by which the other backups wait", () => {
    const run = new ElectionCase().becomeActive().advert(4000, 200, { intervalMs: 3000 });
    expect(run.effects[0]).toEqual({ kind: "sendAdvert", priority: 100, intervalMs: 3000 });
  });

  test("is no takeover for one that resigns right after it has answered", () => {
    const run = new ElectionCase().becomeActive(standing(200)).advert(4000, 100);
    expect(run.did).toContain("sendAdvert 200");
    run.feed({ kind: "shutdown", at: run.at(4000.1), reason: "stopped" }).advert(4000.4, 100);
    expect(run.election.state).toBe("leaving");
    expect(run.advert(4609, 100).election.state).toBe("initialize");
  });

  test("is all that is not heeded: who resigns without a rival leaves at the first advertisement", () => {
    const run = new ElectionCase().becomeActive(standing(200));
    run.feed({ kind: "shutdown", at: run.at(4000.1), reason: "stopped" }).advert(4000.4, 100);
    expect(run.election.state).toBe("initialize");
  });
});

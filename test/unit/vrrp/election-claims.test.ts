import { describe, expect, test } from "bun:test";
import { ElectionCase, standing } from "./election-cases.ts";

const withdrawn = { kind: "withdrawn", reason: "track uplink fails" } as const;
const cutOff = { kind: "cut-off", reason: "interface eth0 has no carrier" } as const;

describe("an election's claim", () => {
  test("goes to fault at startup when there is none", () => {
    const run = new ElectionCase().startup(cutOff);
    expect(run.election.state).toBe("fault");
    expect(run.election.reason).toBe("interface eth0 has no carrier");
  });

  test("resigns, but keeps the addresses for a while, when it is withdrawn while active", () => {
    const run = new ElectionCase().becomeActive().claim(4000, withdrawn);
    expect(run.election.state).toBe("leaving");
    expect(run.did).toEqual(["sendAdvert 0", "notify"]);
  });

  test("says that it resigns, where it still can, and removes the addresses at once when it is cut off while active", () => {
    const run = new ElectionCase().becomeActive().claim(4000, cutOff);
    expect(run.did).toEqual(["sendAdvert 0", "removeAddresses", "notify"]);
  });

  test("goes quietly to fault from backup", () => {
    const run = new ElectionCase().startup().claim(10, withdrawn);
    expect(run.election.state).toBe("fault");
    expect(run.did).toEqual(["notify"]);
  });

  test("listens a whole Active_Down_Interval once it stands again", () => {
    const run = new ElectionCase().startup(cutOff).claim(5000, standing());
    expect(run.election.state).toBe("backup");
    expect(run.deadlineMs).toBe(5000 + 3609.375);
    expect(run.election.reason).toBe("no longer: interface eth0 has no carrier");
  });

  test("lets the owner be active again at once", () => {
    const run = new ElectionCase().startup(cutOff).claim(5000, standing(255));
    expect(run.election.state).toBe("active");
  });

  test("advertises a changed priority at once and stays active", () => {
    const run = new ElectionCase().becomeActive().claim(4000, standing(80));
    expect(run.election.state).toBe("active");
    expect(run.did).toEqual(["sendAdvert 80"]);
  });

  test("changes nothing when it is the same", () => {
    const run = new ElectionCase().becomeActive().claim(4000, standing());
    expect(run.did).toEqual([]);
    expect(run.deadlineMs).toBe(4609.375);
  });

  test("compares with the changed priority in backup", () => {
    const run = new ElectionCase().startup(standing(200)).claim(100, standing(90)).advert(200, 100);
    // Skew_Time of priority 90: 166 / 256 s.
    expect(run.deadlineMs).toBe(200 + 3648.438);
  });
});

describe("adoption", () => {
  test("is active at once and says so at once", () => {
    const run = new ElectionCase().startup(standing(), true);
    expect(run.election.state).toBe("active");
    expect(run.did[0]).toBe("sendAdvert 100");
  });

  test("gives way to a router of greater priority that took over meanwhile", () => {
    const run = new ElectionCase().startup(standing(), true).advert(5, 200);
    expect(run.election.state).toBe("backup");
  });

  test("does not happen without a claim", () => {
    const run = new ElectionCase().startup(withdrawn, true);
    expect(run.election.state).toBe("fault");
    expect(run.did).toContain("removeAddresses");
  });
});

describe("a new configuration", () => {
  test("is advertised at once by an active router", () => {
    const run = new ElectionCase().becomeActive();
    run.config = { ...run.config, advertIntervalMs: 200 };
    run.feed({ kind: "configure", at: run.at(4000) });
    expect(run.did).toEqual(["sendAdvert 100"]);
    expect(run.deadlineMs).toBe(4200);
  });

  test("counts from now for a version 2 backup", () => {
    const run = new ElectionCase({ version: 2 }).startup();
    run.config = { ...run.config, advertIntervalMs: 2000 };
    run.feed({ kind: "configure", at: run.at(1000) });
    expect(run.deadlineMs).toBe(1000 + 6609.375);
  });

  test("leaves a version 3 backup with the interval it learned", () => {
    const run = new ElectionCase().startup().advert(500, 200, { intervalMs: 100 });
    run.config = { ...run.config, advertIntervalMs: 2000 };
    run.feed({ kind: "configure", at: run.at(600) });
    expect(run.deadlineMs).toBe(500 + 360.938);
  });
});

describe("a sync group's word", () => {
  test("leads a backup to active before its deadline", () => {
    const run = new ElectionCase().startup();
    run.feed({ kind: "lead", at: run.at(10), reason: "sync group VG_1: inside-1 became active" });
    expect(run.election.state).toBe("active");
    expect(run.did).toEqual(["sendAdvert 100", "addAddresses", "announce", "notify"]);
  });

  test("makes an active router resign and listen", () => {
    const run = new ElectionCase().becomeActive();
    run.feed({ kind: "yield", at: run.at(5000), reason: "sync group VG_1" });
    expect(run.election.state).toBe("backup");
    expect(run.did).toEqual(["sendAdvert 0", "removeAddresses", "notify"]);
    expect(run.deadlineMs).toBe(5000 + 3609.375);
  });

  test("holds a backup for another interval", () => {
    const run = new ElectionCase().startup();
    run.feed({ kind: "hold", at: run.at(3610) });
    expect(run.election.state).toBe("backup");
    expect(run.deadlineMs).toBe(4610);
  });
});

describe("the reason of a takeover", () => {
  test("names silence since the start", () => {
    expect(new ElectionCase().startup().timer(3609.375).election.reason).toBe(
      "no advertisement heard for 3.61 s",
    );
  });

  test("names the router that fell silent", () => {
    const run = new ElectionCase().startup().advert(1000, 200).timer(4610);
    expect(run.election.reason).toBe("no advertisement from 192.0.2.11 for 3.61 s");
  });

  test("names the router that resigned", () => {
    const run = new ElectionCase().startup().advert(1000, 0).timer(1610);
    expect(run.election.reason).toBe("192.0.2.11 resigned");
  });

  test("names the router that is outranked", () => {
    const run = new ElectionCase().startup(standing(200)).advert(3000, 100).timer(3219);
    expect(run.election.reason).toBe("192.0.2.11 has priority 100, ours is 200");
  });

  test("names the priority or the address that won", () => {
    expect(new ElectionCase().becomeActive().advert(4000, 200).election.reason).toBe(
      "192.0.2.11 has priority 200, ours is 100",
    );
    expect(new ElectionCase().becomeActive().advert(4000, 100).election.reason).toBe(
      "192.0.2.11 has our priority 100 and the higher address",
    );
  });
});

import { describe, expect, test } from "bun:test";
import { ElectionCase, standing } from "./election-cases.ts";

const withdrawn = { kind: "withdrawn", reason: "track uplink fails" } as const;
const cutOff = { kind: "cut-off", reason: "interface eth0 has no carrier" } as const;

/** An election that was told to stop 5 s after its start, while active. */
function stopped(how: ConstructorParameters<typeof ElectionCase>[0] = {}): ElectionCase {
  const run = new ElectionCase(how).becomeActive();
  return run.feed({ kind: "shutdown", at: run.at(5000), reason: "stopped" });
}

describe("a router that leaves", () => {
  test("resigns and keeps the addresses, so that clients are answered until another one does", () => {
    const run = stopped();
    expect(run.election.state).toBe("leaving");
    expect(run.did).toEqual(["sendAdvert 0", "notify"]);
  });

  test("removes them at once when it hears who took over, and says who", () => {
    const run = stopped().advert(5609, 100);
    expect(run.election).toMatchObject({ state: "initialize", reason: "stopped; 192.0.2.11 took over" });
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("goes on answering until the one that took over can be there, whatever else it hears", () => {
    const run = stopped({ overlapMs: 5 }).advert(5609, 100);
    expect(run.election).toMatchObject({ state: "leaving", successor: "192.0.2.11" });
    expect(run.did).toEqual([]);
    run.advert(5612, 90, { source: "192.0.2.12" });
    expect(run.deadlineMs).toBe(5614);
    run.timer(5614);
    expect(run.election).toMatchObject({ state: "initialize", reason: "stopped; 192.0.2.11 took over" });
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("waits for nothing on an interface that is cut off in the meantime", () => {
    const run = stopped({ overlapMs: 5 }).advert(5609, 100).claim(5610, cutOff);
    expect(run.election.state).toBe("initialize");
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("gives way to a router of any priority, as it does not claim any more", () => {
    expect(stopped().advert(5990, 1).election.state).toBe("initialize");
  });

  test("says nothing while it waits, as any word would put the backups' timers back", () => {
    const run = stopped();
    run.feed({ kind: "configure", at: run.at(5100) });
    expect(run.did).toEqual([]);
    expect(run.claim(5200, standing(200)).did).toEqual([]);
    run.feed({ kind: "lead", at: run.at(5300), reason: "sync group VG_1" });
    expect(run.did).toEqual([]);
    run.feed({ kind: "yield", at: run.at(5400), reason: "sync group VG_1" });
    expect(run.did).toEqual([]);
    expect(run.timer(5500).did).toEqual([]);
    expect(run.election.state).toBe("leaving");
  });

  test("is not sent away by priority 0: another one that leaves answers no better", () => {
    expect(stopped().advert(5100, 0).election.state).toBe("leaving");
  });

  test("gives up once even a backup of priority 1 would have taken over, and an interval more", () => {
    // 255 / 256 s + 1 s
    const run = stopped();
    expect(run.deadlineMs).toBe(5000 + 1996.094);
    run.timer(6996.1);
    expect(run.election).toMatchObject({ state: "initialize", reason: "stopped; nobody took over" });
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("waits less at short intervals, and never so long that the supervisor loses patience", () => {
    expect(stopped({ advertIntervalMs: 100 }).deadlineMs).toBe(5000 + 199.609);
    expect(stopped({ version: 2, advertIntervalMs: 1000 }).deadlineMs).toBe(5000 + 1996.094);
    expect(stopped({ advertIntervalMs: 40_950 }).deadlineMs).toBe(5000 + 3000);
  });

  test("takes a second order to stop as the first", () => {
    const run = stopped();
    const before = run.election;
    run.feed({ kind: "shutdown", at: run.at(5500), reason: "stopped by SIGTERM" });
    expect(run.election).toBe(before);
  });

  test("removes the addresses at once when its interface is cut off: nobody can ask there", () => {
    const run = stopped().claim(5100, cutOff);
    expect(run.election.state).toBe("initialize");
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });
});

describe("a router whose claim was withdrawn", () => {
  test("goes to fault when another one has taken over", () => {
    const run = new ElectionCase().becomeActive().claim(4700, withdrawn).advert(5309, 100);
    expect(run.election).toMatchObject({ state: "fault", reason: "track uplink fails" });
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("goes to fault when nobody has", () => {
    const run = new ElectionCase().becomeActive().claim(4700, withdrawn).timer(6700);
    expect(run.election.state).toBe("fault");
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("goes to fault at once when its interface is cut off meanwhile", () => {
    const run = new ElectionCase().becomeActive().claim(4700, withdrawn).claim(4800, cutOff);
    expect(run.election).toMatchObject({ state: "fault", reason: "interface eth0 has no carrier" });
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("follows the one that took over if its claim stands again by then", () => {
    const run = new ElectionCase().becomeActive().claim(4700, withdrawn).claim(4800, standing());
    expect(run.election.state).toBe("leaving");
    run.advert(5309, 50);
    expect(run.election.state).toBe("backup");
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("stays if its claim stands again and nobody took over: the addresses were never away", () => {
    const run = new ElectionCase().becomeActive().claim(4700, withdrawn).claim(4800, standing()).timer(6700);
    expect(run.election.state).toBe("active");
    expect(run.did).toEqual(["sendAdvert 100", "addAddresses", "announce", "notify"]);
  });

  test("goes to initialize when it is stopped meanwhile", () => {
    const run = new ElectionCase().becomeActive().claim(4700, withdrawn);
    run.feed({ kind: "shutdown", at: run.at(4800), reason: "stopped" });
    expect(run.did).toEqual([]);
    expect(run.advert(5309, 100).election.state).toBe("initialize");
  });
});

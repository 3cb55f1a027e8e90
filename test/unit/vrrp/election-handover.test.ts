import { describe, expect, test } from "bun:test";
import { ElectionCase, standing } from "./election-cases.ts";

const reason = "handed over by the operator";

/** An election that was active and is handed over 5 s after its start; it claims with priority 1 from then on. */
function handedOver(how: ConstructorParameters<typeof ElectionCase>[0] = {}): ElectionCase {
  const run = new ElectionCase(how).becomeActive();
  return run.feed({ kind: "handover", at: run.at(5000), claim: standing(1), reason });
}

describe("a router that the operator hands over", () => {
  test("resigns and goes on answering", () => {
    const run = handedOver();
    expect(run.election).toMatchObject({ state: "leaving", reason });
    expect(run.did).toEqual(["sendAdvert 0", "notify"]);
  });

  test("becomes backup with its new claim when it hears who took over", () => {
    const run = handedOver().advert(5047, 244);
    expect(run.election).toMatchObject({
      state: "backup",
      claim: { priority: 1 },
      reason: `${reason}; 192.0.2.11 took over`,
    });
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("waits a whole Active_Down_Interval of priority 1 after that: it is the last to claim", () => {
    expect(handedOver().advert(5047, 244).deadlineMs).toBe(9043.094);
  });

  test("follows the next holder, whatever its priority above 1, and preempts nobody", () => {
    const run = handedOver().advert(5047, 2).advert(6047, 2);
    expect(run.deadlineMs).toBe(10_043.094);
  });

  test("becomes active again if nobody takes over, with the addresses in place all the time", () => {
    const run = handedOver();
    expect(run.timer(6996).did).toEqual([]);
    run.timer(6996.1);
    expect(run.election).toMatchObject({ state: "active", reason: `${reason}; nobody else took over` });
    expect(run.did).toEqual(["sendAdvert 1", "addAddresses", "announce", "notify"]);
  });

  test("gives backups at long intervals their time, as no stop waits for it", () => {
    expect(handedOver({ advertIntervalMs: 20_000 }).deadlineMs).toBeGreaterThan(5000 + 39_000);
  });

  test("takes the addresses off if it is stopped meanwhile and nobody takes over", () => {
    const run = handedOver();
    run.feed({ kind: "shutdown", at: run.at(5100), reason: "stopped" }).timer(6996.1);
    expect(run.election).toMatchObject({ state: "initialize", reason: "stopped; nobody took over" });
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("lets go at once when its interface is cut off meanwhile", () => {
    const cutOff = { kind: "cut-off", reason: "interface eth0 has no carrier" } as const;
    const run = handedOver().claim(5100, cutOff);
    expect(run.election.state).toBe("fault");
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("is asked for nothing where it holds nothing", () => {
    const run = new ElectionCase().startup();
    const before = run.election;
    run.feed({ kind: "handover", at: run.at(100), claim: standing(1), reason });
    expect(run.election).toBe(before);
  });
});

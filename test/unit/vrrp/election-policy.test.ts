import { describe, expect, test } from "bun:test";
import { ElectionCase, standing } from "./election-cases.ts";

const follower = "192.0.2.11";

describe("down_after", () => {
  test("says how many intervals of silence make the active router gone", () => {
    expect(new ElectionCase({ downAfter: 2 }).startup().deadlineMs).toBe(2609.375);
    expect(new ElectionCase({ downAfter: 10 }).startup().advert(500, 200).deadlineMs).toBe(500 + 10_609.375);
  });

  test("leaves the skew after a resignation as it is", () => {
    expect(new ElectionCase({ downAfter: 10 }).startup().advert(500, 0).deadlineMs).toBe(500 + 609.375);
  });

  test("of 2 lets an active router listen before it speaks after more than one interval of sleep", () => {
    const run = new ElectionCase({ downAfter: 2 }).becomeActive();
    const deadline = run.deadlineMs ?? 0;
    expect(run.timer(deadline + 1001).did).toEqual([]);
  });

  test("of 10 does not hide that others may wait for three", () => {
    const run = new ElectionCase({ downAfter: 10 }).becomeActive();
    const deadline = run.deadlineMs ?? 0;
    expect(run.timer(deadline + 2001).did).toEqual([]);
  });
});

/** A better node, 200 against 100, with a preempt delay of 10 s. */
function better(): ElectionCase {
  return new ElectionCase({ preemptDelayMs: 10_000 }).startup(standing(200));
}

describe("preempt_delay", () => {
  test("follows a router of lower priority until it is over, and outranks it from then on", () => {
    const run = better().advert(1000, 100);
    expect(run.election).toMatchObject({ heard: { verdict: "followed" } });
    expect(run.deadlineMs).toBe(1000 + 3218.75);
    run.advert(10_999, 100);
    expect(run.deadlineMs).toBe(10_999 + 3218.75);
    run.advert(11_000, 100);
    expect(run.election).toMatchObject({ heard: { verdict: "outranked" } });
    expect(run.deadlineMs).toBe(10_999 + 3218.75);
  });

  test("lets it preempt then, with that as the reason", () => {
    const run = better()
      .advert(1000, 100)
      .advert(10_999, 100)
      .advert(11_999, 100)
      .timer(10_999 + 3218.75);
    expect(run.election).toMatchObject({
      state: "active",
      reason: `${follower} has priority 100, ours is 200`,
    });
  });

  test("does not keep it from claiming when it hears nobody", () => {
    expect(better().timer(3218.75).election.state).toBe("active");
  });

  test("does not keep it from claiming when the active router falls silent or resigns", () => {
    expect(
      better()
        .advert(1000, 100)
        .timer(1000 + 3218.75).election.state,
    ).toBe("active");
    expect(better().advert(1000, 100).advert(1500, 0).deadlineMs).toBe(1500 + 218.75);
  });

  test("starts over once a better router has been heard", () => {
    const run = better().advert(1000, 100).advert(5000, 250).advert(6000, 100).advert(15_000, 100);
    expect(run.election).toMatchObject({ heard: { verdict: "followed" } });
    expect(run.advert(16_000, 100).election).toMatchObject({ heard: { verdict: "outranked" } });
  });

  test("starts when a track lets the priority rise above that of the active router", () => {
    const run = better().claim(0, standing(90)).advert(20_000, 100).claim(20_500, standing(200));
    expect(run.advert(21_000, 100).election).toMatchObject({ heard: { verdict: "followed" } });
    expect(run.advert(31_000, 100).election).toMatchObject({ heard: { verdict: "outranked" } });
  });

  test("does not hold for the owner of the address", () => {
    const run = better().claim(100, standing(255)).advert(1000, 100);
    expect(run.election).toMatchObject({ heard: { verdict: "outranked" } });
  });

  test("lets a host that slept give way to the one that took over, as if it had just been started", () => {
    const run = new ElectionCase({ preemptDelayMs: 10_000 }).becomeActive(standing(200)).advert(20_000, 100);
    expect(run.election.state).toBe("backup");
    expect(run.did).toEqual(["removeAddresses", "notify"]);
  });

  test("does not hold between two active routers: the better one asserts itself at once", () => {
    const run = new ElectionCase({ preemptDelayMs: 10_000 }).becomeActive(standing(200)).advert(4000, 100);
    expect(run.election.state).toBe("active");
    expect(run.did).toContain("sendAdvert 200");
  });
});

/** A node whose start-up delay ends 30 s after its start. */
function delayed(priority = 200): ElectionCase {
  const run = new ElectionCase();
  run.config = { ...run.config, claimsFrom: run.at(30_000) };
  return run.startup(standing(priority));
}

describe("startup_delay", () => {
  test("claims nothing because of silence until it is over and a whole Active_Down_Interval has passed", () => {
    const run = delayed();
    expect(run.deadlineMs).toBe(30_000 + 3218.75);
    expect(run.election.reason).toBe("started; claims nothing for 30 s");
  });

  test("does not trust the silence of a router that was heard either", () => {
    expect(delayed().advert(1000, 250).deadlineMs).toBe(30_000 + 3218.75);
  });

  test("preempts nobody until it is over", () => {
    const run = delayed().advert(29_999, 100);
    expect(run.election).toMatchObject({ heard: { verdict: "followed" } });
    expect(run.advert(30_001, 100).election).toMatchObject({ heard: { verdict: "outranked" } });
  });

  test("lets a router take over from one that is heard to resign", () => {
    const run = delayed().advert(1000, 100).advert(2000, 0);
    expect(run.deadlineMs).toBe(2000 + 218.75);
    expect(run.timer(2000 + 218.75).election.state).toBe("active");
  });

  test("makes the owner of the address listen too", () => {
    expect(delayed(255).election.state).toBe("backup");
  });

  test("does not hold for addresses that are adopted", () => {
    const run = new ElectionCase();
    run.config = { ...run.config, claimsFrom: run.at(30_000) };
    expect(run.startup(standing(), true).election.state).toBe("active");
  });

  test("is over by the time a fault of later on ends", () => {
    const run = delayed()
      .claim(40_000, { kind: "cut-off", reason: "no carrier" })
      .claim(50_000, standing(200));
    expect(run.deadlineMs).toBe(50_000 + 3218.75);
    expect(run.election.reason).toBe("no longer: no carrier");
  });
});

describe("a sync group that holds a backup back", () => {
  test("makes it tolerate a router that it outranks", () => {
    const run = new ElectionCase({ isHeldBack: true }).startup(standing(200)).advert(1000, 100);
    expect(run.election).toMatchObject({ heard: { verdict: "tolerated" } });
    expect(run.deadlineMs).toBe(1000 + 3218.75);
  });
});

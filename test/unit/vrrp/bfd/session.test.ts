import { describe, expect, test } from "bun:test";
import { SessionCase } from "./session-cases.ts";

describe("a session comes up", () => {
  test("by saying down once a second until a peer is heard", () => {
    const run = new SessionCase().open();
    expect(run.did).toEqual(["down"]);
    expect(run.sent).toMatchObject({
      desiredMinTxUs: 1_000_000,
      requiredMinRxUs: 10_000,
      requiredMinEchoRxUs: 0,
      myDiscriminator: 7,
      yourDiscriminator: 0,
    });
    expect(run.nextMs).toBe(1000);
    expect(run.timer(1000).did).toEqual(["down"]);
  });

  test("by way of init when the peer is down too, and says so at once", () => {
    const run = new SessionCase().open().hear(5, "down");
    expect(run.did).toEqual(["down → init", "init"]);
    expect(run.sent).toMatchObject({ yourDiscriminator: 9, desiredMinTxUs: 1_000_000 });
    expect(run.hear(6, "up").did).toEqual(["init → up", "up P"]);
  });

  test("at once when the peer has heard us already", () => {
    const run = new SessionCase().open().hear(5, "init");
    expect(run.did).toEqual(["down → up", "up P"]);
    expect(run.session.reason).toBe("192.0.2.11 hears us");
  });

  test("not by a peer that takes it to be up still, nor by one in administrative down", () => {
    expect(new SessionCase().open().hear(5, "up").did).toEqual([]);
    expect(new SessionCase().open().hear(5, "adminDown").did).toEqual([]);
  });

  test("and then sends at its own pace, asking for confirmation until it gets it", () => {
    const run = new SessionCase().open().hear(5, "init");
    expect(run.sent).toMatchObject({ isPoll: true, desiredMinTxUs: 10_000 });
    expect(run.sendMs).toBe(15);
    expect(run.timer(15).did).toEqual(["up P"]);
    expect(run.hear(16, "up", { isFinal: true }).did).toEqual([]);
    expect(run.timer(25).did).toEqual(["up"]);
  });
});

describe("a session goes down", () => {
  test("when the peer is silent for its multiplier times the negotiated interval", () => {
    const run = new SessionCase().up();
    expect(run.detectMs).toBe(32);
    run.timer(31.9);
    expect(run.session.state).toBe("up");
    run.timer(32);
    expect(run.did).toEqual(["up → down", "down"]);
    expect(run.cause).toBe("silent");
    expect(run.session.reason).toBe("no packet from 192.0.2.11 for 30 ms");
    expect(run.sent).toMatchObject({ diagnostic: 1, yourDiscriminator: 0, desiredMinTxUs: 1_000_000 });
    expect(run.sendMs).toBe(1032);
  });

  test("when the peer says so, with the peer's reason", () => {
    const run = new SessionCase().up().hear(10, "down", { diagnostic: 1, yourDiscriminator: 7 });
    expect(run.did).toEqual(["up → down", "down"]);
    expect(run.cause).toBe("signaled");
    expect(run.session.reason).toBe("192.0.2.11 says down: control detection time expired");
    expect(run.sent).toMatchObject({ diagnostic: 3, yourDiscriminator: 9 });
  });

  test("when the peer's operator takes it down, which is no failure", () => {
    const run = new SessionCase().up().hear(10, "adminDown");
    expect(run.did).toEqual(["up → down", "down"]);
    expect(run.cause).toBe("administrative");
  });

  test("when there is no way to the peer any more, in silence", () => {
    const run = new SessionCase().up();
    run.feed({ kind: "cut", at: run.at(10), reason: "interface eth0 has no carrier" });
    expect(run.did).toEqual(["up → down"]);
    expect(run.cause).toBe("cut");
    expect(run.nextMs).toBeNull();
    expect(run.session.diagnostic).toBe(5);
  });

  test("by our operator, which the peer is told", () => {
    const run = new SessionCase().up();
    run.feed({ kind: "disable", at: run.at(10), chance: 0, reason: "stopped" });
    expect(run.did).toEqual(["up → adminDown", "adminDown"]);
    expect(run.sent?.diagnostic).toBe(7);
    expect(run.hear(11, "down").did).toEqual([]);
    expect(run.session.state).toBe("adminDown");
  });

  test("from init too when the peer is silent", () => {
    const run = new SessionCase().open().hear(5, "down");
    expect(run.detectMs).toBe(3005);
    expect(run.timer(3005).did).toEqual(["init → down", "down"]);
  });

  test("and forgets a peer that is silent", () => {
    const run = new SessionCase().open().hear(5, "adminDown");
    expect(run.session.remote?.discriminator).toBe(9);
    expect(run.timer(3005).session.remote).toBeNull();
  });
});

describe("a host that slept through a detection time", () => {
  test("asks the peer and listens for another one, once", () => {
    const run = new SessionCase().up().timer(43);
    expect(run.did).toEqual(["up P"]);
    expect(run.detectMs).toBe(73);
    expect(run.timer(100).session.state).toBe("down");
  });

  test("believes a lateness of less than an interval", () => {
    expect(new SessionCase().up().timer(41.9).session.state).toBe("down");
  });

  test("may sleep again once it has heard the peer", () => {
    const run = new SessionCase().up().timer(43).hear(50, "up").timer(100);
    expect(run.session.state).toBe("up");
    expect(run.detectMs).toBe(130);
  });
});

describe("intervals", () => {
  test("are the larger of what one wants to send and the other can bear to receive", () => {
    const run = new SessionCase().up().hear(3, "up", { requiredMinRxUs: 50_000, desiredMinTxUs: 5_000 });
    expect(run.detectMs).toBe(33);
    run.timer(run.sendMs ?? 0);
    expect(run.sendMs).toBe(11 + 50);
  });

  test("count the peer's multiplier for us, and tell it ours", () => {
    const run = new SessionCase({ detectMultiplier: 5 }).up().hear(3, "up", { detectMultiplier: 2 });
    expect(run.detectMs).toBe(23);
    expect(run.timer(11).sent?.detectMultiplier).toBe(5);
  });

  test("that the peer can bear shorter hold at once", () => {
    const run = new SessionCase().open().hear(1, "init", { requiredMinRxUs: 1_000_000 });
    expect(run.sendMs).toBe(1001);
    run.hear(100, "up");
    expect(run.sendMs).toBe(11);
    expect(run.timer(100).did).toEqual(["up P"]);
  });

  test("that the peer wants none of end the periodic packets, but not the answers", () => {
    const run = new SessionCase().up().hear(3, "up", { requiredMinRxUs: 0 });
    expect(run.sendMs).toBeNull();
    expect(run.hear(4, "up", { requiredMinRxUs: 0, isPoll: true }).did).toEqual(["up F"]);
    run.hear(5, "up");
    expect(run.sendMs).toBe(11);
  });

  test("of a peer in demand mode end them too", () => {
    const run = new SessionCase().up().hear(3, "up", { isDemand: true });
    expect(run.sendMs).toBeNull();
  });

  test("are jittered by up to a quarter, by 10 to 25 % with a multiplier of 1", () => {
    for (const [detectMultiplier, chance, ms] of [
      [3, 0, 1000],
      [3, 0.999, 750.25],
      [1, 0, 900],
      [1, 0.999, 750.15],
    ] as const) {
      const run = new SessionCase({ detectMultiplier });
      run.chance = chance;
      expect(run.open().sendMs).toBe(ms);
    }
  });

  test("are not drawn again by what is heard", () => {
    const run = new SessionCase().up();
    const due = run.timer(11).sendMs;
    run.chance = 0.9;
    run.hear(12, "up").hear(13, "up");
    expect(run.sendMs).toBe(due);
  });
});

describe("a change of the configuration", () => {
  test("that slows us down holds once the peer has confirmed it", () => {
    const run = new SessionCase().up().configure(20, { desiredMinTxUs: 100_000 });
    expect(run.sent).toMatchObject({ isPoll: true, desiredMinTxUs: 100_000 });
    expect(run.sendMs).toBe(30);
    expect(run.timer(30).sendMs).toBe(40);
    run.hear(35, "up", { isFinal: true });
    expect(run.timer(40).sendMs).toBe(140);
    expect(run.sent?.isPoll).toBe(false);
  });

  test("that lets the peer be faster shortens the detection time once it has confirmed it", () => {
    const run = new SessionCase({ requiredMinRxUs: 100_000 }).up();
    expect(run.detectMs).toBe(302);
    run.configure(20, { requiredMinRxUs: 10_000 }).hear(25, "up");
    expect(run.detectMs).toBe(325);
    run.hear(30, "up", { isFinal: true });
    expect(run.detectMs).toBe(60);
  });

  test("that speeds us up, or slows the peer down, holds at once", () => {
    const run = new SessionCase({ desiredMinTxUs: 100_000 }).up();
    run.configure(20, { desiredMinTxUs: 10_000, requiredMinRxUs: 50_000 });
    expect(run.sendMs).toBe(30);
    run.hear(25, "up");
    expect(run.detectMs).toBe(25 + 150);
  });

  test("during a poll sequence has one of its own", () => {
    const run = new SessionCase().up().configure(20, { desiredMinTxUs: 50_000 });
    run.configure(21, { desiredMinTxUs: 100_000 }).hear(22, "up", { isFinal: true });
    expect(run.session).toMatchObject({ poll: "polling", usedMinTxUs: 10_000 });
    run.hear(23, "up", { isFinal: true });
    expect(run.session).toMatchObject({ poll: "none", usedMinTxUs: 100_000 });
  });
});

describe("a peer's poll", () => {
  test("is answered at once, without putting the periodic packets off", () => {
    const run = new SessionCase().up();
    const due = run.sendMs;
    expect(run.hear(5, "up", { isPoll: true }).did).toEqual(["up F"]);
    expect(run.sendMs).toBe(due);
  });

  test("is answered with an F alone while we poll ourselves", () => {
    const run = new SessionCase().open().hear(1, "init");
    expect(run.hear(2, "up", { isPoll: true }).did).toEqual(["up F"]);
  });

  test("that brings the session up is answered in that state", () => {
    const run = new SessionCase().open().hear(0.5, "down");
    expect(run.hear(1, "up", { isPoll: true }).did).toEqual(["init → up", "up F"]);
    expect(run.timer(11).did).toEqual(["up P"]);
  });
});

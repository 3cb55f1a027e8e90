import { describe, expect, test } from "bun:test";
import { noFootingStatus } from "../../../src/ipc/footing-status.ts";
import { DirectorView } from "../../../src/supervisor/director-view.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const report = (id: string): Parameters<DirectorView["heard"]>[0] => ({
  probes: [
    { id, target: { address: "192.0.2.1", port: 80 }, isUp: true, since: "", lastResult: "", weight: null },
  ],
  services: [],
  footing: noFootingStatus,
  proxied: [],
  names: [],
});

describe("DirectorView.report", () => {
  test("asks once for all who want to know meanwhile", async () => {
    let asked = 0;
    const view = new DirectorView(new FakeClock(), () => void (asked += 1));
    const both = Promise.all([view.report(true), view.report(true)]);
    expect(asked).toBe(1);
    view.heard(report("one"));
    expect(await both).toEqual([report("one"), report("one")]);
  });

  test("gives what was said last where nobody answers, and asks again the next time", async () => {
    let asked = 0;
    const clock = new FakeClock();
    const view = new DirectorView(clock, () => void (asked += 1));
    view.heard(report("one"));
    const first = view.report(true);
    clock.advance(2_000);
    expect(await first).toEqual(report("one"));
    const second = view.report(true);
    expect(asked).toBe(2);
    view.heard(report("two"));
    expect(await second).toEqual(report("two"));
  });

  test("does not wait for one that is gone", async () => {
    const view = new DirectorView(new FakeClock(), () => undefined);
    const waiting = view.report(true);
    view.release();
    expect(await waiting).toEqual({
      probes: [],
      services: [],
      proxied: [],
      names: [],
      footing: noFootingStatus,
    });
    expect(await view.report(false)).toMatchObject({ probes: [], services: [] });
  });
});

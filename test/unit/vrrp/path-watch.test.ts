import { describe, expect, test } from "bun:test";
import { instant } from "../../../src/base/instant.ts";
import { PathWatch } from "../../../src/vrrp/path-watch.ts";

const paths = ["eth0", "eth1", "eth2"];

class WatchCase {
  readonly watch = new PathWatch();

  /** Hears lb2 on a path; gives the news as `silent eth0 but eth1`. */
  hear(at: number, path: string, router = "lb2"): readonly string[] {
    const hearing = {
      path,
      router,
      address: `${path} of ${router}`,
      at: instant(at),
      wallTime: new Date(at),
      patienceMs: 400,
    };
    return this.watch
      .hear(hearing, paths)
      .map(({ kind, path: on, others }) => `${kind} ${on} but ${others.join(" ")}`);
  }

  /** Hears it every 100 ms; gives all news with their times. */
  run(from: number, to: number, ...on: readonly string[]): readonly string[] {
    const news: string[] = [];
    for (let at = from; at <= to; at += 100) {
      for (const path of on) news.push(...this.hear(at, path).map((each) => `${at}: ${each}`));
    }
    return news;
  }
}

describe("PathWatch", () => {
  test("tells once that a path is silent while others are not, and once that it is back", () => {
    const run = new WatchCase();
    expect(run.run(1000, 2000, ...paths)).toEqual([]);
    expect(run.run(2100, 9000, "eth1", "eth2")).toEqual(["2500: silent eth0 but eth1 eth2"]);
    expect(run.run(9100, 9300, "eth1", "eth2", "eth0")).toEqual(["9100: back eth0 but eth1 eth2"]);
  });

  test("has no news when a router falls silent everywhere, nor when it begins to speak again", () => {
    const run = new WatchCase();
    expect(run.run(1000, 2000, ...paths)).toEqual([]);
    expect(run.run(60_000, 61_000, ...paths)).toEqual([]);
  });

  test("tells of a path on which a router was never heard", () => {
    const run = new WatchCase();
    expect(run.run(1000, 3000, "eth0", "eth1")).toEqual(["1500: silent eth2 but eth0 eth1"]);
    expect(run.watch.heardOn("eth2")).toMatchObject([{ router: "lb2", address: null, isSilent: true }]);
    expect(run.watch.heardOn("eth0")).toMatchObject([
      { router: "lb2", address: "eth0 of lb2", wallTime: new Date(3000), isSilent: false },
    ]);
  });

  test("keeps the routers apart", () => {
    const run = new WatchCase();
    run.run(1000, 2000, ...paths);
    expect(run.hear(2050, "eth0", "lb3")).toEqual([]);
    expect(run.hear(2100, "eth1", "lb3")).toEqual([]);
    expect(run.watch.heardOn("eth0").map(({ router }) => router)).toEqual(["lb2", "lb3"]);
  });

  test("forgets nobody and remembers no more than 64 routers", () => {
    const run = new WatchCase();
    for (let each = 0; each < 1000; each++) run.hear(1000, "eth0", `router ${each}`);
    expect(run.watch.heardOn("eth0")).toHaveLength(64);
  });
});

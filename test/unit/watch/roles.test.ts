import { describe, expect, test } from "bun:test";
import { routers, Wire } from "./analyst-cases.ts";

const { a, b } = routers;

describe("who is active", () => {
  test("a resignation and a takeover are told, and nothing is wrong", () => {
    const wire = new Wire();
    wire.rounds(5, a);
    wire.advert({ ...a, priority: 0 });
    wire.wait(61);
    wire.rounds(5, b);
    expect(wire.said("event")).toEqual([
      "192.0.2.11 is active with priority 200: the first one heard",
      "192.0.2.11 resigns (priority 0)",
      "192.0.2.12 is active with priority 100: 192.0.2.11 resigned 61 ms before",
    ]);
    expect(wire.said("finding")).toEqual([]);
    const [router] = wire.summary.routers;
    expect(router?.active).toBe("192.0.2.12");
    expect(router?.reigns).toEqual([
      { source: "192.0.2.11", ms: 500, times: 1 },
      { source: "192.0.2.12", ms: 500, times: 1 },
    ]);
  });

  test("a better router preempts, and the old one may speak once more", () => {
    const wire = new Wire();
    wire.rounds(5, b);
    wire.advert(a);
    wire.advert(b);
    wire.wait(100);
    wire.rounds(5, a);
    expect(wire.said("event").at(-1)).toBe("192.0.2.11 is active with priority 200: it outranks 192.0.2.12");
    expect(wire.said("finding")).toEqual([]);
  });

  test("one that falls silent is named with its successor", () => {
    const wire = new Wire();
    wire.rounds(5, a);
    wire.wait(261);
    wire.rounds(5, b);
    expect(wire.found("takeover").map(({ text }) => text)).toEqual([
      "192.0.2.11 fell silent without resigning, and 192.0.2.12 took over",
    ]);
    wire.rounds(5, a);
    wire.wait(261);
    wire.rounds(5, b);
    expect(wire.found("takeover")).toHaveLength(2);
  });

  test("one that its successor missed sooner than by silence, as BFD does, is named too", () => {
    const wire = new Wire();
    wire.rounds(5, { ...a, intervalMs: 1000 });
    wire.rounds(1, { ...b, intervalMs: 1000 });
    wire.wait(900);
    wire.advert({ ...b, intervalMs: 1000 });
    wire.wait(1000);
    wire.advert({ ...b, intervalMs: 1000 });
    expect(wire.found("takeover")[0]?.text).toBe(
      "192.0.2.11 fell silent without resigning, and 192.0.2.12 took over",
    );
    expect(wire.said("finding")).toEqual(["takeover"]);
  });

  test("silence that nobody ends is said when the last of all backups should have claimed", () => {
    const wire = new Wire();
    wire.rounds(5, a);
    wire.wait(290);
    expect(wire.said("finding")).toEqual([]);
    wire.wait(20);
    expect(wire.found("silent")[0]?.text).toBe(
      "192.0.2.11 has been silent for three intervals and more (410 ms), and nobody took over 192.0.2.100",
    );
    wire.wait(10_000);
    wire.rounds(2, a);
    expect(wire.said("finding")).toEqual(["silent"]);
    expect(wire.said("over")).toEqual(["silent"]);
  });

  test("a resignation that nobody follows is said", () => {
    const wire = new Wire();
    wire.rounds(5, a);
    wire.advert({ ...a, priority: 0 });
    wire.wait(300);
    expect(wire.found("nobody-took-over")[0]?.text).toBe(
      "192.0.2.11 resigned and nobody took over 192.0.2.100",
    );
    wire.rounds(2, b);
    expect(wire.said("over")).toEqual(["nobody-took-over"]);
    expect(wire.summary.routers[0]?.reigns[0]).toEqual({ source: "192.0.2.11", ms: 500, times: 1 });
  });
});

describe("two active routers", () => {
  test("are found when they go on speaking, once, and it is over when one is quiet", () => {
    const wire = new Wire();
    wire.rounds(2, a, b);
    expect(wire.found("split-brain")).toEqual([]);
    wire.rounds(20, a, b);
    const [found] = wire.found("split-brain");
    expect(found?.text).toBe(
      "split brain: 192.0.2.11 and 192.0.2.12 are both active (priorities 200 and 100): nothing in what they say explains it: at least one does not hear the other",
    );
    expect(found?.advice).toContain("look for a firewall");
    wire.rounds(10, a);
    expect(wire.said("finding")).toEqual(["split-brain"]);
    expect(wire.said("over")).toEqual(["split-brain"]);
  });

  test("are found though one is ten times as fast", () => {
    const wire = new Wire();
    for (let round = 0; round < 5; round++) {
      wire.advert({ ...a, intervalMs: 1000 });
      wire.rounds(10, b);
    }
    expect(wire.found("split-brain")).toHaveLength(1);
    expect(wire.found("interval-differs")).toHaveLength(1);
  });

  test("are explained by what differs, the worst first", () => {
    const wire = new Wire();
    wire.rounds(5, a, { ...b, addresses: ["192.0.2.101"], destination: "224.0.0.19" });
    expect(wire.found("split-brain")[0]?.text).toContain(
      "192.0.2.11 advertises to 224.0.0.18 and 192.0.2.12 to 224.0.0.19",
    );
  });

  test("are explained by a TTL that nobody believes", () => {
    const wire = new Wire();
    wire.rounds(5, { ...a, ttl: 1 }, b);
    expect(wire.found("split-brain")[0]?.text).toContain("192.0.2.11 sends with a TTL of 1");
  });
});

test("a role that changes five times in a minute flaps, until it is steady for a minute", () => {
  const wire = new Wire();
  for (let round = 0; round < 4; round++) {
    wire.rounds(5, a);
    wire.advert({ ...a, priority: 0 });
    wire.wait(50);
    wire.rounds(5, b);
  }
  expect(wire.found("flapping").map(({ text }) => text)).toEqual([
    "the role changed 5 times in 2.1 s between 192.0.2.12 and 192.0.2.11",
  ]);
  wire.rounds(650, b);
  expect(wire.said("over")).toContain("flapping");
});

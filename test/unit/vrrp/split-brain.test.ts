import { describe, expect, test } from "bun:test";
import { instant } from "../../../src/base/instant.ts";
import {
  describeSplitBrain,
  freshTraces,
  judgeTraces,
  nextLook,
  noTraces,
  type Sighting,
  type SplitBrain,
  type SplitBrainRules,
  type Traces,
  withSighting,
} from "../../../src/vrrp/split-brain.ts";

const rules: SplitBrainRules = {
  intervalMs: 1000,
  vrid: 51,
  group: "224.0.0.18",
  canAsk: true,
  neighbours: [{ node: "lb2", priority: 100, address: "192.0.2.11" }],
};
const source = "192.0.2.11";
const at = (ms: number): ReturnType<typeof instant> => instant(50_000 + ms);

function traces(...sightings: readonly Sighting[]): Traces {
  return sightings.reduce(withSighting, noTraces);
}

function repeated(make: (ms: number) => Sighting, times = 4): readonly Sighting[] {
  return Array.from({ length: times }, (_, index) => make(index * 1000));
}

const advert = (ms: number): Sighting => {
  return { kind: "advert", at: at(ms), source, oddities: [], path: "eth0", silentPaths: [] };
};
const droppedOn =
  (heartbeat: string | null) =>
  (ms: number): Sighting => {
    const explanation = "its password is not ours";
    return { kind: "dropped", at: at(ms), source, cause: "auth", heartbeat, explanation };
  };
const dropped = droppedOn(null);
const over = droppedOn("eth1");
const stray = (more: { group?: string; vrid?: number }) => (ms: number) =>
  ({ kind: "stray", at: at(ms), source, group: "224.0.0.18", vrid: 51, ...more }) as const;
const neighbour = (ms: number): Sighting => {
  return { kind: "neighbour", at: at(ms), mac: "02:00:00:00:00:02", address: "192.0.2.100" };
};
const answers = repeated(neighbour, 2);

function verdict(...sightings: readonly Sighting[]): SplitBrain | null {
  return judgeTraces(traces(...sightings), rules);
}

describe("a rival", () => {
  test("is nobody who speaks once or twice, as at every takeover", () => {
    expect(verdict()).toBeNull();
    expect(verdict(advert(0), advert(1000))).toBeNull();
    expect(verdict(advert(0), advert(10), advert(20), advert(30))).toBeNull();
    expect(verdict(neighbour(0))).toBeNull();
  });

  test("is whoever goes on advertising and is believed", () => {
    expect(verdict(...repeated(advert))).toMatchObject({
      cause: "unheard",
      rival: { node: "lb2", address: source, mac: null },
    });
  });

  test("is no sender of what is dropped, as long as nobody answers for the address: it may be an attacker", () => {
    expect(verdict(...repeated(dropped))).toBeNull();
    expect(judgeTraces(traces(...repeated(dropped)), { ...rules, canAsk: false })).toMatchObject({
      cause: "authentication",
    });
  });

  test("is a node of the file whose word is dropped on a heartbeat, though nobody can be asked", () => {
    expect(verdict(...repeated(over))).toMatchObject({
      cause: "authentication",
      rival: { node: "lb2", address: source, mac: null },
      explanation: "its advertisements arrive on eth1 and are dropped: its password is not ours",
    });
    // What an attacker makes up on the network of the addresses in between takes nothing away from it.
    const mixed = repeated(over).flatMap((sighting) => [sighting, dropped(sighting.at - 50_000 + 500)]);
    expect(verdict(...mixed)).toMatchObject({ cause: "authentication" });
  });

  test("is whoever answers for the address, and what is dropped tells why", () => {
    const found = verdict(...repeated(dropped), ...answers);
    expect(found).toMatchObject({
      cause: "authentication",
      rival: { node: "lb2", address: source, mac: "02:00:00:00:00:02" },
      explanation: "its advertisements arrive and are dropped: its password is not ours",
    });
    expect(found === null ? "" : describeSplitBrain(found)).toBe(
      "split brain: lb2 (192.0.2.11, 02:00:00:00:00:02) is active too: its advertisements arrive and are dropped: its password is not ours; give every node the same auth",
    );
  });
});

describe("the likely cause", () => {
  test("is a filter when nothing arrives but ARP, and the only other node is meant", () => {
    expect(verdict(...answers)).toMatchObject({
      cause: "filtered",
      rival: { node: "lb2", address: null, mac: "02:00:00:00:00:02" },
    });
  });

  test("is this host's own firewall when advertisements are on the link and do not come in", () => {
    const found = verdict(...answers, ...repeated(stray({})));
    expect(found).toMatchObject({ cause: "filtered" });
    expect(found?.advice).toContain("firewall of this host");
  });

  test("is the group or the VRID when they come in another one", () => {
    expect(verdict(...answers, ...repeated(stray({ group: "224.0.0.19" })))).toMatchObject({
      cause: "group",
      explanation: "it advertises to 224.0.0.19, and we listen to 224.0.0.18",
    });
    expect(verdict(...answers, ...repeated(stray({ vrid: 52 })))).toMatchObject({
      cause: "vrid",
      explanation: "it advertises our address under VRID 52, and ours is 51",
    });
  });

  test("follows from what a drop says", () => {
    const causes = [
      ["interval", "interval"],
      ["version", "version"],
      ["ttl", "ttl"],
      ["checksum", "malformed"],
      ["authFailed", "authentication"],
      ["authStale", "authentication"],
    ] as const;
    for (const [cause, expected] of causes) {
      const drop = (ms: number): Sighting => ({
        kind: "dropped",
        heartbeat: null,
        at: at(ms),
        source,
        cause,
        explanation: "x",
      });
      expect(verdict(...answers, ...repeated(drop))?.cause).toBe(expected);
    }
  });

  test("is the list or the keys when what is believed is odd", () => {
    for (const [oddity, expected] of [
      ["addressList", "address-list"],
      ["signed", "authentication"],
    ] as const) {
      const odd = (ms: number): Sighting => Object.assign(advert(ms), { oddities: [oddity] });
      expect(verdict(...repeated(odd))?.cause).toBe(expected);
    }
  });
});

describe("traces", () => {
  test("are forgotten when a rival has been silent for three of its own intervals and a second", () => {
    const heard = traces(...repeated(advert));
    expect(nextLook(heard, rules)).toBe(at(7000));
    expect(freshTraces(heard, rules, at(6999)).size).toBe(1);
    expect(freshTraces(heard, rules, at(7000)).size).toBe(0);
  });

  test("are kept for longer when a rival speaks less often than we do", () => {
    const slow = traces(advert(0), advert(4000), advert(8000));
    expect(nextLook(slow, rules)).toBe(at(8000 + 13_000));
  });

  test("of ARP live as long as three questions take", () => {
    expect(nextLook(traces(...answers), rules)).toBe(at(1000 + 4_000));
  });

  test("are at most 32, and one for each sender in a flood", () => {
    const many = Array.from({ length: 100 }, (_, index) => {
      return { ...dropped(index), source: `198.51.100.${index}` } as Sighting;
    });
    const full = traces(...many);
    expect(full.size).toBe(32);
    expect(withSighting(full, dropped(200))).toBe(full);
    const one = traces(dropped(0));
    expect(withSighting(one, dropped(1))).toBe(one);
  });

  test("is the path that is dead when the other is heard on a heartbeat alone", () => {
    const way = { path: "eth1", silentPaths: ["eth0", "eth2"] };
    const found = verdict(
      ...repeated((ms) => ({ kind: "advert", at: at(ms), source, oddities: [], ...way })),
    );
    expect(found).toMatchObject({
      cause: "path",
      explanation:
        "its advertisements arrive on eth1 and not on eth0 and eth2, and it does not give way or answer ours",
    });
  });
});

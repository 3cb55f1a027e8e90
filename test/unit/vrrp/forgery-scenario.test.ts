import { describe, expect, test } from "bun:test";
import { concatBytes } from "../../../src/base/bytes.ts";
import type { HmacPlan, VrrpPlan } from "../../../src/config/node-plan.ts";
import { encodeAdvert, noAuthentication } from "../../../src/vrrp/packet.ts";
import { FakeMachine, type FakeSegment } from "../../support/fake-segment.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { type FakeCluster, type FakeRouterMachine, startedPair } from "./vrrp-pair.ts";

const one = { id: 1, hex: "0123456789abcdef0123456789abcdef" };
const two = { id: 2, hex: "fedcba9876543210fedcba9876543210" };
const hmac: HmacPlan = { keys: [one], activeKey: 1, timeWindowMs: 30_000, mode: "enforce" };
const group = "224.0.0.18";

function plan(priority: number, auth: HmacPlan | null = hmac): VrrpPlan {
  return vrrpPlan([instancePlan({ priority, hmac: auth })]);
}

type Pair = FakeCluster & { readonly lb1: FakeRouterMachine; readonly lb2: FakeRouterMachine };

/** lb1 is active and lb2 its backup. */
function settledPair(first: HmacPlan | null = hmac, second: HmacPlan | null = hmac): Pair {
  const pair = startedPair([plan(200, first), plan(100, second)]);
  pair.clock.advance(10_000);
  return pair;
}

/** Somebody on the network who can send anything, from any address. */
class Attacker {
  readonly #machine: FakeMachine;
  readonly #segment: FakeSegment;

  constructor(segment: FakeSegment) {
    this.#segment = segment;
    this.#machine = new FakeMachine("attacker", segment, { eth0: "192.0.2.66" });
  }

  send(payload: Uint8Array, source = "192.0.2.66"): void {
    const [link] = this.#machine.boot().host.routes.links();
    if (link === undefined) throw new Error("the attacker has no link");
    const socket = this.#segment.open(this.#machine, { link, group, source, speaker: null }, () => undefined);
    socket.send(payload, group);
    socket.close();
  }

  forge(priority: number, source: string): void {
    const advert = { family: 4, version: 3, vrid: 51, priority, intervalMs: 1000 } as const;
    const rest = { addresses: ["192.0.2.100"], auth: noAuthentication };
    const bytes = encodeAdvert({ ...advert, ...rest }, { source, destination: group }, "pseudo-header");
    this.send(bytes, source);
    for (const type of [1, 2]) {
      this.send(concatBytes(bytes, new Uint8Array(28).fill(1).with(0, type)), source);
    }
  }
}

const states = ({ lb1, lb2 }: Pair): readonly string[] => [lb1.state(), lb2.state()];
const count = (machine: FakeRouterMachine, name: string): number => machine.status().counters[name] ?? 0;

describe("a pair with keys", () => {
  test("elects, resigns and takes over as one without", () => {
    const pair = settledPair();
    expect(states(pair)).toEqual(["active", "backup"]);
    pair.lb1.stop();
    pair.clock.advance(1000);
    expect(pair.lb2.status()).toMatchObject({ state: "active", reason: "192.0.2.10 resigned" });
    pair.lb1.start();
    pair.clock.advance(10_000);
    expect(states(pair)).toEqual(["active", "backup"]);
    expect(
      Object.entries(pair.lb2.status().counters).filter(([name, n]) => /drop|odd/.test(name) && n > 0),
    ).toEqual([]);
  });

  test("changes keys one router after the other without a change of state", () => {
    const pair = settledPair();
    const steps: readonly HmacPlan[] = [
      { ...hmac, keys: [one, two] },
      { ...hmac, keys: [one, two], activeKey: 2 },
      { ...hmac, keys: [two], activeKey: 2 },
    ];
    for (const step of steps) {
      for (const [machine, priority] of [
        [pair.lb1, 200],
        [pair.lb2, 100],
      ] as const) {
        machine.node.configure(plan(priority, step), []);
        pair.clock.advance(10_000);
        expect(states(pair)).toEqual(["active", "backup"]);
      }
    }
    expect(count(pair.lb2, "droppedAuthUnknownKey")).toBe(0);
  });

  test("gets its keys one router after the other without a change of state", () => {
    const pair = settledPair(null, null);
    for (const mode of ["permissive", "enforce"] as const) {
      for (const [machine, priority] of [
        [pair.lb1, 200],
        [pair.lb2, 100],
      ] as const) {
        machine.node.configure(plan(priority, { ...hmac, mode }), []);
        pair.clock.advance(10_000);
        expect(states(pair)).toEqual(["active", "backup"]);
      }
    }
    expect(count(pair.lb2, "oddSigned")).toBeGreaterThan(0);
    expect(count(pair.lb2, "droppedAuthMissing")).toBe(0);
  });

  test("in permissive mode counts what is not signed, and says so", () => {
    const pair = settledPair(null, { ...hmac, mode: "permissive" });
    expect(states(pair)).toEqual(["active", "backup"]);
    expect(count(pair.lb2, "oddUnsigned")).toBeGreaterThan(0);
    expect(pair.lb2.log.filter((line) => line.includes("it is not signed"))).toHaveLength(1);
  });
});

describe("somebody without the key", () => {
  test("reaches no election with any priority from any source", () => {
    const pair = settledPair();
    const attacker = new Attacker(pair.segment);
    const peers = [pair.lb1.status().peer, pair.lb2.status().peer];
    for (let round = 0; round < 20; round++) {
      for (const priority of [255, 254, 200, 1, 0]) {
        for (const source of ["192.0.2.66", "192.0.2.10", "192.0.2.11"]) attacker.forge(priority, source);
      }
      pair.clock.advance(500);
      expect(states(pair)).toEqual(["active", "backup"]);
    }
    expect([pair.lb1.status().peer, pair.lb2.status().peer]).toEqual(peers);
    expect(count(pair.lb2, "droppedAuthMissing")).toBeGreaterThan(0);
    expect(count(pair.lb2, "droppedAuthFailed")).toBeGreaterThan(0);
    expect(count(pair.lb1, "becameActive")).toBe(1);
    expect(count(pair.lb2, "becameActive")).toBe(0);
  });

  test("cannot keep a backup quiet with what it heard from the dead active", () => {
    const pair = settledPair();
    const captured = pair.segment.sent
      .filter(({ machine }) => machine === "lb1")
      .map(({ payload }) => payload);
    const attacker = new Attacker(pair.segment);
    pair.lb1.kill();
    for (let ms = 0; ms < 4000; ms += 100) {
      for (const payload of captured) attacker.send(payload, "192.0.2.10");
      pair.clock.advance(100);
    }
    expect(pair.lb2.state()).toBe("active");
    expect(count(pair.lb2, "droppedAuthReplay")).toBeGreaterThan(captured.length);
    pair.clock.advance(60_000);
    for (const payload of captured) attacker.send(payload, "192.0.2.10");
    pair.clock.advance(1);
    expect(pair.lb2.state()).toBe("active");
    expect(count(pair.lb2, "droppedAuthStale")).toBe(captured.length);
  });

  test("can use no advertisement from another source or with a changed bit", () => {
    const pair = settledPair();
    const captured = pair.segment.sent.findLast(({ machine }) => machine === "lb1")?.payload;
    if (captured === undefined) throw new Error("lb1 has sent nothing");
    pair.lb1.kill();
    const attacker = new Attacker(pair.segment);
    const received = count(pair.lb2, "received");
    attacker.send(captured, "192.0.2.66");
    for (let bit = 0; bit < captured.length * 8; bit++) {
      const at = bit >> 3;
      attacker.send(captured.with(at, (captured[at] ?? 0) ^ (1 << (bit & 7))), "192.0.2.10");
    }
    pair.clock.advance(1);
    expect(count(pair.lb2, "received")).toBe(received);
    pair.clock.advance(4000);
    expect(pair.lb2.state()).toBe("active");
  });

  test("cannot fill the log", () => {
    const pair = settledPair();
    const attacker = new Attacker(pair.segment);
    for (let index = 0; index < 1000; index++) {
      attacker.forge(255, `192.0.${3 + (index >> 8)}.${index & 255}`);
      pair.clock.advance(10);
    }
    expect(count(pair.lb2, "droppedAuthMissing")).toBe(1000);
    expect(pair.lb2.log.length).toBeLessThan(100);
  });
});

describe("keys that do not fit", () => {
  test("make both active, and both logs say why", () => {
    const pair = settledPair(hmac, { ...hmac, keys: [{ id: 1, hex: two.hex }] });
    expect(states(pair)).toEqual(["active", "active"]);
    for (const machine of [pair.lb1, pair.lb2]) {
      expect(count(machine, "droppedAuthFailed")).toBeGreaterThan(0);
      const lines = machine.log.filter((line) =>
        /: advertisement from .* either its router has another key under this number/.test(line),
      );
      expect(lines).toHaveLength(1);
    }
  });
});

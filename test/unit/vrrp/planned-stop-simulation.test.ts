import { expect, test } from "bun:test";
import { seededRandom } from "../../support/seeded-random.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { type FakeCluster, type FakeRouterMachine, fakeCluster } from "./vrrp-pair.ts";

/**
 * Planned stops at random moments on a network that delays but loses nothing; the seed is in the failure and replays
 * it. What must hold at every moment: somebody holds the address, and the one that leaves holds it beside the next
 * for no longer than an advertisement takes to arrive and a takeover takes.
 */
const vip = "192.0.2.100";
const delayMs = 2;
const stepMs = 0.25;
/** What a router of one address lets its successor take. */
const overlapLimitMs = 5.1;

/** Two to four nodes with priorities of their own. */
function randomCluster(seed: number, random: () => number): FakeCluster {
  const version = random() < 0.5 ? 2 : 3;
  const advertIntervalMs = version === 2 || random() < 0.5 ? 1000 : 100;
  const preempts = random() < 0.5;
  const nodes = 2 + Math.floor(random() * 3);
  const plans = Array.from({ length: nodes }, (_, index) => {
    const priority = 1 + index * 60 + Math.floor(random() * 60);
    return vrrpPlan([instancePlan({ version, advertIntervalMs, preempts, priority })]);
  });
  const cluster = fakeCluster(plans, seed);
  cluster.segment.maxDelayMs = delayMs;
  return cluster;
}

/** Stops the holder and watches until it is gone; gives what is wrong, or null. */
function stopAndWatch({ clock, machines }: FakeCluster, holder: FakeRouterMachine): string | null {
  let overlapMs = 0;
  holder.stop();
  for (let ms = 0; holder.isUp; ms += stepMs) {
    if (ms > 3000 + stepMs) return "it has not left after 3 s";
    clock.advance(stepMs);
    const holders = machines.filter(({ machine }) => machine.holds(vip));
    if (holders.length === 0) return `nobody holds the address after ${ms} ms`;
    if (holders.length > 1 && holders.includes(holder)) overlapMs += stepMs;
  }
  if (holder.machine.holds(vip)) return "it has left its address behind";
  return overlapMs > delayMs + overlapLimitMs + stepMs ? `two held the address for ${overlapMs} ms` : null;
}

/** Runs one seed; gives what is wrong, or null. */
function run(seed: number): string | null {
  const random = seededRandom(seed);
  const cluster = randomCluster(seed, random);
  for (const node of cluster.machines) node.start();
  for (let round = 0; round < 3; round++) {
    cluster.clock.advance(10_000 + random() * 2000);
    const holder = cluster.machines.find(({ machine }) => machine.holds(vip));
    if (holder === undefined) return `seed ${seed}, round ${round}: nobody holds the address before the stop`;
    const problem = stopAndWatch(cluster, holder);
    if (problem !== null) return `seed ${seed}, round ${round}: ${problem}`;
    cluster.clock.advance(random() * 3000);
    holder.start();
  }
  return null;
}

test("a planned stop leaves no moment without a holder, and two holders only for as long as a takeover takes", () => {
  const results = Array.from({ length: 200 }, (_, index) => run(index + 1));
  expect(results.filter((text) => text !== null)).toEqual([]);
}, 60_000);

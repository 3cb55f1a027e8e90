import { describe, expect, test } from "bun:test";
import type { RivalPlan } from "../../../../src/config/bfd-plan.ts";
import { lossEvent } from "../../../../src/vrrp/bfd/loss.ts";
import { ElectionCase, standing } from "../election-cases.ts";

const silence = {
  session: "lb2/eth0",
  interface: "eth0",
  peer: "192.0.2.11",
  detectionMs: 30,
  reason: "no packet from 192.0.2.11 for 30 ms",
};
const rivals: readonly RivalPlan[] = [
  { sessions: ["lb2/eth0"], addresses: ["192.0.2.11", "10.0.0.11"], priority: 254 },
  { sessions: ["lb3/eth0"], addresses: ["192.0.2.12"], priority: 250 },
  { sessions: ["lb4/eth0"], addresses: ["192.0.2.13"], priority: 242 },
];

function waitOf(
  how: {
    readonly rivals?: readonly RivalPlan[];
    readonly source?: string;
    readonly priority?: number;
    readonly on?: string;
    readonly up?: readonly string[];
  } = {},
): number | null {
  const { source = "192.0.2.11", priority = 246, on = "eth0", up = ["lb3/eth0", "lb4/eth0"] } = how;
  const run = new ElectionCase().startup(standing(priority)).advert(500, 254, { source });
  const plan = { interface: on, rivals: how.rivals ?? rivals };
  const around = { at: run.at(700), isUp: (session: string) => up.includes(session) };
  return lossEvent({ plan, election: run.election }, silence, around)?.waitMs ?? null;
}

describe("a silent neighbour", () => {
  test("concerns the routers that follow it on its interface", () => {
    expect(waitOf()).not.toBeNull();
    expect(waitOf({ source: "192.0.2.12" })).toBeNull();
    expect(waitOf({ on: "eth1", rivals: [] })).toBeNull();
  });

  test("is known by every address of its node", () => {
    expect(waitOf({ source: "10.0.0.11" })).not.toBeNull();
  });

  test("is the other of two nodes when the address is not in the file", () => {
    expect(waitOf({ source: "fe80::11", rivals: rivals.slice(0, 1) })).toBe(0);
    expect(waitOf({ source: "fe80::11" })).toBeNull();
  });

  test("is silent when it is silent on every interface it is watched on", () => {
    const twice = [{ sessions: ["lb2/eth0", "lb2/eth9"], addresses: ["192.0.2.11"], priority: 254 }];
    expect(waitOf({ rivals: twice, up: ["lb2/eth9"] })).toBeNull();
    expect(waitOf({ rivals: twice, up: [] })).toBe(0);
  });

  test("lets each backup wait a detection time for every better one that is alive", () => {
    expect(waitOf({ priority: 250, rivals: rivals.toSpliced(1, 1) })).toBe(0);
    expect(waitOf({ priority: 246 })).toBe(30);
    expect(waitOf({ priority: 238 })).toBe(60);
    expect(waitOf({ priority: 238, up: ["lb4/eth0"] })).toBe(30);
  });

  test("counts what tracks have left of our own priority", () => {
    expect(waitOf({ priority: 236 })).toBe(60);
  });

  test("takes the order of Skew_Time where the other backups are not known", () => {
    expect(waitOf({ rivals: [], priority: 246 })).toBeCloseTo(1.17, 2);
    expect(waitOf({ rivals: [], priority: 100 })).toBeCloseTo(18.28, 2);
  });
});

import { expect, test } from "bun:test";
import { join } from "node:path";
import type { BfdSessionPlan } from "../../../src/config/bfd-plan.ts";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { type Host, waitFor } from "../../support/lab.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab, type PairLab, vip } from "./pair-lab.ts";

const addresses = { lb1: "192.0.2.10", lb2: "192.0.2.11" } as const;
const other = { lb1: "lb2", lb2: "lb1" } as const;
const priorities = { lb1: 200, lb2: 100 } as const;
type Name = keyof typeof addresses;

/** Advertisements every second: what happens sooner than three seconds after is BFD's doing, and says so. */
function plan(name: Name, more: Partial<BfdSessionPlan> = {}): VrrpPlan {
  const session: BfdSessionPlan = {
    name: "peer",
    interface: "eth0",
    peer: addresses[other[name]],
    source: addresses[name],
    intervalMs: 50,
    minReceiveMs: 50,
    multiplier: 3,
    ...more,
  };
  const rivals = [{ sessions: ["peer"], addresses: [session.peer], priority: priorities[other[name]] }];
  return vrrpPlan([instancePlan({ priority: priorities[name], rivals })], { bfd: [session] });
}

async function startPair(pair: PairLab): Promise<{ readonly lb1: VrrpRole; readonly lb2: VrrpRole }> {
  const [lb1, lb2] = await Promise.all([
    VrrpRole.start(pair.lb1, plan("lb1")),
    VrrpRole.start(pair.lb2, plan("lb2")),
  ]);
  await lb1.reaches("active");
  await waitFor("lb2 follows lb1", () => lb2.status()?.peer?.address === addresses.lb1);
  await lb2.reaches("backup");
  await Promise.all([lb1.sessionReaches("up"), lb2.sessionReaches("up")]);
  return { lb1, lb2 };
}

const silent = /^bfd: no packet from 192\.0\.2\.10 for (1[5-9]\d|[2-9]\d\d|[12]\d{3}) ms$/;

async function holders(pair: PairLab): Promise<readonly boolean[]> {
  return [await pair.lb1.holds(vip), await pair.lb2.holds(vip)];
}

test("a host that is cut off behind a switch is missed by BFD, and heard again after it", async () => {
  await using pair = await pairLab();
  const { lb1, lb2 } = await startPair(pair);
  expect(lb2.session()).toMatchObject({ detectionMs: 150, transmitIntervalMs: 50, source: addresses.lb2 });
  await pair.lb1.blockLink("eth0");
  await lb2.reaches("active");
  expect(lb2.status()?.reason).toMatch(silent);
  await lb1.sessionReaches("down");
  expect(lb2.session()).toMatchObject({ state: "down", diagnostic: "control detection time expired" });
  await pair.lb1.unblockLink("eth0");
  await lb2.reaches("backup");
  await Promise.all([lb1.sessionReaches("up"), lb2.sessionReaches("up")]);
  expect(await holders(pair)).toEqual([true, false]);
  expect(lb1.history()).toEqual(["backup", "active"]);
}, 60_000);

test("a host whose cable is cut knows that it is not the others who are silent", async () => {
  await using pair = await pairLab();
  const { lb1, lb2 } = await startPair(pair);
  await pair.lb2.cutLink("eth0");
  await lb2.sessionReaches("down");
  expect(lb2.session()?.reason).toBe("interface eth0 has no carrier");
  await lb2.reaches("fault");
  await pair.lb2.restoreLink("eth0");
  await lb2.sessionReaches("up");
  expect(lb2.history()).not.toContain("active");
  await pair.lb1.cutLink("eth0");
  await lb2.reaches("active");
  expect(lb1.log()).toContain("bfd peer: up → down: interface eth0 has no carrier");
}, 60_000);

test("a frozen process is missed by BFD, and gives way to nobody's harm when it wakes up", async () => {
  await using pair = await pairLab();
  const { lb1, lb2 } = await startPair(pair);
  lb1.signal("SIGSTOP");
  await lb2.reaches("active");
  expect(lb2.status()?.reason).toMatch(silent);
  lb1.signal("SIGCONT");
  await lb1.sessionReaches("up");
  await lb2.reaches("backup");
  expect(await holders(pair)).toEqual([true, false]);
}, 60_000);

test("a stop is no death: it is told, and the address is handed over before that", async () => {
  await using pair = await pairLab();
  const { lb1, lb2 } = await startPair(pair);
  await lb1.stop();
  await lb2.reaches("active");
  expect(lb2.status()?.reason).toBe("192.0.2.10 resigned");
  await lb2.sessionReaches("down");
  expect(lb2.session()?.reason).toBe("192.0.2.10 was taken down by its operator");
}, 60_000);

test("garbage at the port changes nothing but counters", async () => {
  await using pair = await pairLab();
  const { lb1, lb2 } = await startPair(pair);
  const discriminator = String(lb2.session()?.localDiscriminator);
  const send = async (host: Host): Promise<void> => {
    const program = join(import.meta.dir, "../../support/bfd-garbage.ts");
    const { exitCode, stderr } = await host.run([process.execPath, program, addresses.lb2, discriminator]);
    expect([stderr, exitCode]).toEqual(["", 0]);
  };
  const causes = {
    length: 4,
    version: 1,
    multiplier: 1,
    multipoint: 1,
    myDiscriminator: 1,
    yourDiscriminator: 1,
    authentication: 1,
    unknownDiscriminator: 1,
    ttl: 1,
  };
  const dropped = Object.fromEntries(
    Object.entries(causes).map(([cause, count]) => [
      `dropped${cause[0]?.toUpperCase()}${cause.slice(1)}`,
      count,
    ]),
  );
  await send(pair.lb1);
  await waitFor("the last one is counted", () => (lb2.session()?.counters["droppedTtl"] ?? 0) > 0);
  expect(lb2.session()?.counters).toMatchObject(dropped);
  const stranger = await pair.lab.host("stranger", { eth0: { bridge: "net0", address: "192.0.2.66/24" } });
  await send(stranger);
  await waitFor("the stranger's are counted", () => "ttl" in lb2.strays());
  expect(lb2.strays()).toEqual(causes);
  expect([lb1.session()?.state, lb2.session()?.state]).toEqual(["up", "up"]);
  expect(lb2.session()?.counters["wentDown"]).toBe(0);
  expect(lb2.history()).not.toContain("active");
}, 60_000);

test("sessions run over IPv6, link-local addresses too, and go on when the pace is changed", async () => {
  await using pair = await pairLab();
  for (const [host, last] of [
    [pair.lb1, 10],
    [pair.lb2, 11],
  ] as const) {
    await host.ip(["address", "add", `fe80::${last}/64`, "dev", "eth0"]);
    await host.ip(["address", "add", `2001:db8::${last}/64`, "dev", "eth0"]);
  }
  for (const network of ["fe80::", "2001:db8::"]) {
    const sixth = (name: Name, last: number): VrrpPlan =>
      vrrpPlan([], { bfd: plan(name, { peer: `${network}${last}`, source: null }).bfd });
    const lb1 = await VrrpRole.start(pair.lb1, sixth("lb1", 11));
    const lb2 = await VrrpRole.start(pair.lb2, sixth("lb2", 10));
    await Promise.all([lb1.sessionReaches("up"), lb2.sessionReaches("up")]);
    const slower = sixth("lb1", 11);
    const bfd = slower.bfd.map((session) => ({ ...session, intervalMs: 200, minReceiveMs: 200 }));
    expect(await lb1.configure({ ...slower, bfd })).toBeNull();
    await waitFor("both go at the slower pace", () => {
      const paces = [lb1.session()?.transmitIntervalMs, lb2.session()?.transmitIntervalMs];
      return paces[0] === 200 && paces[1] === 200 && lb2.session()?.detectionMs === 600;
    });
    expect(lb2.session()?.counters["wentDown"]).toBe(0);
    await Promise.all([lb1.stop(), lb2.stop()]);
  }
}, 60_000);

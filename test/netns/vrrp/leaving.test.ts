import { expect, setDefaultTimeout, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { startKeepalived } from "../../support/keepalived.ts";
import { type Child, type Host, waitFor } from "../../support/lab.ts";
import { startEcho, startUdpProbe, switchSilenceMs } from "../../support/probe.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { fastPlan, pairLab, type PairLab, vip } from "./pair-lab.ts";

setDefaultTimeout(60_000);

/** A backup of priority 100 waits this long after priority 0 at 1 s: as long as nobody would answer. */
const skewMs = 609;

/** The usual pace, at which a switch would be dark for longest. */
function slowPlan(priority: number): VrrpPlan {
  return vrrpPlan([instancePlan({ version: 2, priority })]);
}

/** What happened on a host, with its time: addresses removed, and advertisements of lb2. */
class Witness {
  readonly #monitor: Child;
  readonly #dump: Child;

  private constructor(monitor: Child, dump: Child) {
    this.#monitor = monitor;
    this.#dump = dump;
  }

  static async on(host: Host): Promise<Witness> {
    const monitor = host.spawn(["ip", "-o", "-ts", "monitor", "address"]);
    const filter = ["ip", "proto", "112", "and", "src", "host", "192.0.2.11"];
    const dump = host.spawn(["tcpdump", "-l", "-tt", "-n", "--immediate-mode", "-i", "eth0", ...filter]);
    await waitFor("tcpdump listens", () => dump.output().includes("listening on"));
    await host.ip(["address", "add", "198.51.100.1/32", "dev", "eth0"]);
    await waitFor("ip monitor listens", () => monitor.output().includes("198.51.100.1"));
    return new Witness(monitor, dump);
  }

  /** When lb2 advertised first, in milliseconds. */
  async firstAdvert(): Promise<number> {
    const line = /^(\d+\.\d+) IP 192\.0\.2\.11 >.*VRRP/m;
    await waitFor("lb2 advertises", () => line.test(this.#dump.output()));
    return Number(line.exec(this.#dump.output())?.[1]) * 1000;
  }

  /** When the virtual address was removed, in milliseconds. */
  async removal(): Promise<number> {
    const line = new RegExp(`^\\[([^\\]]+)\\].*Deleted.*${vip.replaceAll(".", "\\.")}/`, "m");
    await waitFor("the address is removed", () => line.test(this.#monitor.output()));
    return new Date(line.exec(this.#monitor.output())?.[1] ?? "").getTime();
  }
}

async function clientIsAnswered(client: Host): Promise<void> {
  await waitFor("the client is answered", async () => {
    const probe = await startUdpProbe(client, vip);
    await Bun.sleep(20);
    return (await probe.stop()).received > 0;
  });
}

/** Stops `lb1` in the presence of a client that asks all the time; the next one is on lb2 already. */
async function stopUnderObservation(pair: PairLab, lb1: VrrpRole): Promise<void> {
  const client = await pair.lab.host("client", { eth0: { bridge: "net0", address: "192.0.2.50/24" } });
  for (const host of [pair.lb1, pair.lb2]) await startEcho(host);
  const witness = await Witness.on(pair.lb1);
  const probe = await startUdpProbe(client, vip);
  await clientIsAnswered(client);
  expect(await lb1.stop()).toBe(0);
  expect(await pair.lb1.holds(vip)).toBe(false);
  await waitFor("lb2 holds the address", () => pair.lb2.holds(vip));
  expect(await witness.removal()).toBeGreaterThanOrEqual(Math.floor(await witness.firstAdvert()));
  expect(lb1.log()).toContain("public-1: leaving → initialize: stopped; 192.0.2.11 took over");
  await clientIsAnswered(client);
  const report = await probe.stop();
  // For a moment both have the address: an answer of lb1's may come after one of lb2's.
  expect([...new Set(report.holders.map(({ name }) => name))]).toEqual(["lb1", "lb2"]);
  expect(switchSilenceMs(report)).toBeLessThan(skewMs);
}

test("a planned stop removes the address only after the other node's first advertisement", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, slowPlan(200));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, slowPlan(100));
  await waitFor("lb2 has heard lb1", () => (lb2.status()?.peer ?? null) !== null);
  await stopUnderObservation(pair, lb1);
  await lb2.reaches("active");
  expect(lb2.status()?.reason).toBe("192.0.2.10 resigned");
});

test("a planned stop removes the address only after keepalived's first advertisement", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, slowPlan(200));
  await lb1.reaches("active");
  const peer = await startKeepalived(pair.lb2, [
    { interface: "eth0", version: 2, vrid: 51, priority: 100, advertInterval: 1, addresses: [`${vip}/24`] },
  ]);
  await waitFor("keepalived is backup", () => peer.output().includes("Entering BACKUP STATE"));
  const sent = lb1.status()?.counters["sent"] ?? 0;
  await waitFor("keepalived has heard us", () => (lb1.status()?.counters["sent"] ?? 0) > sent + 1);
  await stopUnderObservation(pair, lb1);
  expect(peer.output()).toContain("Entering MASTER STATE");
});

test("a planned stop without a peer ends by itself, and no address stays", async () => {
  await using pair = await pairLab();
  for (const end of [
    (role: VrrpRole) => role.stop(),
    (role: VrrpRole) => role.kill("SIGTERM"),
    (role: VrrpRole) => role.abandon(),
  ]) {
    const lb1 = await VrrpRole.start(pair.lb1, fastPlan());
    await lb1.reaches("active");
    expect(await end(lb1)).toBe(0);
    expect(await pair.lb1.holds(vip)).toBe(false);
    expect(lb1.log()).toContain("; nobody took over");
  }
});

test("a second SIGTERM while it leaves changes nothing", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, slowPlan(200));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, slowPlan(100));
  await waitFor("lb2 has heard lb1", () => (lb2.status()?.peer ?? null) !== null);
  const ended = lb1.kill("SIGTERM");
  await waitFor("lb1 leaves", () => lb1.log().includes("active → leaving: stopped by SIGTERM"));
  expect(await lb1.kill("SIGTERM")).toBe(0);
  expect(await ended).toBe(0);
  expect(await pair.lb1.holds(vip)).toBe(false);
  expect(lb1.log()).toContain("stopped by SIGTERM; 192.0.2.11 took over");
  await lb2.reaches("active");
});

test("a reload that takes an instance away hands its address over first", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, slowPlan(200));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, slowPlan(100));
  await waitFor("lb2 has heard lb1", () => (lb2.status()?.peer ?? null) !== null);
  const witness = await Witness.on(pair.lb1);
  expect(await lb1.configure(vrrpPlan([]))).toBeNull();
  expect(await witness.removal()).toBeGreaterThanOrEqual(Math.floor(await witness.firstAdvert()));
  await lb2.reaches("active");
});

test("an active process that was stopped for long gives way without preempt to the one that took over", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, fastPlan({ priority: 100, preempts: false }));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, fastPlan({ priority: 50, preempts: false }));
  await waitFor("lb2 has heard lb1", () => (lb2.status()?.peer ?? null) !== null);
  lb1.signal("SIGSTOP");
  await lb2.reaches("active");
  const received = lb2.status()?.counters["sent"] ?? 0;
  await waitFor("lb2 advertises", () => (lb2.status()?.counters["sent"] ?? 0) > received + 3);
  lb1.signal("SIGCONT");
  await lb1.reaches("backup");
  expect(lb1.status()?.reason).toBe("192.0.2.11 took over while this host slept");
  expect(lb2.history()).toEqual(["backup", "active"]);
  expect([await pair.lb1.holds(vip), await pair.lb2.holds(vip)]).toEqual([false, true]);
});

test("a backup process that was stopped for long does not claim beside a node that is alive", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, fastPlan({ priority: 200 }));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, fastPlan({ priority: 100 }));
  await waitFor("lb2 has heard lb1", () => (lb2.status()?.peer ?? null) !== null);
  lb2.signal("SIGSTOP");
  const sent = lb1.status()?.counters["sent"] ?? 0;
  await waitFor("lb1 goes on", () => (lb1.status()?.counters["sent"] ?? 0) > sent + 20);
  const heard = lb2.status()?.counters["received"] ?? 0;
  lb2.signal("SIGCONT");
  await waitFor("lb2 hears again", () => (lb2.status()?.counters["received"] ?? 0) > heard + 5);
  expect(lb2.history()).toEqual(["backup"]);
  expect(lb2.status()?.counters["becameActive"]).toBe(0);
});

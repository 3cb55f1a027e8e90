import { expect, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { waitFor } from "../../support/lab.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { fastPlan, pairLab, vip } from "./pair-lab.ts";

const preferred = fastPlan({ priority: 200 });
const other = fastPlan({ priority: 100 });

const syncedPlan = (priority: number): VrrpPlan =>
  vrrpPlan(
    [
      instancePlan({ priority, advertIntervalMs: 100 }),
      instancePlan({
        name: "inside-1",
        interface: "eth1",
        vrid: 52,
        vip: "192.0.3.100",
        priority,
        advertIntervalMs: 100,
      }),
    ],
    { syncGroups: [{ name: "VG_1", instances: ["public-1", "inside-1"], tracks: [], notify: null }] },
  );

test("the address moves when the active host's link is cut, and comes back with preempt", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, preferred);
  const lb2 = await VrrpRole.start(pair.lb2, other);
  await lb1.reaches("active");
  await waitFor("lb2 has heard lb1", () => (lb2.status()?.peer ?? null) !== null);
  await lb2.reaches("backup");
  expect(await pair.lb1.holds(vip)).toBe(true);
  await pair.lb1.cutLink("eth0");
  await lb2.reaches("active");
  await lb1.reaches("fault");
  expect(lb1.status()?.reason).toBe("interface eth0 has no carrier");
  expect(lb2.status()?.reason).toStartWith("no advertisement from 192.0.2.10 for ");
  expect([await pair.lb1.holds(vip), await pair.lb2.holds(vip)]).toEqual([false, true]);
  await pair.lb1.restoreLink("eth0");
  await lb1.reaches("active");
  await lb2.reaches("backup");
  expect([await pair.lb1.holds(vip), await pair.lb2.holds(vip)]).toEqual([true, false]);
}, 60_000);

test("the address stays where it went without preempt", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, fastPlan({ priority: 200, preempts: false }));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, fastPlan({ priority: 100, preempts: false }));
  await lb2.reaches("backup");
  await pair.lb1.cutLink("eth0");
  await lb2.reaches("active");
  await pair.lb1.restoreLink("eth0");
  await lb1.reaches("backup");
  await waitFor("lb1 has heard lb2 for a while", () => (lb1.status()?.counters["received"] ?? 0) > 10);
  expect(lb1.status()?.state).toBe("backup");
  expect(await pair.lb2.holds(vip)).toBe(true);
}, 60_000);

test("the address moves at once when the active process is stopped, by message or by signal", async () => {
  await using pair = await pairLab();
  const lb2 = await VrrpRole.start(pair.lb2, other);
  for (const end of [(role: VrrpRole) => role.stop(), (role: VrrpRole) => role.kill("SIGTERM")]) {
    const lb1 = await VrrpRole.start(pair.lb1, preferred);
    await lb1.reaches("active");
    await lb2.reaches("backup");
    expect(await end(lb1)).toBe(0);
    expect(await pair.lb1.holds(vip)).toBe(false);
    await lb2.reaches("active");
    expect(lb2.status()?.reason).toBe("192.0.2.10 resigned");
  }
}, 60_000);

test("the process resigns and leaves when its supervisor is gone", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, preferred);
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, other);
  await lb2.reaches("backup");
  await waitFor("lb2 has heard lb1", () => (lb2.status()?.peer ?? null) !== null);
  expect(await lb1.abandon()).toBe(0);
  expect(await pair.lb1.holds(vip)).toBe(false);
  await lb2.reaches("active");
  expect(lb2.status()?.reason).toBe("192.0.2.10 resigned");
}, 60_000);

test("the address does not move when the process is killed and the next one adopts it", async () => {
  await using pair = await pairLab();
  const slow = { advertIntervalMs: 1000 };
  const lb1 = await VrrpRole.start(pair.lb1, fastPlan({ priority: 200, ...slow }));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, fastPlan({ priority: 100, ...slow }));
  const monitor = pair.lb1.spawn(["ip", "-o", "monitor", "address"]);
  await waitFor("lb2 has heard lb1", () => (lb2.status()?.peer ?? null) !== null);
  await lb1.kill("SIGKILL");
  expect(await pair.lb1.holds(vip)).toBe(true);
  const next = await VrrpRole.start(pair.lb1, fastPlan({ priority: 200, ...slow }), ["public-1"]);
  await next.reaches("active");
  expect(next.status()?.reason).toBe("taken over from an earlier process of this node");
  const heard = lb2.status()?.counters["received"] ?? 0;
  await waitFor("lb2 hears the new one", () => (lb2.status()?.counters["received"] ?? 0) > heard + 1);
  expect(lb2.history()).toEqual(["backup"]);
  // The monitor works, and has seen nothing go:
  await pair.lb1.ip(["address", "add", "192.0.2.55/24", "dev", "eth0"]);
  await waitFor("the monitor sees an address", () => monitor.output().includes("192.0.2.55"));
  expect(monitor.output()).not.toContain("Deleted");
  await next.stop();
  expect(await pair.lb1.holds(vip)).toBe(false);
}, 60_000);

test("without adoption, what an earlier process left is removed at the start", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, preferred);
  await lb1.reaches("active");
  await lb1.kill("SIGKILL");
  const next = await VrrpRole.start(pair.lb1, fastPlan({ vip: "192.0.2.101" }));
  expect(await pair.lb1.holds(vip)).toBe(false);
  expect(next.log()).toContain("removing 192.0.2.100/24 from eth0: left by an earlier run");
  expect(await pair.lb1.holds("192.0.2.10")).toBe(true);
}, 60_000);

test("an address removed by somebody else is put back", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, preferred);
  await lb1.reaches("active");
  await pair.lb1.ip(["address", "del", `${vip}/24`, "dev", "eth0"]);
  await waitFor("the address is back", () => pair.lb1.holds(vip));
  await waitFor("the log says so", () => lb1.log().includes("was removed by someone else: put back"));
}, 60_000);

test("an interface that comes later ends the fault", async () => {
  await using pair = await pairLab();
  const plan = fastPlan({ interface: "eth9", vip: "198.51.100.100" });
  const lb1 = await VrrpRole.start(pair.lb1, plan);
  await lb1.reaches("fault");
  expect(lb1.status()?.reason).toBe("interface eth9 does not exist");
  await pair.lb1.ip(["link", "add", "eth9", "type", "veth", "peer", "name", "other9"]);
  await pair.lb1.ip(["link", "set", "other9", "up"]);
  await waitFor("it is down", () => lb1.status()?.reason === "interface eth9 is down");
  await pair.lb1.ip(["link", "set", "eth9", "up"]);
  await waitFor("it has no address", () => lb1.status()?.reason.includes("has no IPv4 address") === true);
  await pair.lb1.ip(["address", "add", "198.51.100.10/24", "dev", "eth9"]);
  await lb1.reaches("active");
  await pair.lb1.ip(["link", "delete", "eth9"]);
  await lb1.reaches("fault");
}, 60_000);

test("the same plan again leaves the addresses and the beat of the advertisements alone", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, preferred);
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, other);
  const monitor = pair.lb1.spawn(["ip", "-o", "monitor", "address"]);
  await lb2.reaches("backup");
  expect(await lb1.configure(preferred)).toBeNull();
  const two = vrrpPlan([
    ...preferred.instances,
    instancePlan({ name: "public-2", vrid: 52, vip: "192.0.2.101" }),
  ]);
  expect(await lb1.configure(two)).toBeNull();
  await lb1.reaches("active", "public-2");
  expect(await lb1.configure(preferred)).toBeNull();
  await waitFor("the second address is gone", async () => !(await pair.lb1.holds("192.0.2.101")));
  await waitFor("the monitor has seen it go", () => /Deleted.*192\.0\.2\.101/.test(monitor.output()));
  expect(monitor.output()).not.toMatch(/Deleted.*192\.0\.2\.100\//);
  expect(lb2.history()).toEqual(["backup"]);
}, 60_000);

test("a refused plan leaves the old one in force", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, preferred);
  await lb1.reaches("active");
  const track = {
    kind: "script" as const,
    reverse: false,
    name: "t",
    command: ["/bin/true"],
    intervalMs: 1000,
    timeoutMs: 500,
    jitterMs: 0,
    rise: 1,
    fall: 1,
    weight: 0,
  };
  const bad = { ...other, tracks: [{ ...track, user: "no-such-user" }] };
  expect(await lb1.configure(bad)).toBe("there is no user no-such-user to run a script as");
  expect(lb1.status()).toMatchObject({ state: "active", priority: 200 });
}, 60_000);

test("dead proxies withdraw the claim and move the address", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, fastPlan({ priority: 200, needsProxy: true }));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, other);
  await lb2.reaches("backup");
  lb1.send({ kind: "proxies", areAlive: false });
  await lb2.reaches("active");
  await lb1.reaches("fault");
  lb1.send({ kind: "proxies", areAlive: true });
  await lb1.reaches("active");
  await lb2.reaches("backup");
}, 60_000);

test("bytes that are no advertisements change nothing but the counters", async () => {
  await using pair = await pairLab();
  const lb1 = await VrrpRole.start(pair.lb1, preferred);
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, other);
  await lb2.reaches("backup");
  const garbage = `${import.meta.dir}/../../support/vrrp-garbage.ts`;
  const sent = await pair.lb2.run([process.execPath, garbage, "eth0", "192.0.2.11", "51", "2000"]);
  expect(sent.stderr).toBe("");
  await waitFor("lb1 has counted them", () => (lb1.status()?.counters["droppedLength"] ?? 0) > 500);
  expect(lb1.history()).toEqual(["backup", "active"]);
  expect(lb2.history()).toEqual(["backup"]);
}, 60_000);

test("a sync group moves on both networks when one is cut, and comes back", async () => {
  await using pair = await pairLab(2);
  const lb1 = await VrrpRole.start(pair.lb1, syncedPlan(200));
  await lb1.reaches("active", "inside-1");
  const lb2 = await VrrpRole.start(pair.lb2, syncedPlan(100));
  await lb2.reaches("backup", "inside-1");
  await pair.lb1.cutLink("eth1");
  for (const name of ["public-1", "inside-1"]) {
    await lb1.reaches("fault", name);
    await lb2.reaches("active", name);
  }
  expect(await pair.lb1.holds(vip)).toBe(false);
  expect([await pair.lb2.holds(vip), await pair.lb2.holds("192.0.3.100")]).toEqual([true, true]);
  await pair.lb1.restoreLink("eth1");
  for (const name of ["public-1", "inside-1"]) {
    await lb1.reaches("active", name);
    await lb2.reaches("backup", name);
  }
}, 60_000);

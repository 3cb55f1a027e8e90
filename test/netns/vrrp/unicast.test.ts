import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { TtlRange, VrrpPlan } from "../../../src/config/node-plan.ts";
import { startKeepalived } from "../../support/keepalived.ts";
import { type Child, type Host, Lab, waitFor } from "../../support/lab.ts";
import { pairPlans, plainUnicast } from "../../support/two-paths.ts";
import type { InstanceWish } from "../../support/vrrp-plans.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab, vip } from "./pair-lab.ts";

setDefaultTimeout(90_000);

const version3 = { version: 3, advertIntervalMs: 100 } as const;
const version2 = { version: 2, advertIntervalMs: 1000, password: "s3cr3t" } as const;

/** The plans of lb1 (priority 200) and lb2 (100), which speak to each other only. */
function plans(wish: InstanceWish = version3): readonly [VrrpPlan, VrrpPlan] {
  return pairPlans({ ...plainUnicast, ...wish }, "none");
}

/** A plan with one peer that is not in the own network. */
function routed(own: string, peer: string, ttl: TtlRange | null): VrrpPlan {
  const wish = { ...version3, unicast: { ttl, checksSource: true }, source: own };
  return plans({ ...wish, peers: [{ name: peer, address: peer }] })[own === "192.0.2.10" ? 0 : 1];
}

function theirs(host: Host, priority: number, wish: typeof version2 | typeof version3): Promise<Child> {
  const { version, advertIntervalMs } = wish;
  const password = wish.version === 2 ? { password: wish.password } : {};
  const unicast = { source: "192.0.2.11", peers: ["192.0.2.10"] };
  const timing = { version, advertInterval: advertIntervalMs / 1000 };
  return startKeepalived(host, [
    { interface: "eth0", vrid: 51, priority, addresses: [`${vip}/24`], unicast, ...timing, ...password },
  ]);
}

async function theyBecome(peer: Child, state: "MASTER" | "BACKUP", times = 1): Promise<void> {
  const line = `Entering ${state} STATE`;
  await waitFor(`keepalived is ${state}`, () => peer.output().split(line).length > times);
}

for (const wish of [version3, version2]) {
  test(`version ${wish.version}: moves to and from keepalived with unicast_peer, in both roles`, async () => {
    await using pair = await pairLab();
    const [plan] = plans(wish);
    const us = await VrrpRole.start(pair.lb1, plan);
    await us.reaches("active");
    const them = await theirs(pair.lb2, 100, wish);
    await theyBecome(them, "BACKUP");
    await pair.lb1.cutLink("eth0");
    await theyBecome(them, "MASTER");
    await us.reaches("fault");
    await pair.lb1.restoreLink("eth0");
    await us.reaches("active");
    await theyBecome(them, "BACKUP", 2);
    await us.stop();
    await theyBecome(them, "MASTER", 2);
    await waitFor("keepalived holds the address", () => pair.lb2.holds(vip));
    expect(await pair.lb1.holds(vip)).toBe(false);
    const lower = {
      ...plan,
      instances: plan.instances.map((each) => Object.assign({}, each, { priority: 50 })),
    };
    const again = await VrrpRole.start(pair.lb1, lower);
    await waitFor("we follow keepalived", () => again.status()?.peer?.address === "192.0.2.11");
    expect(again.status()).toMatchObject({ state: "backup", peer: { priority: 100 } });
    them.kill("SIGTERM");
    await again.reaches("active");
    expect(again.status()?.reason).toBe("192.0.2.11 resigned");
    expect(them.output()).not.toMatch(/invalid|bogus|mismatch|checksum|authentication fail|ttl/i);
  });
}

test("signed unicast: one node is active, a stop hands over, and nothing goes to the group", async () => {
  await using pair = await pairLab();
  const keys = [{ id: 1, hex: "0b".repeat(32) }];
  const hmac = { keys, activeKey: 1, timeWindowMs: 30_000, mode: "enforce" } as const;
  const [first, second] = plans({ ...version3, hmac });
  const file = join(pair.lb2.directory, "capture.pcap");
  const tcpdump = pair.lb2.spawn([
    "tcpdump",
    "-i",
    "eth0",
    "-U",
    "--immediate-mode",
    "-Z",
    "root",
    "-w",
    file,
  ]);
  await waitFor("tcpdump listens", () => tcpdump.output().includes("listening on"));
  const lb1 = await VrrpRole.start(pair.lb1, first);
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, second);
  await waitFor("lb2 follows lb1", () => (lb2.status()?.counters["received"] ?? 0) > 5);
  expect(lb2.status()?.state).toBe("backup");
  await lb1.stop();
  await lb2.reaches("active");
  expect(lb2.status()?.reason).toBe("192.0.2.10 resigned");
  await waitFor("lb2 has said so", () => (lb2.status()?.counters["sent"] ?? 0) > 2);
  await lb2.stop();
  tcpdump.kill("SIGINT");
  await tcpdump.exited;
  const fields = ["ip.src", "ip.dst", "ip.ttl", "ip.dsfield"].flatMap((field) => ["-e", field]);
  const { stdout } = await pair.lb2.run([
    "tshark",
    "-r",
    file,
    "-Y",
    "vrrp and not icmp",
    "-T",
    "fields",
    ...fields,
  ]);
  expect(new Set(stdout.trim().split("\n"))).toEqual(
    new Set(["192.0.2.10\t192.0.2.11\t255\t0xc0", "192.0.2.11\t192.0.2.10\t255\t0xc0"]),
  );
});

test("one that speaks by multicast and one that does not are both active, and count why", async () => {
  await using pair = await pairLab();
  const [, unicast] = plans();
  const [multicast] = pairPlans(version3, "none");
  const lb1 = await VrrpRole.start(pair.lb1, multicast);
  const lb2 = await VrrpRole.start(pair.lb2, unicast);
  await lb1.reaches("active");
  await lb2.reaches("active");
  await waitFor("lb1 has dropped unicast", () => (lb1.status()?.counters["droppedUnicast"] ?? 0) > 0);
  await waitFor("lb2 has dropped multicast", () => (lb2.status()?.counters["droppedMulticast"] ?? 0) > 0);
  expect(lb2.log()).toContain(
    "advertisement from 192.0.2.10 dropped: it came by multicast, and this router speaks to its peers one by one",
  );
  expect(await lb2.configure(pairPlans(version3, "none")[1])).toBeNull();
  await lb2.reaches("backup");
});

test("advertisements come from the source that is configured, a secondary address, also when it comes later", async () => {
  for (const wish of [version3, { ...version3, ...plainUnicast }]) {
    await using pair = await pairLab();
    const [first, second] = pairPlans({ ...wish, peers: [{ name: "lb2", address: "192.0.2.11" }] }, "none");
    const [instance] = first.instances;
    const [other] = second.instances;
    if (instance === undefined || other === undefined) throw new Error("no instance");
    const lb1 = await VrrpRole.start(pair.lb1, {
      ...first,
      instances: [{ ...instance, source: "192.0.2.20" }],
    });
    await lb1.reaches("fault");
    expect(lb1.status()?.reason).toBe("source address 192.0.2.20 is not on this host");
    await pair.lb1.ip(["address", "add", "192.0.2.20/24", "dev", "eth0"]);
    await lb1.reaches("active");
    const peers = [{ name: "lb1", address: "192.0.2.20" }];
    const lb2 = await VrrpRole.start(pair.lb2, { ...second, instances: [{ ...other, peers }] });
    await waitFor("lb2 hears lb1", () => lb2.status()?.peer?.address === "192.0.2.20");
    await pair.lb1.ip(["address", "delete", "192.0.2.20/24", "dev", "eth0"]);
    await lb1.reaches("fault");
    await lb2.reaches("active");
  }
});

test("peers behind a router are heard whatever their TTL, unless a range is given", async () => {
  await using lab = await Lab.create();
  for (const bridge of ["net0", "net1"]) await lab.bridge(bridge);
  const lb1 = await lab.host("lb1", { eth0: { bridge: "net0", address: "192.0.2.10/24" } });
  const lb2 = await lab.host("lb2", { eth0: { bridge: "net1", address: "192.0.3.11/24" } });
  const router = await lab.host("router", {
    eth0: { bridge: "net0", address: "192.0.2.1/24" },
    eth1: { bridge: "net1", address: "192.0.3.1/24" },
  });
  await router.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"]);
  await lb1.ip(["route", "add", "default", "via", "192.0.2.1"]);
  await lb2.ip(["route", "add", "default", "via", "192.0.3.1"]);
  const near = await VrrpRole.start(lb1, routed("192.0.2.10", "192.0.3.11", null));
  await near.reaches("active");
  const far = await VrrpRole.start(lb2, routed("192.0.3.11", "192.0.2.10", { min: 254, max: 254 }));
  await waitFor("lb2 follows lb1", () => (far.status()?.counters["received"] ?? 0) > 3);
  expect(far.status()).toMatchObject({ state: "backup", peer: { address: "192.0.2.10", priority: 200 } });
  expect(await far.configure(routed("192.0.3.11", "192.0.2.10", { min: 255, max: 255 }))).toBeNull();
  await far.reaches("active");
  expect(far.status()?.counters["droppedTtl"]).toBeGreaterThan(0);
  expect(far.log()).toContain("advertisement from 192.0.2.10 dropped: its TTL is 254, not 255");
});

import { expect, test } from "bun:test";
import { capture } from "../../support/capture.ts";
import { waitFor } from "../../support/lab.ts";
import type { InstanceWish } from "../../support/vrrp-plans.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { fastPlan, pairLab, vip } from "./pair-lab.ts";

const cases: readonly { readonly name: string; readonly wish: InstanceWish; readonly vrrp: string }[] = [
  { name: "version 3", wish: { priority: 200 }, vrrp: "3\t51\t200\t1\t192.0.2.100" },
  {
    name: "version 2",
    wish: { version: 2, advertIntervalMs: 1000, priority: 254 },
    vrrp: "2\t51\t254\t1\t192.0.2.100",
  },
  {
    name: "version 2 with a password",
    wish: { version: 2, advertIntervalMs: 1000, priority: 254, password: "s3cr3t" },
    vrrp: "2\t51\t254\t1\t192.0.2.100",
  },
];

for (const { name, wish, vrrp } of cases) {
  test(`${name}: tshark finds nothing wrong with our advertisements`, async () => {
    await using pair = await pairLab();
    const read = await capture(pair.lb2, async () => {
      const us = await VrrpRole.start(pair.lb1, fastPlan(wish));
      await us.reaches("active");
      await waitFor("it has sent some", () => (us.status()?.counters["sent"] ?? 0) > 2);
      await us.stop();
    });
    const heads = await read(
      "vrrp",
      "ip.src",
      "ip.dst",
      "ip.ttl",
      "ip.dsfield",
      "vrrp.checksum.status",
      "eth.dst",
    );
    expect([...new Set(heads)]).toEqual(["192.0.2.10\t224.0.0.18\t255\t0xc0\t1\t01:00:5e:00:00:12"]);
    const bodies = await read(
      "vrrp",
      "vrrp.version",
      "vrrp.virt_rtr_id",
      "vrrp.prio",
      "vrrp.addr_count",
      "vrrp.ip_addr",
    );
    expect(bodies.at(0)).toBe(vrrp);
    expect(bodies.at(-1)).toBe(vrrp.replace(/\t2..\t/, "\t0\t"));
    expect(await read("_ws.malformed or _ws.expert.severity >= 6291456", "frame.number")).toEqual([]);
    if (wish.password !== undefined) {
      expect(new Set(await read("vrrp", "vrrp.auth_type", "vrrp.auth_string"))).toEqual(
        new Set(["1\ts3cr3t"]),
      );
    }
  }, 60_000);
}

test("a takeover is the advertisement, then gratuitous ARP to all, five times", async () => {
  await using pair = await pairLab();
  const read = await capture(pair.lb2, async () => {
    const us = await VrrpRole.start(pair.lb1, fastPlan());
    await us.reaches("active");
    await waitFor("it has sent some", () => (us.status()?.counters["sent"] ?? 0) > 2);
    await us.stop();
  });
  const announcement = `arp.isgratuitous == 1 and arp.src.proto_ipv4 == ${vip}`;
  const frames = (await read(`vrrp or (${announcement})`, "_ws.col.Protocol")).slice(0, 7);
  expect(frames).toEqual(["VRRP", "ARP", "ARP", "ARP", "ARP", "ARP", "VRRP"]);
  const fields = await read(announcement, "eth.dst", "arp.opcode", "arp.dst.proto_ipv4");
  expect(new Set(fields)).toEqual(new Set([`ff:ff:ff:ff:ff:ff\t1\t${vip}`]));
}, 60_000);

test("the address of a label, a prefix and a tag of its own is what ip shows", async () => {
  await using pair = await pairLab();
  const [instance] = fastPlan().instances;
  if (instance === undefined) throw new Error("no instance");
  const on = { interface: "eth0", label: "eth0:vip", detectsDuplicates: false, scope: "global" } as const;
  const addresses = [{ address: vip, length: 32, ...on }];
  const us = await VrrpRole.start(pair.lb1, {
    instances: [{ ...instance, addresses }],
    syncGroups: [],
    drainTimeoutMs: 0,
    tracks: [],
    bfd: [],
    notify: null,
  });
  await us.reaches("active");
  const shown = await pair.lb1.ip(["-o", "-d", "address", "show", "dev", "eth0"]);
  expect(shown).toMatch(/inet 192\.0\.2\.100\/32 scope global .*eth0:vip/);
}, 60_000);

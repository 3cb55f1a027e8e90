import { expect, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { capture } from "../../support/capture.ts";
import { type Host, waitFor } from "../../support/lab.ts";
import { type InstanceWish, instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab, type PairLab } from "./pair-lab.ts";

/** Two of ours over IPv6; `ip`, tshark and a client's neighbour table are the witnesses. */
const vip = "2001:db8::100";
const linkLocal = "fe80::200:5eff:fe00:233";

function plan(wish: InstanceWish = {}): VrrpPlan {
  return vrrpPlan([instancePlan({ vip, advertIntervalMs: 100, ...wish })]);
}

const preferred = plan({ priority: 200 });
const other = plan({ priority: 100 });

/** Waits until exactly one of the two holds both addresses. */
async function onlyHolder({ lb1, lb2 }: PairLab, holder: "lb1" | "lb2"): Promise<void> {
  await waitFor(`only ${holder} holds the addresses`, async () => {
    const held = await Promise.all(
      [lb1, lb2].flatMap((host) => [vip, linkLocal].map((address) => host.holds(address))),
    );
    return held.join() === (holder === "lb1" ? "true,true,false,false" : "false,false,true,true");
  });
}

async function macOf(host: Host): Promise<string> {
  return /link\/ether (\S+)/.exec(await host.ip(["link", "show", "dev", "eth0"]))?.[1] ?? "";
}

/** The interface's own link-local address. */
async function ownLinkLocal(host: Host): Promise<string> {
  const shown = await host.ip(["-6", "-o", "address", "show", "dev", "eth0", "scope", "link"]);
  return /inet6 (fe80:\S+)\/64/.exec(shown)?.[1] ?? "";
}

test("both addresses move on a cut and come back, and a client's neighbour table follows", async () => {
  await using pair = await pairLab();
  const client = await pair.lab.host("client", { eth0: { bridge: "net0", address: "2001:db8::50/64" } });
  const lb1 = await VrrpRole.start(pair.lb1, preferred);
  const lb2 = await VrrpRole.start(pair.lb2, other);
  await lb1.reaches("active");
  await lb2.reaches("backup");
  await onlyHolder(pair, "lb1");
  const answers = async (): Promise<boolean> =>
    (await client.run(["ping", "-6", "-n", "-c", "1", "-W", "1", vip])).exitCode === 0;
  await waitFor("the address answers", answers);
  const neighbour = (): Promise<string> => client.ip(["-6", "neighbour", "show", vip, "dev", "eth0"]);
  const [first, second] = [await macOf(pair.lb1), await macOf(pair.lb2)];
  expect(await neighbour()).toContain(first);
  await pair.lb1.cutLink("eth0");
  await lb2.reaches("active");
  await lb1.reaches("fault");
  await onlyHolder(pair, "lb2");
  expect(lb2.status()?.reason).toStartWith(`no advertisement from ${await ownLinkLocal(pair.lb1)} for `);
  // Nobody asks: what turns the entry is the announcement alone.
  await waitFor("the client has learned of the move", async () => (await neighbour()).includes(second));
  expect(await answers()).toBe(true);
  await pair.lb1.restoreLink("eth0");
  await lb1.reaches("active");
  await lb2.reaches("backup");
  await onlyHolder(pair, "lb1");
  await waitFor("the client has learned of the return", async () => (await neighbour()).includes(first));
  // What is sent in the moment of the cut, before the kernel has told of it, is an error on that node alone.
  const wrong = [/^(dropped|odd)/, /^(dropped|odd|sendErr)/];
  for (const [index, role] of [lb1, lb2].entries()) {
    const counters = Object.entries(role.status()?.counters ?? {});
    expect(counters.filter(([name, count]) => wrong[index]?.test(name) === true && count > 0)).toEqual([]);
  }
  await lb1.stop();
  await lb2.reaches("active");
  await onlyHolder(pair, "lb2");
  expect(lb2.status()?.reason).toBe(`${await ownLinkLocal(pair.lb1)} resigned`);
  await lb2.stop();
  expect([await pair.lb1.holds(vip), await pair.lb2.holds(vip)]).toEqual([false, false]);
}, 60_000);

test("tshark finds nothing wrong with our advertisements and announcements", async () => {
  await using pair = await pairLab();
  const read = await capture(pair.lb2, async () => {
    const us = await VrrpRole.start(pair.lb1, preferred);
    await us.reaches("active");
    await waitFor("it has sent some", () => (us.status()?.counters["sent"] ?? 0) > 2);
    await us.stop();
  });
  const [source, mac] = [await ownLinkLocal(pair.lb1), await macOf(pair.lb1)];
  const heads = await read(
    "vrrp",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.hlim",
    "ipv6.tclass",
    "vrrp.checksum.status",
    "eth.dst",
  );
  expect([...new Set(heads)]).toEqual([`${source}\tff02::12\t255\t0x000000c0\t1\t33:33:00:00:00:12`]);
  const bodies = await read("vrrp", "vrrp.version", "vrrp.virt_rtr_id", "vrrp.prio", "vrrp.ipv6_addr");
  expect(bodies.at(0)).toBe(`3\t51\t200\t${linkLocal},${vip}`);
  expect(bodies.at(-1)).toBe(`3\t51\t0\t${linkLocal},${vip}`);
  // The kernel's own advertisements, if it makes any, are not from the address itself and solicited.
  const announcement = `icmpv6.type == 136 and ipv6.dst == ff02::1 and ipv6.src in {${linkLocal}, ${vip}}`;
  const frames = await read(
    announcement,
    "ipv6.src",
    "icmpv6.nd.na.target_address",
    "icmpv6.nd.na.flag.s",
    "icmpv6.nd.na.flag.o",
    "icmpv6.opt.linkaddr",
    "icmpv6.checksum.status",
    "ipv6.hlim",
    "eth.dst",
  );
  const announced = (address: string): string =>
    `${address}\t${address}\t0\t1\t${mac}\t1\t255\t33:33:00:00:00:01`;
  expect(frames.slice(0, 10)).toEqual(
    Array.from({ length: 5 }, () => [announced(linkLocal), announced(vip)]).flat(),
  );
  expect(await read("_ws.malformed or _ws.expert.severity >= 6291456", "frame.number")).toEqual([]);
}, 60_000);

test("the addresses are usable at once, and no source of what the host sends itself", async () => {
  await using pair = await pairLab();
  await pair.lb1.ip(["address", "add", "2001:db8::10/64", "dev", "eth0", "nodad"]);
  const us = await VrrpRole.start(pair.lb1, preferred);
  await us.reaches("active");
  const shown = await pair.lb1.ip(["-6", "-o", "address", "show", "dev", "eth0"]);
  expect(shown).toMatch(/inet6 2001:db8::100\/64 scope global (nodad deprecated|deprecated nodad)/);
  const route = await pair.lb1.ip(["-6", "route", "get", "2001:db8::50"]);
  expect(route).toContain("src 2001:db8::10 ");
}, 60_000);

test("a node waits until its link-local address has passed duplicate address detection", async () => {
  await using pair = await pairLab();
  const sysctls = ["accept_dad", "dad_transmits"].map(
    (name) => `echo 1 >/proc/sys/net/ipv6/conf/eth0/${name}`,
  );
  await pair.lb1.run(["sh", "-ec", sysctls.join("\n")]);
  const own = await ownLinkLocal(pair.lb1);
  await pair.lb1.ip(["address", "del", `${own}/64`, "dev", "eth0"]);
  const us = await VrrpRole.start(pair.lb1, preferred);
  await us.reaches("fault");
  expect(us.status()?.reason).toBe("interface eth0 has no IPv6 link-local address of its own");
  await pair.lb1.ip(["address", "add", "fe80::10/64", "dev", "eth0"]);
  await us.reaches("active");
  expect(us.log()).toContain("fe80::10 is tentative: duplicate address detection has not finished");
}, 60_000);

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RouteTrackPlan } from "../../../src/config/track-plan.ts";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { type Host, waitFor } from "../../support/lab.ts";
import { processorMs } from "../../support/processor-time.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { fastPlan, pairLab } from "./pair-lab.ts";

function plan(more: Partial<RouteTrackPlan> = {}): VrrpPlan {
  const track: RouteTrackPlan = {
    kind: "route",
    name: "out",
    destination: { address: "198.51.100.0", length: 24 },
    table: 254,
    via: null,
    interface: null,
    weight: -150,
    reverse: false,
    upDelayMs: 0,
    downDelayMs: 0,
    ...more,
  };
  return { ...fastPlan({ priority: 200, tracks: ["out"] }), tracks: [track] };
}

const missing = "track out: there is no route to 198.51.100.0/24: −150";

async function claims(lb1: VrrpRole, wanted: readonly string[]): Promise<void> {
  await waitFor(`the claims are ${wanted.join(" and ")}`, () => {
    return JSON.stringify(lb1.status()?.claims) === JSON.stringify(wanted);
  });
}

/** Changes 100,000 other routes in one go. */
async function flood(host: Host, word: "add" | "del"): Promise<void> {
  const lines = Array.from({ length: 100_000 }, (_, index) => {
    const [high, low] = [index >> 8, index & 255];
    return `route ${word} 10.${high >> 8}.${high & 255}.${low}/32 via 192.0.2.2 dev eth0`;
  });
  const path = join(host.directory, `routes-${word}`);
  writeFileSync(path, `${lines.join("\n")}\n`);
  await host.ip(["-batch", path]);
}

test("the address moves when the route goes, and comes back with it", async () => {
  await using pair = await pairLab();
  const route = ["198.51.100.0/24", "via", "192.0.2.2"];
  await pair.lb1.ip(["route", "add", ...route]);
  const lb1 = await VrrpRole.start(pair.lb1, plan());
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, fastPlan({ priority: 100 }));
  await lb2.reaches("backup");
  await pair.lb1.ip(["route", "del", ...route]);
  await Promise.all([lb1.reaches("backup"), lb2.reaches("active")]);
  expect(lb1.status()?.claims).toEqual([missing]);
  await pair.lb1.ip(["route", "add", ...route]);
  await Promise.all([lb1.reaches("active"), lb2.reaches("backup")]);
  expect(lb1.log()).toContain("track out: down → up: route to 198.51.100.0/24 goes via 192.0.2.2 on eth0");
}, 60_000);

test("every kind of change is followed", async () => {
  await using pair = await pairLab(2);
  const to = "198.51.100.0/24";
  const { lb1: host } = pair;
  const lb1 = await VrrpRole.start(host, plan({ via: "192.0.3.2", interface: "eth1" }));
  await claims(lb1, [missing]);
  const other = ["track out: route to 198.51.100.0/24 goes another way: via 192.0.2.2 on eth0: −150"];
  await host.ip(["route", "add", to, "via", "192.0.2.2"]);
  await claims(lb1, other);
  await host.ip(["route", "replace", to, "via", "192.0.3.2"]);
  await claims(lb1, []);
  await host.ip(["route", "append", to, "via", "192.0.2.2"]);
  await host.ip(["route", "del", to, "via", "192.0.3.2"]);
  await claims(lb1, other);
  await host.ip(["route", "replace", to, "nexthop", "via", "192.0.2.2", "nexthop", "via", "192.0.3.2"]);
  await claims(lb1, []);
  await host.ip(["route", "replace", "blackhole", to]);
  await claims(lb1, ["track out: route to 198.51.100.0/24 drops what is sent there: −150"]);
  await host.ip(["route", "del", "blackhole", to]);
  // In another table, or to a part of it, it is another route.
  await host.ip(["route", "add", to, "via", "192.0.3.2", "table", "100"]);
  await host.ip(["route", "add", "198.51.100.0/25", "via", "192.0.3.2"]);
  await claims(lb1, [missing]);
  await host.ip(["route", "add", to, "via", "192.0.3.2"]);
  await claims(lb1, []);
  // IPv4 routes go with their link, and the kernel tells nobody.
  await host.ip(["link", "set", "eth1", "down"]);
  await claims(lb1, [missing]);
  await host.ip(["link", "set", "eth1", "up"]);
  await host.ip(["route", "add", to, "via", "192.0.3.2"]);
  await claims(lb1, []);
}, 60_000);

test("IPv6 routes and those of other tables are followed", async () => {
  await using pair = await pairLab();
  const { lb1: host } = pair;
  await host.ip(["address", "add", "2001:db8::10/64", "dev", "eth0", "nodad"]);
  const destination = { address: "::", length: 0 };
  const lb1 = await VrrpRole.start(host, plan({ destination, table: 100, via: "2001:db8::2" }));
  await claims(lb1, ["track out: there is no route to ::/0 in table 100: −150"]);
  const route = ["default", "via", "2001:db8::2", "table", "100"];
  await host.ip(["-6", "route", "add", ...route]);
  await claims(lb1, []);
  await host.ip(["-6", "route", "append", "default", "via", "2001:db8::3", "table", "100"]);
  await host.ip(["-6", "route", "del", ...route]);
  const other = "track out: route to ::/0 in table 100 goes another way: via 2001:db8::3 on eth0: −150";
  await claims(lb1, [other]);
  await host.ip(["-6", "route", "flush", "table", "100"]);
  await claims(lb1, ["track out: there is no route to ::/0 in table 100: −150"]);
}, 60_000);

test("100,000 other routes cost next to nothing, and a table of them is read beside the election", async () => {
  await using pair = await pairLab();
  const { lb1: host } = pair;
  const route = ["198.51.100.0/24", "via", "192.0.2.2"];
  const lb1 = await VrrpRole.start(host, plan());
  await claims(lb1, [missing]);
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, fastPlan({ priority: 30 }));
  await lb2.reaches("backup");
  const before = processorMs(lb1.pid);
  await flood(host, "add");
  await host.ip(["route", "add", ...route]);
  await claims(lb1, []);
  const took = processorMs(lb1.pid) - before;
  console.log(`100,000 other routes: ${took} ms of the processor`);
  // A plan of its own reads the table from the start.
  expect(await lb1.configure(plan({ weight: -140 }))).toBeNull();
  await host.ip(["route", "del", ...route]);
  await claims(lb1, [missing.replace("150", "140")]);
  await flood(host, "del");
  await host.ip(["route", "add", ...route]);
  await claims(lb1, []);
  expect(lb1.history()).toEqual(["backup", "active"]);
  expect(lb2.history()).not.toContain("active");
}, 120_000);

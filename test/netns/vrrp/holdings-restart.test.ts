import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, setDefaultTimeout, test } from "bun:test";
import { addressNote } from "../../../src/kernel/journal-notes.ts";
import { waitFor } from "../../support/lab.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { noteOfRule, writeJournal } from "../../support/written-journal.ts";
import { hasFib, ourRoutes, ourRules, planOf, textsOn } from "./holdings-lab.ts";
import { pairLab } from "./pair-lab.ts";

setDefaultTimeout(60_000);

/** What a process that dies leaves to the next one. */

const extras = 'extra_addresses = ["2001:db8::100/64", { address = "192.0.3.100/24", interface = "eth1" }]';
const routes =
  'routes = [{ destination = "198.51.100.0/24", via = "192.0.2.1" }, { destination = "2001:db8:1::/48", via = "2001:db8::1" }]';
const rules = 'rules = [{ from = "192.0.2.100", table = 100, priority = 1000 }]';

test("a process that adopts takes everything over in place, and puts it back from then on", async () => {
  await using pair = await pairLab(2);
  const { lb1: host } = pair;
  const plan = planOf("lb1", [extras, routes, rules]);
  const first = await VrrpRole.start(host, plan);
  await first.reaches("active");
  await hasFib(host, 2, 1);
  const monitor = host.spawn(["ip", "-o", "monitor", "address", "route", "rule"]);
  await waitFor("the monitor sees a renewal", () => monitor.output().includes("192.0.2.100/24"));
  await first.kill("SIGKILL");
  const next = await VrrpRole.start(host, plan, ["public-1"]);
  await next.reaches("active");
  expect(next.status()?.reason).toBe("taken over from an earlier process of this node");
  expect(await ourRoutes(host)).toHaveLength(2);
  expect(await ourRules(host)).toHaveLength(1);
  await host.ip(["route", "add", "203.0.113.0/24", "dev", "eth0"]);
  await waitFor("the monitor sees a route", () => monitor.output().includes("203.0.113.0/24"));
  expect(monitor.output()).not.toContain("Deleted");
  await host.ip(["rule", "del", "priority", "1000"]);
  await hasFib(host, 2, 1);
  expect(await next.stop()).toBe(0);
  expect([...(await ourRoutes(host)), ...(await ourRules(host))]).toEqual([]);
  expect(await textsOn(host, "eth1")).not.toContain("192.0.3.100/24");
});

test("what is in the plan no more is removed at the start, and what others have made stays", async () => {
  await using pair = await pairLab(2);
  const { lb1: host } = pair;
  const first = await VrrpRole.start(host, planOf("lb1", [extras, routes, rules]));
  await first.reaches("active");
  await hasFib(host, 2, 1);
  await first.kill("SIGKILL");
  await host.ip(["address", "add", "192.0.3.55/24", "dev", "eth1"]);
  await host.ip(["route", "add", "203.0.113.0/24", "via", "192.0.2.1"]);
  await host.ip(["rule", "add", "from", "192.0.3.55", "table", "100", "priority", "1001"]);
  const [kept] = /\{ destination = "198[^}]*\}/.exec(routes) ?? [];
  const next = await VrrpRole.start(host, planOf("lb1", [`routes = [${kept}]`]), ["public-1"]);
  await next.reaches("active");
  expect(await ourRoutes(host)).toEqual(["198.51.100.0/24 via 192.0.2.1 dev eth0"]);
  expect(await ourRules(host)).toEqual([]);
  const left = await textsOn(host, "eth1");
  expect(left).not.toContain("192.0.3.100/24");
  expect(left).toContain("192.0.3.55/24");
  expect(await textsOn(host, "eth0")).not.toContain("2001:db8::100/64");
  expect(next.log()).toContain("removing 192.0.3.100/24 from eth1: left by an earlier run");
  expect(next.log()).toContain("removing rule 1000: left by an earlier run");
  await next.stop();
  expect(await host.ip(["route"])).toContain("203.0.113.0/24 via 192.0.2.1");
  expect(await host.ip(["rule"])).toContain("1001:");
});

test("what others have there already is neither taken nor removed", async () => {
  await using pair = await pairLab(2);
  const { lb1: host } = pair;
  await host.ip(["route", "add", "198.51.100.0/24", "via", "192.0.2.2"]);
  await host.ip(["rule", "add", "from", "192.0.2.100", "table", "100", "priority", "1000"]);
  await host.ip(["address", "add", "192.0.3.100/24", "dev", "eth1"]);
  const lb1 = await VrrpRole.start(host, planOf("lb1", [extras, routes, rules]));
  await lb1.reaches("active");
  await waitFor("it says so", () =>
    lb1.log().includes("192.0.3.100/24 on eth1 was there already and is not ours"),
  );
  const taken = "cannot be added: there is another already, which is not ours";
  expect(lb1.log()).toContain(`route 198.51.100.0/24 via 192.0.2.1 dev eth0 ${taken}`);
  expect(await ourRoutes(host)).toHaveLength(1);
  // The kernel has room for both.
  expect((await host.ip(["rule"])).match(/1000:/g)).toHaveLength(2);
  await lb1.stop();
  expect(await ourRules(host)).toEqual([]);
  expect(await host.ip(["route"])).toContain("198.51.100.0/24 via 192.0.2.2");
  expect(await host.ip(["rule"])).toContain("1000:");
  expect(await textsOn(host, "eth1")).toContain("192.0.3.100/24");
});

test("where the kernel keeps no tags the journal says what to remove at the start", async () => {
  await using pair = await pairLab(2);
  const { lb1: host } = pair;
  const [{ ifindex }] = JSON.parse(await host.ip(["-j", "link", "show", "eth1"])) as [{ ifindex: number }];
  await host.ip(["address", "add", "192.0.3.100/24", "dev", "eth1"]);
  await host.ip(["address", "add", "192.0.3.55/24", "dev", "eth1"]);
  const rule = ["from", "192.0.2.100", "table", "100", "protocol", "0"];
  await host.ip(["rule", "add", ...rule, "priority", "1000"]);
  await host.ip(["rule", "add", ...rule, "priority", "1001"]);
  const state = join(host.directory, "state");
  const journal = await writeJournal(host, state, [
    addressNote({ linkIndex: ifindex, address: "192.0.3.100", prefixLength: 24 }),
    addressNote({ linkIndex: ifindex, address: "192.0.3.101", prefixLength: 24 }),
    noteOfRule(1000),
  ]);
  const lb1 = await VrrpRole.start(host, planOf("lb1", []), [], { EDGE_HA_STATE_DIRECTORY: state });
  await lb1.reaches("active");
  const left = await textsOn(host, "eth1");
  expect([left.includes("192.0.3.100/24"), left.includes("192.0.3.55/24")]).toEqual([false, true]);
  const priorities = await host.ip(["rule"]);
  expect([priorities.includes("1000:"), priorities.includes("1001:")]).toEqual([false, true]);
  expect(existsSync(journal)).toBe(false);
  await lb1.stop();
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { RouteRequest, RuleRequest } from "../../../src/kernel/fib-messages.ts";
import { Lab, waitFor, type Host } from "../../support/lab.ts";
import { buildAddon } from "../../support/native-addon.ts";

/** Routes and rules against the kernel itself; `ip -j` is the independent reader. */

const agent = join(import.meta.dir, "agent.ts");
let lab: Lab;
let host: Host;
let linkIndex = 0;

beforeAll(async () => {
  buildAddon();
  lab = await Lab.create();
  await lab.bridge("lan");
  host = await lab.host("host", { eth1: { bridge: "lan", address: "192.0.2.1/24" } });
  await host.ip(["address", "add", "2001:db8::1/64", "dev", "eth1", "nodad"]);
  [{ ifindex: linkIndex }] = JSON.parse(await host.ip(["-j", "link", "show", "eth1"])) as [
    { ifindex: number },
  ];
}, 30_000);

afterAll(async () => lab[Symbol.asyncDispose]());

const run = async (...parameters: readonly string[]): Promise<unknown> => {
  const { stdout, stderr, exitCode } = await host.run([process.execPath, agent, ...parameters]);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return JSON.parse(stdout) as unknown;
};
const shown = async (...words: readonly string[]): Promise<unknown> =>
  JSON.parse((await host.ip(["-j", ...words])).trim() || "[]") as unknown;

const route = (over: Partial<RouteRequest>): RouteRequest => ({
  destination: { address: "198.51.100.0", length: 24 },
  linkIndex,
  gateway: null,
  source: null,
  metric: 0,
  table: 254,
  scope: 0,
  protocol: 0x45,
  type: 1,
  isOnLink: false,
  ...over,
});
const rule = (over: Partial<RuleRequest>): RuleRequest => ({
  family: 4,
  priority: 500,
  from: null,
  to: null,
  inputLink: null,
  outputLink: null,
  mark: null,
  table: 1000,
  action: 1,
  protocol: 0x45,
  ...over,
});

test("routes of both families are added, read back as they were asked for, and removed", async () => {
  const routes = [
    route({ gateway: "192.0.2.254", source: "192.0.2.1", metric: 50, table: 1000 }),
    route({
      destination: { address: "0.0.0.0", length: 0 },
      gateway: "203.0.113.1",
      isOnLink: true,
      metric: 9,
    }),
    route({ destination: { address: "203.0.113.7", length: 32 }, scope: 253 }),
    route({ destination: { address: "198.18.0.0", length: 15 }, linkIndex: 0, type: 6 }),
    route({ destination: { address: "2001:db8:1::", length: 48 }, gateway: "2001:db8::2", metric: 1024 }),
  ];
  const add = routes.map((each) => ({ kind: "add-route", route: each }));
  expect(await run("apply", JSON.stringify([...add, ...add]))).toEqual([
    ...add.map(() => "done"),
    ...add.map(() => "idle"),
  ]);
  const { routes: found } = (await run("fib")) as { routes: readonly RouteRequest[] };
  expect(found.toSorted(byText)).toEqual(routes.toSorted(byText));
  expect(await shown("route", "show", "table", "1000")).toEqual([
    expect.objectContaining({
      dst: "198.51.100.0/24",
      gateway: "192.0.2.254",
      prefsrc: "192.0.2.1",
      metric: 50,
    }),
  ]);
  expect(await shown("route", "show", "type", "unicast", "proto", "69")).toEqual([
    expect.objectContaining({ dst: "default", gateway: "203.0.113.1", flags: ["onlink"] }),
    expect.objectContaining({ dst: "203.0.113.7", scope: "link" }),
  ]);
  expect(await shown("route", "show", "type", "blackhole")).toEqual([
    expect.objectContaining({ dst: "198.18.0.0/15" }),
  ]);
  expect(await shown("-6", "route", "show", "proto", "69")).toEqual([
    expect.objectContaining({ dst: "2001:db8:1::/48", gateway: "2001:db8::2", dev: "eth1" }),
  ]);
  const remove = routes.map((each) => ({ kind: "remove-route", route: each }));
  expect(await run("apply", JSON.stringify([...remove, ...remove]))).toEqual([
    ...remove.map(() => "done"),
    ...remove.map(() => "idle"),
  ]);
});

test("rules of both families are added once, read back, and removed", async () => {
  const rules = [
    rule({
      from: { address: "192.0.2.100", length: 32 },
      mark: { value: 16, mask: 255 },
      outputLink: "eth1",
    }),
    rule({ priority: 501, inputLink: "lo", table: 0, action: 7 }),
    rule({
      family: 6,
      from: { address: "2001:db8::", length: 32 },
      to: { address: "2001:db8:1::", length: 48 },
    }),
  ];
  const add = rules.map((each) => ({ kind: "add-rule", rule: each }));
  expect(await run("apply", JSON.stringify([...add, ...add]))).toEqual([
    ...add.map(() => "done"),
    ...add.map(() => "idle"),
  ]);
  const { rules: found } = (await run("fib")) as { rules: readonly RuleRequest[] };
  expect(found.filter(({ protocol }) => protocol === 0x45)).toEqual(rules);
  const own = { protocol: "69" };
  expect(await shown("rule", "show")).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ priority: 500, src: "192.0.2.100", fwmark: "0x10", table: "1000", ...own }),
      expect.objectContaining({ priority: 501, iif: "lo", action: "unreachable", ...own }),
    ]),
  );
  const remove = rules.map((each) => ({ kind: "remove-rule", rule: each }));
  expect(await run("apply", JSON.stringify([...remove, ...remove]))).toEqual([
    ...remove.map(() => "done"),
    ...remove.map(() => "idle"),
  ]);
});

test("a refused change does not keep the others from being carried out", async () => {
  const bad = route({ gateway: "203.0.113.1" });
  const good = route({ gateway: "192.0.2.254" });
  const outcomes = await run(
    "apply",
    JSON.stringify([
      { kind: "add-route", route: bad },
      { kind: "add-route", route: good },
      { kind: "remove-route", route: good },
    ]),
  );
  expect(outcomes).toEqual([
    expect.stringContaining("RTM_NEWROUTE 198.51.100.0/24: ENETUNREACH"),
    "done",
    "done",
  ]);
});

test("subscribeFib() tells of routes and rules", async () => {
  const watcher = host.spawn([process.execPath, agent, "watchFib"]);
  const saw = (...fields: readonly string[]) =>
    waitFor(fields.join(" "), () =>
      watcher
        .output()
        .split("\n")
        .some((line) => fields.every((field) => line.includes(field))),
    );
  await saw("watching");
  await host.ip(["route", "add", "198.51.100.0/24", "via", "192.0.2.254"]);
  await saw('"kind":"route"', "198.51.100.0", '"isGone":false');
  await host.ip(["route", "delete", "198.51.100.0/24"]);
  await saw('"kind":"route"', "198.51.100.0", '"isGone":true');
  await host.ip(["-6", "rule", "add", "from", "2001:db8::9", "table", "1000", "priority", "900"]);
  await saw('"kind":"rule"', "2001:db8::9", '"isGone":false');
  watcher.kill("SIGKILL");
  await watcher.exited;
});

function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

import { expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, chownSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { resolveUser } from "../../../src/base/program.ts";
import { type DirectorPlan, noDirectorPlan } from "../../../src/config/node-plan.ts";
import type { IpvsServicePlan } from "../../../src/config/service-plan.ts";
import { plannedServer, plannedService } from "../../support/ipvs-services.ts";
import { Lab, waitFor, type Child, type Host } from "../../support/lab.ts";
import { runCommand } from "../../support/lab-command.ts";
import { plannedProbe } from "../../support/probe-plans.ts";
import { linesOf, readFifo } from "../../support/read-fifo.ts";
import { plannedRelay, proxiedServer } from "../../support/proxied-services.ts";

/**
 * What is told of services and servers, beside keepalived's checkers on the same servers: both write to a FIFO what they
 * see. The kernel's table is in memory on both sides.
 */

setDefaultTimeout(60_000);
const support = resolve(import.meta.dir, "../../support");
const four = "192.0.2.21";
const six = "2001:db8::21";
const omega = { weight: 1, hysteresis: 0, up: null, down: null, endsOnStop: true };

/** Services with a server each, so that the order of all lines of a service is certain. */
const services: readonly IpvsServicePlan[] = [
  plannedService({ name: "web", address: "192.0.2.100", servers: [plannedServer(four, { probe: "4" })] }),
  plannedService({ name: "web6", address: "2001:db8::100", servers: [plannedServer(six, { probe: "6" })] }),
  plannedService({
    name: "marked",
    key: { family: 4, mark: 7 },
    startsDown: true,
    quorum: omega,
    servers: [plannedServer(four, { probe: "4", port: 0 })],
  }),
];

/** A relay, which keepalived has as a service like any other, and an upstream, which it does not know. */
const relayed = plannedRelay({
  name: "relayed",
  sockets: [{ address: "192.0.2.101", port: 80 }],
  servers: [proxiedServer(21, { address: four, probe: "4" })],
});
const upstream = { ...relayed, kind: "upstream" as const, name: "apps", group: "apps", sockets: [] };

/** The same in keepalived's words. */
function keepalivedFile(fifo: string): string {
  const places = [
    ["192.0.2.100 80", four, ""],
    ["192.0.2.101 80", four, ""],
    ["2001:db8::100 80", six, ""],
    ["fwmark 7", four, "alpha\nomega"],
  ];
  const blocks = places.map(([place, server, more]) => {
    const check = "TCP_CHECK {\nconnect_timeout 1\nconnect_port 80\n}";
    const own = `delay_loop 1\nlb_algo wrr\nlb_kind DR\nprotocol TCP\nquorum 1\n${more}`;
    return `virtual_server ${place} {\n${own}\nreal_server ${server} 80 {\nweight 1\n${check}\n}\n}`;
  });
  return `global_defs {\nlvs_notify_fifo ${fifo} root\n}\n${blocks.join("\n")}\n`;
}

async function startKeepalived(host: Host, fifo: string): Promise<Child> {
  const shim = join(host.directory, "no-ipvs.so");
  const build = ["gcc", "-shared", "-fPIC", "-O2", "-o", shim, join(support, "no-ipvs.c")];
  expect((await runCommand(build)).exitCode).toBe(0);
  const path = join(host.directory, "keepalived.conf");
  writeFileSync(path, keepalivedFile(fifo));
  const files = ["-p", join(host.directory, "keepalived.pid"), "-c", join(host.directory, "checkers.pid")];
  return host.spawn(["keepalived", "-n", "-l", "-C", "-f", path, ...files], { env: { LD_PRELOAD: shim } });
}

async function startDirector(host: Host, fifo: string, script: string): Promise<Child> {
  const timing = { intervalMs: 1000, retries: 0 };
  const probe = (id: string, address: string): DirectorPlan["probes"][number] =>
    plannedProbe(id, { kind: "tcp" }, { ...timing, target: { address, port: 80 } });
  const plan: DirectorPlan = {
    ...noDirectorPlan,
    probes: [probe("4", four), probe("6", six)],
    services,
    proxied: [relayed, upstream],
    notify: { node: "lb1", script: { command: [script], timeoutMs: 5_000, user: null }, fifo },
  };
  const entry = [process.execPath, join(support, "notice-director.ts"), JSON.stringify(plan)];
  return host.spawn(entry);
}

/** The lines of each service in their order. */
function byService(lines: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const places = ["[192.0.2.100]", "[192.0.2.101]", "[2001:db8::100]", "FWM 7"];
  return Object.fromEntries(places.map((place) => [place, lines.filter((line) => line.includes(place))]));
}

/** The place of the upstream in a line. */
const apps = "UPSTREAM apps";

/** What both tell of. */
function ofServices(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !line.includes(apps));
}

/** What listens in a program of Python's. */
function listen(address: string, family: "AF_INET" | "AF_INET6"): string {
  return `socket.create_server(("${address}", 80), family=socket.${family})`;
}

/** Servers that listen, and nothing more. */
function startServers(host: Host): Child {
  const text = `import socket, signal; a = ${listen(four, "AF_INET")}; b = ${listen(six, "AF_INET6")}; signal.pause()`;
  return host.spawn(["python3", "-c", text]);
}

test("lines are those of keepalived, and the script hears the same", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("lb1", {});
  for (const address of [four, six]) await host.ip(["address", "add", address, "dev", "lo"]);
  const script = join(host.directory, "notify");
  const { uid, gid } = resolveUser("nobody") ?? { uid: 65_534, gid: 65_534 };
  writeFileSync(`${script}.txt`, "");
  chownSync(`${script}.txt`, uid, gid);
  for (const directory of [host.directory, join(host.directory, "..")]) chmodSync(directory, 0o755);
  writeFileSync(script, `#!/bin/sh\necho "$EDGE_HA_NODE $EDGE_HA_SERVICE: $*" >>${script}.txt\n`, {
    mode: 0o755,
  });
  const theirs = await readFifo(host, "theirs");
  const ours = await readFifo(host, "ours");
  const both = [theirs, ours];
  let servers = startServers(host);
  await waitFor("servers listen", async () => {
    const { stdout } = await host.run(["ss", "-Hltn"]);
    return stdout.includes(`${four}:80`) && stdout.includes(`[${six}]:80`);
  });
  const keepalived = await startKeepalived(host, theirs.fifo);
  const director = await startDirector(host, ours.fifo, script);
  const count = (total: number): Promise<void> =>
    waitFor(
      `both have told ${total} times`,
      () => both.every(({ lines }) => ofServices(lines()).length === total),
      20_000,
    );
  // Three services are up until failed, the fourth comes up with its server.
  await count(5);
  servers.kill("SIGKILL");
  await servers.exited;
  await count(13);
  servers = startServers(host);
  await count(21);
  // A stop does not wait for many runs of a script.
  await waitFor("the script has run for all", () => linesOf(`${script}.txt`).length === ours.lines().length);
  for (const child of [director, keepalived]) child.kill("SIGTERM");
  await count(23);
  expect(byService(ours.lines())).toEqual(byService(theirs.lines()));
  expect(ours.lines().filter((line) => line.includes(apps))).toEqual([
    `VS ${apps} UP`,
    ...["DOWN", "UP"].flatMap((state) => [`RS [${four}]:tcp:80 ${apps} ${state}`, `VS ${apps} ${state}`]),
  ]);
  expect(ours.lines().slice(-2)).toEqual([`RS [${four}]:none:0 FWM 7 DOWN`, "VS FWM 7 DOWN"]);
  await Promise.all([director.exited, keepalived.exited]);
  const names: Readonly<Record<string, string>> = {
    "[192.0.2.100]": "web",
    "[192.0.2.101]": "relayed",
    [apps]: "apps",
    "[2001:db8::100]": "web6",
    "FWM 7": "marked",
  };
  const expected = ours.lines().map((line) => {
    const [, name] = Object.entries(names).find(([place]) => line.includes(place)) ?? [];
    return `lb1 ${name}: ${line}`;
  });
  expect(linesOf(`${script}.txt`)).toEqual(expected);
});

import { afterAll, beforeAll, expect, setDefaultTimeout } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import type { NodeStatus } from "../../src/ipc/status.ts";
import { runCommand } from "../support/lab-command.ts";
import { Guest } from "./guest.ts";
import { step } from "./step.ts";

/**
 * The Debian package on a machine that systemd runs, with a virtual address, a service in the kernel and a site: from one
 * version to the next and back, while clients come. The tests build on one another.
 */

setDefaultTimeout(900_000);
const vip = "10.99.0.101";
const versions = { old: packageJson.version, newer: "99.0.0" } as const;
const config = `[cluster]
name = "upgrade"
# The lease of an address is longer than three of these: here one program takes seconds to begin where another stopped.
advert_interval = "3s"
[[node]]
name = "lb1"
address = { br0 = "10.99.0.11" }
[[vip]]
name = "first"
address = "${vip}/24"
vrid = 51
prefer = ["lb1"]
[[service]]
name = "kernel"
vips = ["first"]
port = 8080
forward = "dr"
check = { type = "tcp", interval = "1s", timeout = "10s", retries = 0, rise = 1, fall = 2 }
servers = [{ address = "10.99.0.21" }, { address = "10.99.0.22" }]
[proxy]
workers = 1
[[listener]]
name = "http"
address = ":80"
[[upstream]]
name = "apps"
servers = [{ address = "10.99.0.21:8080" }, { address = "10.99.0.22:8080" }]
[[site]]
hosts = ["*"]
listeners = ["http"]
[[site.route]]
path = "/"
upstream = "apps"
`;
/** The machine itself is the balancer. */
const hosts = `bash /share/guest/topology.sh
ip address add 10.99.0.11/24 dev br0
# As systemd has it on every interface that is there when udev is.
sysctl -qw net.ipv4.conf.br0.promote_secondaries=1
for host in rs1 rs2; do
  ip netns exec $host sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
  ip -n $host address add ${vip}/32 dev lo
  setsid ip netns exec $host python3 /share/guest/stream.py $host >/run/web-$host.log 2>&1 &
done
modprobe ip_vs
`;
/** Everything that the service changes on the machine. */
const machine = `ip -o address show dev br0 | sed 's/ valid_lft.*//'; ipvsadm --save -n
sysctl -a -r 'net.ipv4.(conf.br0|vs|tcp_migrate_req|ip_)' 2>/dev/null; find /var/lib/edge-ha -type f 2>/dev/null || true`;
let folder: string;
let guest: Guest;
let before: string;
let pid: number;

const root = resolve(import.meta.dir, "../..");

async function outputOf(...command: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await runCommand(command, { timeoutMs: 120_000 });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}: ${stdout}${stderr}`);
  return stdout.trim();
}

/** Makes a package of each version, and gives their paths. */
async function packages(): Promise<Readonly<Record<string, string>>> {
  const newer = join(folder, "newer");
  await outputOf(join(root, "scripts/build"), newer, versions.newer);
  const build = join(root, "appliance/build-deb");
  return {
    "old.deb": resolve(root, await outputOf(build, join(root, "dist/edge-ha"), versions.old, folder)),
    "newer.deb": await outputOf(build, newer, versions.newer, folder),
  };
}

const status = async (): Promise<NodeStatus> =>
  JSON.parse(await guest.text("edge-ha status --json")) as NodeStatus;

/** What systemd says of the service. */
const unit = (): Promise<string> =>
  guest.text(
    "systemctl show -p MainPID -p ActiveState -p NRestarts -p NFileDescriptorStore edge-ha | sort | paste -sd ' '",
  );

const activeUnit = (mainPid: number, restarts: number): string =>
  `ActiveState=active MainPID=${mainPid} NFileDescriptorStore=2 NRestarts=${restarts}\n`;

const curl = (path: string, limitS = 100): string =>
  `ip netns exec client curl -s -m ${limitS} -w ' %{http_code} %{exitcode}' http://${vip}${path} | tail -n 1`;

/** Waits until clients are answered; asking before the address is there costs seconds. */
async function untilServed(): Promise<void> {
  await guest.waitFor("it has its address", async () => {
    return (await guest.run(`ip -o address show to ${vip}`)).stdout !== "";
  });
  await guest.waitFor("it serves", async () => (await guest.run(curl("/"))).stdout.endsWith(" 200 0"));
}

/** Has clients come all the while, and gives what they say of it. */
async function whileClientsCome(act: () => Promise<void>): Promise<string> {
  await guest.text(`ip monitor address >/run/monitor.log & echo $! >/run/monitor.pid
for port in 80 8080; do
  ip netns exec client python3 /share/guest/client.py ${vip}:$port 1500 5 >/run/client-$port.log 2>&1 &
  echo $! >/run/client-$port.pid
done
for port in 80 8080; do until grep -q begun /run/client-$port.log; do sleep 0.2; done; done`);
  await act();
  return guest.text(`kill $(cat /run/client-80.pid /run/client-8080.pid /run/monitor.pid)
tail -q --pid=$(cat /run/client-80.pid) --pid=$(cat /run/client-8080.pid) -f /dev/null
tail -q -n 1 /run/client-80.log /run/client-8080.log; grep Deleted /run/monitor.log || true`);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "edge-ha-packages-"));
  guest = await Guest.boot({ hasSystemd: true, files: await packages() });
  await guest.text(
    `${hosts}dpkg -i /share/old.deb\ncat >/etc/edge-ha/edge-ha.toml <<'TOML'\n${config}TOML\n`,
  );
  before = await guest.text(machine);
});
afterAll(async () => {
  await guest[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

step("systemd starts it", async () => {
  await guest.text("systemctl start edge-ha || { journalctl -u edge-ha --no-pager; exit 1; }");
  await untilServed();
  ({ pid } = await status());
  expect(await unit()).toBe(activeUnit(pid, 0));
});

step("a newer package takes over in place, and clients notice nothing", async () => {
  const open = ["/0", ":8080/0"].map((path) => guest.text(curl(path, 1500)));
  await guest.text("ln /usr/bin/edge-ha /usr/bin/edge-ha.before");
  const report = await whileClientsCome(async () => {
    expect(await guest.text("dpkg -i /share/newer.deb")).toContain(
      `edge-ha ${versions.newer} has taken over from ${versions.old}\n`,
    );
  });
  await guest.text("touch /run/enough");
  expect(report).toMatch(/^(answers rs1 rs2 failures 0 longest silence in ms \d+\n){2}$/);
  expect(await Promise.all(open)).toEqual([" 200 0", " 200 0"].map((end) => expect.stringContaining(end)));
  expect(await unit()).toBe(activeUnit(pid, 0));
  expect((await status()).version).toBe(versions.newer);
  expect(await guest.text(`grep -E 'NoNewPrivs|Seccomp:' /proc/${pid}/status`)).toMatch(
    /NoNewPrivs:\t1\nSeccomp:\t2\n/,
  );
});

step("a package that does not run leaves the one before running, and says so", async () => {
  await guest.text(`mv /usr/bin/edge-ha /usr/bin/edge-ha.good
printf '#!/bin/sh\necho it is broken >&2\nexit 127\n' >/usr/bin/edge-ha; chmod 755 /usr/bin/edge-ha`);
  const configured = await guest.run(`/var/lib/dpkg/info/edge-ha.postinst configure ${versions.old}`);
  expect(configured.exitCode).toBe(1);
  expect(configured.stderr).toContain("the version from before goes on running");
  expect(await unit()).toBe(activeUnit(pid, 0));
  // Its processes are its own.
  await guest.text("kill -9 $(pgrep -f 'edge-ha __role director')");
  await guest.waitFor("another director is there", async () => {
    return (await guest.run("pgrep -x edge-ha -a | grep '__role director'")).exitCode === 0;
  });
  expect((await guest.run(curl("/"))).stdout).toEndWith(" 200 0");
});

step("the version of before takes over again", async () => {
  expect(await guest.text("mv /usr/bin/edge-ha.before /usr/bin/edge-ha; edge-ha reload --binary")).toBe(
    `edge-ha ${versions.old} has taken over from ${versions.newer}\n`,
  );
  expect(await unit()).toBe(activeUnit(pid, 0));
  await guest.text("systemctl reload edge-ha");
});

step("a service that is killed is started again, and has its address again", async () => {
  await guest.text(`kill -9 ${pid}`);
  await guest.waitFor("it is up again", async () => {
    const text = await unit();
    return text.startsWith("ActiveState=active") && text.endsWith("NRestarts=1\n");
  });
  await untilServed();
});

step("a stop leaves the machine as it was", async () => {
  await guest.text("systemctl stop edge-ha");
  expect(await guest.text(machine)).toBe(before);
  expect(await guest.text("systemctl is-active edge-ha || true")).toBe("inactive\n");
});

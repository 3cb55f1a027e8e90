import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import { Guest } from "./guest.ts";

/**
 * What two directors on a kernel with IPVS have beside their tables: sync daemons, settings, and the servers' gateway as a
 * virtual address. ipvsadm and sysctl are the independent readers. The tests build on one another, in this order.
 */

setDefaultTimeout(600_000);
type Balancer = "lb1" | "lb2";
const first = "10.99.0.101";
const second = "10.99.0.102";
const outside = "10.99.0.100";
const gateway = "10.98.0.1";
const homes: Readonly<Record<Balancer, readonly string[]>> = {
  lb1: [first, outside, gateway],
  lb2: [second],
};

function vip(name: string, address: string, prefer: string): string {
  return `[[vip]]\nname = "${name}"\naddress = "${address}/24"\nprefer = [${prefer}]`;
}

const check = 'check = { type = "tcp", interval = "2s", timeout = "1s", retries = 0 }';
const config = [
  '[cluster]\nname = "failover"\nadvert_interval = "500ms"',
  '[[node]]\nname = "lb1"\naddress = { eth0 = "10.99.0.11/24", eth1 = "10.98.0.11/24" }',
  '[[node]]\nname = "lb2"\naddress = { eth0 = "10.99.0.12/24", eth1 = "10.98.0.12/24" }',
  vip("first", first, '"lb1", "lb2"'),
  vip("second", second, '"lb2", "lb1"'),
  vip("outside", outside, '"lb1", "lb2"'),
  vip("gateway", gateway, '"lb1", "lb2"'),
  '[[sync_group]]\nname = "nat"\nvips = ["outside", "gateway"]',
  '[sync_daemon]\ninterface = "eth1"\nttl = 2',
  '[ipvs]\ntcp_fin_timeout = "30s"\nsysctls = { sync_threshold = "3 20" }',
  `[[service]]\nname = "direct"\nvips = ["first", "second"]\nport = 80\nforward = "dr"\nscheduler = "rr"\n${check}`,
  'servers = [{ address = "10.99.0.21" }, { address = "10.99.0.22" }]',
  '[[service]]\nname = "translated"\nvips = ["outside"]\nport = 8080\nforward = "nat"\nscheduler = "rr"',
  `snat = "servers"\n${check}\nservers = [{ address = "10.98.0.21", port = 80 }, { address = "10.98.0.22", port = 80 }]`,
].join("\n");

/** Settings that the service changes here, and what they are without it. */
const settings = {
  "net.ipv4.vs.expire_nodest_conn": ["0", "1"],
  "net.ipv4.vs.sync_threshold": ["3\t50", "3\t20"],
  "net.ipv4.vs.sloppy_tcp": ["0", "0"],
  "net.ipv4.ip_forward": ["0", "1"],
  "net.ipv4.conf.all.send_redirects": ["1", "0"],
  "net.ipv4.conf.eth1.send_redirects": ["1", "0"],
  "net.ipv4.conf.all.accept_redirects": ["1", "1"],
} as const;

let guest: Guest;

beforeAll(async () => {
  guest = await Guest.boot({ files: { "edge-ha": resolve(import.meta.dir, "../../dist/edge-ha") } });
  await guest.text(`modprobe -a ip_vs nf_tables\nbash /share/guest/gateway.sh`);
  await guest.text(`cat >/run/edge-ha.toml <<'TOML'\n${config}\nTOML\n`);
});
afterAll(() => guest[Symbol.asyncDispose]());

let isBroken = false;

/** A test that does not even begin once an earlier one has failed: it could only wait in vain. */
function step(name: string, body: () => Promise<void>): void {
  test(name, async () => {
    if (isBroken) throw new Error("an earlier step failed");
    isBroken = true;
    await body();
    isBroken = false;
  });
}

function on(name: string, command: string): Promise<string> {
  return guest.text(`ip netns exec ${name} ${command}`);
}

async function start(name: Balancer): Promise<void> {
  const serve = `/share/edge-ha --socket /run/${name}.sock serve --config /run/edge-ha.toml --node ${name}`;
  await guest.text(
    `rm -f /run/${name}.sock; setsid ip netns exec ${name} ${serve} >>/run/${name}.log 2>&1 & echo $! >/run/${name}.pid`,
  );
}

async function holds(name: Balancer): Promise<readonly string[]> {
  const text = await guest.text(`ip -n ${name} -4 -o address show`);
  return [first, second, outside, gateway].filter((address) => text.includes(` ${address}/`));
}

async function waitForHolder(name: Balancer, addresses: readonly string[]): Promise<void> {
  let held: readonly string[] = [];
  try {
    await guest.waitFor(`${name} holds ${addresses.join(", ")}`, async () => {
      held = await holds(name);
      return addresses.length === held.length && addresses.every((address) => held.includes(address));
    });
  } catch (error) {
    throw new Error(`${name} holds ${held.join(", ")}\n${await guest.text(`tail -50 /run/${name}.log`)}`, {
      cause: error,
    });
  }
}

async function waitForHomes(): Promise<void> {
  await waitForHolder("lb1", homes.lb1);
  await waitForHolder("lb2", homes.lb2);
}

async function daemons(name: Balancer): Promise<readonly string[]> {
  return (await on(name, "ipvsadm -L --daemon"))
    .split("\n")
    .filter((line) => line !== "")
    .sort();
}

const daemonLines = ["backup", "master"].map(
  (role) => `${role} sync daemon (mcast=eth1, syncid=101, maxlen=1472, group=224.0.0.81, port=8848, ttl=2)`,
);

async function waitForDaemons(name: Balancer): Promise<void> {
  let seen = "";
  await guest
    .waitFor(`${name} tells and hears`, async () => {
      seen = (await daemons(name)).join("\n");
      return seen === daemonLines.join("\n");
    })
    .catch(async (error: unknown) => {
      throw new Error(`daemons of ${name}: ${seen}\n${await guest.text(`tail -50 /run/${name}.log`)}`, {
        cause: error,
      });
    });
}

async function settingsOf(name: Balancer): Promise<readonly string[]> {
  const text = await on(name, `sysctl -n ${Object.keys(settings).join(" ")}`);
  return text.trimEnd().split("\n");
}

const before = Object.values(settings).map(([value]) => value);
const during = Object.values(settings).map(([, value]) => value);

step("both nodes tell of their connections and hear of the other's", async () => {
  for (const name of ["lb1", "lb2"] as const) {
    expect(await settingsOf(name)).toEqual(before);
    await start(name);
  }
  await waitForHomes();
  for (const name of ["lb1", "lb2"] as const) {
    await waitForDaemons(name);
    expect(await settingsOf(name)).toEqual(during);
    expect(await on(name, "ipvsadm -L --timeout")).toContain("900 30 300");
  }
});

step("servers reach the outside through the gateway, with an address of its", async () => {
  expect(await on("rs1", "curl -s -m 20 --interface 10.98.0.21 http://10.99.0.99/")).toBe(
    "client 10.99.0.11\n",
  );
});

step("what somebody takes away is put back", async () => {
  await on("lb2", "ipvsadm --stop-daemon backup");
  await on("lb2", "sysctl -qw net.ipv4.ip_forward=0");
  await waitForDaemons("lb2");
  await guest.waitFor("lb2 forwards again", async () => (await settingsOf("lb2")).join() === during.join());
  expect(await guest.text("grep -cE 'sync daemon .* started' /run/lb2.log")).toBe("3\n");
});

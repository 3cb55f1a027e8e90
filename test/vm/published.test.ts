import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { largeFile, savedLines } from "../support/large-table.ts";
import { Guest } from "./guest.ts";

/**
 * A large table, and the published set-ups, on a kernel with IPVS; these one after the other in one running node, by reload.
 * The table is what ipvsadm reads, and the web servers answer at the addresses. The last one has no services.
 */

setDefaultTimeout(300_000);

interface Setup {
  readonly name: string;
  /** The network as `guest/published.sh` is told of it. */
  readonly network: readonly string[];
  /** Services and their servers as ipvsadm saves them. */
  readonly table: readonly string[];
  /** The addresses that lb holds. */
  readonly held: readonly string[];
  /** Those of them at which a web server answers. */
  readonly asked: readonly string[];
}

function service(vip: string, options: string, servers: readonly string[], server: string): string[] {
  return [`-A -t ${vip}:80 ${options}`, ...servers.map((one) => `-a -t ${vip}:80 -r ${one}:80 ${server}`)];
}

const setups: readonly Setup[] = [
  {
    name: "lvs-dr-active-standby",
    network: [
      "lb=ens32:172.16.100.21/24",
      "web=172.16.100.14/24",
      "web=172.16.100.15/24",
      "client=172.16.100.250/24",
      "vip=172.16.100.22",
    ],
    table: service("172.16.100.22", "-s rr", ["172.16.100.14", "172.16.100.15"], "-g -w 1"),
    held: ["172.16.100.22"],
    asked: ["172.16.100.22"],
  },
  {
    name: "lvs-dr-persistent",
    network: [
      "lb=eth0:192.168.2.10/24",
      "web=192.168.2.90/24",
      "web=192.168.2.92/24",
      "client=192.168.2.250/24",
      "vip=192.168.2.150",
    ],
    table: service("192.168.2.150", "-s wrr -p 50", ["192.168.2.90", "192.168.2.92"], "-g -w 1"),
    held: ["192.168.2.150"],
    asked: ["192.168.2.150"],
  },
  {
    name: "lvs-dr-weighted",
    network: [
      "lb=ens4:193.168.140.10/24",
      "web=193.168.140.152/24",
      "web=193.168.140.224/24",
      "client=193.168.140.250/24",
      "vip=193.168.140.80",
    ],
    table: service("193.168.140.80", "-s rr", ["193.168.140.152", "193.168.140.224"], "-g -w 10"),
    held: ["193.168.140.80"],
    asked: ["193.168.140.80"],
  },
  {
    name: "lvs-nat-gateway-vip",
    network: [
      "lb=ens3:192.168.102.10/24",
      ...["161", "162", "163", "164"].map((part) => `web=192.168.102.${part}/24`),
      "behind=192.168.102.0/24@192.168.102.165",
    ],
    table: [
      ...service("192.168.102.165", "-s rr -p 50", ["192.168.102.161", "192.168.102.162"], "-m -w 3"),
      ...service("193.168.140.80", "-s rr -p 50", ["192.168.102.163", "192.168.102.164"], "-m -w 3"),
    ],
    held: ["192.168.102.165", "193.168.140.80"],
    asked: ["193.168.140.80"],
  },
  {
    name: "single-net-dual-active-lvs-dr",
    network: [
      "lb=eth1:10.16.8.67/24",
      "web=10.16.8.8/24",
      "web=10.16.8.9/24",
      "client=10.16.8.250/24",
      "vip=10.16.8.100",
      "vip=10.16.8.101",
    ],
    table: ["10.16.8.100", "10.16.8.101"].flatMap((vip) =>
      service(vip, "-s rr", ["10.16.8.8", "10.16.8.9"], "-g -w 1"),
    ),
    held: ["10.16.8.100", "10.16.8.101"],
    asked: ["10.16.8.100", "10.16.8.101"],
  },
  {
    name: "dual-net-sync-dual-active",
    network: ["lb=eth2:172.16.8.67/24"],
    table: [],
    held: ["10.16.8.100", "10.16.8.101", "172.16.8.100", "172.16.8.101"],
    asked: [],
  },
];

let guest: Guest;

beforeAll(async () => {
  guest = await Guest.boot({ files: { "edge-ha": resolve(import.meta.dir, "../../dist/edge-ha") } });
  const words = setups.flatMap(({ network }) => network);
  await guest.text(`modprobe ip_vs; bash /share/guest/published.sh ${words.join(" ")}`);
});
afterAll(() => guest[Symbol.asyncDispose]());

const lb = "ip netns exec lb";
const edgeHa = `${lb} /share/edge-ha --socket /run/lb.sock`;

/** Starts the node, or has it read its file again. */
async function load(): Promise<void> {
  if ((await guest.run("[ -e /run/lb.sock ]")).exitCode === 0) {
    await guest.text(`${edgeHa} reload`);
    return;
  }
  await guest.text(
    `setsid ${edgeHa} serve --config /run/setup.toml >/run/lb.log 2>&1 & echo $! >/run/lb.pid`,
  );
  await guest.text("until [ -e /run/lb.sock ]; do kill -0 $(cat /run/lb.pid) || exit; sleep 0.2; done");
}

async function waitForText(claim: string, read: () => Promise<string>, wanted: string): Promise<void> {
  let seen = "";
  await guest
    .waitFor(claim, async () => (seen = await read()) === wanted, 90_000)
    .catch(async (error: unknown) => {
      const log = await guest.text("tail -30 /run/lb.log");
      throw new Error(`${claim}: ${seen}\nwanted: ${wanted}\n${log}`, { cause: error });
    });
}

async function saved(host = lb): Promise<string> {
  const lines = (await guest.text(`${host} ipvsadm --save -n`)).split("\n");
  return lines
    .filter((line) => line !== "")
    .sort()
    .join("\n");
}

async function held(): Promise<string> {
  const text = await guest.text("ip -n lb -4 -o address show");
  const known = new Set(setups.flatMap((setup) => setup.held));
  const found = [...text.matchAll(/ inet ([\d.]+)\//g)].map(([, address = ""]) => address);
  return found
    .filter((address) => known.has(address))
    .sort()
    .join("\n");
}

test("a table of 250 services and 4,000 servers is filled in slices, follows one weight by one change, and goes with a stop", async () => {
  const size = { services: 250, servers: 4_000 };
  const host = "ip netns exec large";
  const node = `${host} /share/edge-ha --socket /run/large.sock`;
  const isUp = "grep -q 'lb1 of cluster large is up' /run/large.log";
  const write = (weight: number): string =>
    `cat >/run/large.toml <<'TOML'\n${largeFile(weight, size)}\nTOML\n`;
  const wanted = (weight: number): string => savedLines(weight, size).toSorted().join("\n");
  await guest.text(`ip netns add large; ip -n large link set lo up; ${write(1)}
setsid ${node} serve --config /run/large.toml --node lb1 >/run/large.log 2>&1 & echo $! >/run/large.pid`);
  await guest.text(`until ${isUp}; do kill -0 $(cat /run/large.pid) || exit; sleep 0.5; done`);
  expect(await saved(host)).toBe(wanted(1));
  await guest.text(`${write(2)}\n${node} reload`);
  expect(await saved(host)).toBe(wanted(2));
  const steps = (await guest.text("grep director: /run/large.log")).trim().split("\n");
  expect(steps.map((line) => line.replace(/^\S+ /, ""))).toEqual([
    "info director: IPVS: 250 services and 4000 servers added",
    expect.stringMatching(/^info director: change server \S+:80 dr weight 2 of tcp \S+:80$/),
  ]);
  await guest.text("kill -TERM $(cat /run/large.pid)");
  await guest.text("while kill -0 $(cat /run/large.pid) 2>/dev/null; do sleep 0.2; done");
  expect(await saved(host)).toBe("");
});

test.each(setups)("$name", async ({ name, table, held: wanted, asked }) => {
  const text = readFileSync(resolve(import.meta.dir, `../support/topologies/${name}.toml`), "utf8");
  await guest.text(`cat >/run/setup.toml <<'TOML'\n${text}\nTOML\n`);
  await load();
  await waitForText("the table", () => saved(), table.toSorted().join("\n"));
  await waitForText("the addresses", held, wanted.toSorted().join("\n"));
  for (const vip of asked) {
    const answers = await guest.text(`ip netns exec client curl -s -m 60 'http://${vip}/?[1-2]'`);
    expect(answers).toMatch(/^(web \S+\.250\n){2}$/);
  }
});

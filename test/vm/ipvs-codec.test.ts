import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { IpvsKey, IpvsServer, IpvsService } from "../../src/kernel/ipvs.ts";
import { Guest } from "./guest.ts";
import type { DriverCall, DriverOutput } from "./ipvs-driver.ts";

/** The codec of src/kernel/ipvs.ts before a real kernel, with ipvsadm as the independent reader and writer. */

setDefaultTimeout(600_000);
const project = resolve(import.meta.dir, "../..");
let guest: Guest;
let directory = "";

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "edge-ha-driver-"));
  const driver = join(directory, "ipvs-driver");
  const bun = [process.execPath, "build", "--compile", "test/vm/ipvs-driver.ts", "--outfile", driver];
  const build = Bun.spawnSync(bun, { cwd: project });
  if (build.exitCode !== 0) throw new Error(build.stderr.toString());
  guest = await Guest.boot({ files: { "ipvs-driver": driver } });
});
afterAll(async () => {
  await guest[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

async function drive(...calls: readonly DriverCall[]): Promise<DriverOutput> {
  const text = await guest.text(`/share/ipvs-driver <<'CALLS'\n${JSON.stringify(calls)}\nCALLS\n`);
  return JSON.parse(text) as DriverOutput;
}

/** The table as `ipvsadm --save` writes it, sorted, for it lists services by hash. */
async function saved(): Promise<string[]> {
  return (await guest.text("ipvsadm --save -n"))
    .split("\n")
    .filter((line) => line !== "")
    .sort();
}

const web: IpvsKey = { family: 4, protocol: 6, address: "10.99.0.101", port: 80 };

function server(address: string, change: Partial<IpvsServer> = {}): IpvsServer {
  return {
    address,
    port: 80,
    forward: "dr",
    tunnel: null,
    weight: 1,
    upperThreshold: 0,
    lowerThreshold: 0,
    activeConnections: 0,
    inactiveConnections: 0,
    persistentConnections: 0,
    ...change,
  };
}

function service(key: IpvsKey, change: Partial<IpvsService> = {}): IpvsService {
  const netmask = key.family === 4 ? 32 : 128;
  return {
    key,
    scheduler: "wrr",
    flags: 0,
    persistenceS: 0,
    netmask,
    persistenceEngine: null,
    servers: [],
    ...change,
  };
}

test("opening the table loads the module when it is not there yet", async () => {
  expect((await guest.run("lsmod | grep -w ip_vs")).exitCode).toBe(1);
  const { version, services } = await drive();
  expect(services).toEqual([]);
  expect(await guest.text("ipvsadm -Ln | head -1")).toStartWith(`IP Virtual Server version ${version} `);
});

test("services and servers of every kind are written as ipvsadm reads them", async () => {
  const v6: IpvsKey = { family: 6, protocol: 6, address: "2001:db8::101", port: 443 };
  const udp: IpvsKey = { family: 4, protocol: 17, address: "10.99.0.101", port: 53 };
  const mark: IpvsKey = { family: 4, mark: 7 };
  const { outcomes } = await drive(
    { call: "addService", service: service(web) },
    { call: "addServer", key: web, server: server("10.99.0.21", { weight: 3 }) },
    { call: "addServer", key: web, server: server("10.99.0.22", { weight: 0 }) },
    { call: "addService", service: service(v6, { scheduler: "rr", persistenceS: 50, netmask: 64 }) },
    { call: "addServer", key: v6, server: server("2001:db8::21", { port: 443 }) },
    { call: "addService", service: service(udp, { flags: 4 }) },
    { call: "addServer", key: udp, server: server("10.99.0.21", { port: 5353, forward: "nat" }) },
    { call: "addService", service: service(mark, { persistenceS: 300, netmask: 24 }) },
    {
      call: "addServer",
      key: mark,
      server: server("10.99.0.23", {
        port: 0,
        forward: "tunnel",
        tunnel: { type: "ipip", port: 0, checksum: "none" },
        upperThreshold: 100,
        lowerThreshold: 50,
      }),
    },
  );
  expect(outcomes.every((outcome) => outcome === "ok")).toBe(true);
  expect(await saved()).toEqual(
    [
      "-A -t 10.99.0.101:80 -s wrr",
      "-a -t 10.99.0.101:80 -r 10.99.0.21:80 -g -w 3",
      "-a -t 10.99.0.101:80 -r 10.99.0.22:80 -g -w 0",
      "-A -t [2001:db8::101]:443 -s rr -p 50 -M 64",
      "-a -t [2001:db8::101]:443 -r [2001:db8::21]:443 -g -w 1",
      "-A -u 10.99.0.101:53 -s wrr -o",
      "-a -u 10.99.0.101:53 -r 10.99.0.21:5353 -m -w 1",
      "-A -f 7 -s wrr -p 300 -M 255.255.255.0",
      "-a -f 7 -r 10.99.0.23:0 -i -w 1 --tun-type ipip",
    ].sort(),
  );
  // What is saved knows no thresholds.
  const thresholds = (await guest.text("ipvsadm -Ln --thresholds")).split("\n").map((line) => line.trim());
  expect(thresholds.find((line) => line.startsWith("-> 10.99.0.23"))).toMatch(/ 100 +50 /);
});

test("what was written is read back the same", async () => {
  const { services } = await drive();
  const byKey = new Map(services.map((entry) => [JSON.stringify(entry.key), entry]));
  expect(byKey.size).toBe(4);
  const first = byKey.get(JSON.stringify(web));
  expect(first).toMatchObject({ scheduler: "wrr", flags: 0, persistenceS: 0, netmask: 32 });
  expect(first?.servers.toSorted((a, b) => a.address.localeCompare(b.address))).toEqual([
    server("10.99.0.21", { weight: 3 }),
    server("10.99.0.22", { weight: 0 }),
  ]);
  expect(services.find(({ key }) => key.family === 6)).toMatchObject({ persistenceS: 50, netmask: 64 });
  expect(services.find(({ key }) => "mark" in key)).toMatchObject({
    key: { family: 4, mark: 7 },
    persistenceS: 300,
    netmask: 24,
    persistenceEngine: null,
    servers: [{ forward: "tunnel", upperThreshold: 100, lowerThreshold: 50 }],
  });
  expect(services.find(({ key }) => "protocol" in key && key.protocol === 17)).toMatchObject({ flags: 4 });
});

test("changes are made in place and removals remove only what they name", async () => {
  const { outcomes } = await drive(
    { call: "setService", service: service(web, { scheduler: "rr", persistenceS: 60 }) },
    { call: "setServer", key: web, server: server("10.99.0.21", { weight: 9 }) },
    { call: "removeServer", key: web, server: server("10.99.0.22") },
    { call: "removeService", key: { family: 4, mark: 7 } },
    { call: "removeService", key: { family: 6, protocol: 6, address: "2001:db8::101", port: 443 } },
    { call: "removeService", key: { family: 4, protocol: 17, address: "10.99.0.101", port: 53 } },
  );
  expect(outcomes).toEqual(["ok", "ok", "ok", "ok", "ok", "ok"]);
  expect(await saved()).toEqual(
    ["-A -t 10.99.0.101:80 -s rr -p 60", "-a -t 10.99.0.101:80 -r 10.99.0.21:80 -g -w 9"].sort(),
  );
});

test("what is there already or not at all is told apart by errno", async () => {
  const missing: IpvsKey = { ...web, port: 81 };
  const { outcomes } = await drive(
    { call: "addService", service: service(web) },
    { call: "addServer", key: web, server: server("10.99.0.21") },
    { call: "setService", service: service(missing) },
    { call: "removeService", key: missing },
    { call: "addServer", key: missing, server: server("10.99.0.21") },
    { call: "setServer", key: web, server: server("10.99.0.77") },
    { call: "removeServer", key: web, server: server("10.99.0.77") },
    { call: "addService", service: service(missing, { scheduler: "none-such" }) },
  );
  expect(outcomes).toEqual(["EEXIST", "EEXIST", "ESRCH", "ESRCH", "ESRCH", "ENOENT", "ENOENT", "ENOENT"]);
});

test("a table that ipvsadm wrote, of more than one datagram, is read whole", async () => {
  const ports = Array.from({ length: 60 }, (_, index) => 1_000 + index);
  const serverLines = ports.flatMap((port) =>
    Array.from({ length: 20 }, (_, number) => {
      return `-a -t 10.99.0.102:${port} -r 10.98.0.${number + 1}:${port} -g -w ${number}`;
    }),
  );
  const rules = [...ports.map((port) => `-A -t 10.99.0.102:${port} -s wrr`), ...serverLines];
  await guest.text(`ipvsadm -C; ipvsadm --restore <<'RULES'\n${rules.join("\n")}\nRULES\n`);
  const { services } = await drive();
  const read = services.flatMap(({ key, scheduler, servers }) => {
    const port = "port" in key ? key.port : 0;
    const lines = servers.map((entry) => {
      return `-a -t 10.99.0.102:${port} -r ${entry.address}:${entry.port} -g -w ${entry.weight}`;
    });
    return lines.concat(`-A -t 10.99.0.102:${port} -s ${scheduler}`);
  });
  expect(read.sort()).toEqual(rules.sort());
});

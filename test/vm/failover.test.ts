import { afterAll, beforeAll, expect, setDefaultTimeout } from "bun:test";
import { resolve } from "node:path";
import type { NodeStatus } from "../../src/ipc/status.ts";
import { Guest } from "./guest.ts";
import { step } from "./step.ts";

/**
 * Two directors on a kernel with IPVS, one of which dies as a whole while downloads go through it: by direct routing, and
 * by translation with the servers' gateway as a virtual address. ipvsadm and sysctl are the independent readers. The
 * tests build on one another, in this order.
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
const lines = 300;

function vip(name: string, address: string, prefer: string): string {
  return `[[vip]]\nname = "${name}"\naddress = "${address}/24"\nprefer = [${prefer}]`;
}

const check = 'check = { type = "tcp", interval = "2s", timeout = "10s", retries = 0 }';
const config = [
  '[cluster]\nname = "failover"\nadvert_interval = "1s"',
  '[[node]]\nname = "lb1"\naddress = { eth0 = "10.99.0.11/24", eth1 = "10.98.0.11/24" }',
  '[[node]]\nname = "lb2"\naddress = { eth0 = "10.99.0.12/24", eth1 = "10.98.0.12/24" }',
  vip("first", first, '"lb1", "lb2"'),
  vip("second", second, '"lb2", "lb1"'),
  vip("outside", outside, '"lb1", "lb2"'),
  vip("gateway", gateway, '"lb1", "lb2"'),
  '[[sync_group]]\nname = "nat"\nvips = ["outside", "gateway"]',
  '[sync_daemon]\ninterface = "eth1"\nttl = 2',
  '[ipvs]\ntcp_fin_timeout = "30s"',
  `[[service]]\nname = "direct"\nvips = ["first", "second"]\nport = 80\nforward = "dr"\nscheduler = "rr"\n${check}`,
  'servers = [{ address = "10.99.0.21" }, { address = "10.99.0.22" }]',
  '[[service]]\nname = "translated"\nvips = ["outside"]\nport = 8080\nforward = "nat"\nscheduler = "rr"',
  `snat = "servers"\n${check}\nservers = [{ address = "10.98.0.21", port = 80 }, { address = "10.98.0.22", port = 80 }]`,
  '[[service]]\nname = "masked"\nvips = ["outside"]\nport = 8081\nforward = "nat"\nsnat = "clients"\n' +
    'servers = [{ address = "10.98.0.21", port = 80 }]',
].join("\n");

/** Settings that the service changes here, and what they are without it. */
const settings = {
  "net.ipv4.vs.expire_nodest_conn": ["0", "1"],
  "net.ipv4.vs.sync_threshold": ["3\t50", "3\t0"],
  "net.ipv4.vs.sync_refresh_period": ["0", "3"],
  "net.ipv4.vs.sloppy_tcp": ["0", "0"],
  "net.ipv4.vs.conntrack": ["0", "1"],
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

/** Begins a download that takes a while. */
function download(place: string): Promise<string> {
  return guest.text(`ip netns exec client curl -sN -m 300 http://${place}/${lines} || true`);
}

/** Tells whether a download has every line, from one server, in order; or how it ended. */
function outcome(text: string): string {
  const found = /^rs[12]/.exec(text)?.[0] ?? "nobody";
  const expected = Array.from({ length: lines }, (_, line) => `${found} 10.99.0.99 ${line}`);
  return text.trimEnd() === expected.join("\n") ? "whole" : `ended with ${JSON.stringify(text.slice(-60))}`;
}

/** Waits until a director knows of an established connection to each of these places. */
async function waitForConnections(name: Balancer, places: readonly string[]): Promise<void> {
  let table = "";
  await guest
    .waitFor(`${name} knows the connections`, async () => {
      table = await on(name, "ipvsadm -Lnc");
      return places.every((place) =>
        table.split("\n").some((line) => line.includes("ESTABLISHED") && line.includes(` ${place} `)),
      );
    })
    .catch((error: unknown) => {
      throw new Error(`connections of ${name}:\n${table}`, { cause: error });
    });
}

const checkPlan = "/share/edge-ha --socket /run/lb1.sock check --plan --node lb1 --config /run/edge-ha.toml";

/**
 * Ends a host as a power failure does: with its kernel's state, and without a word. As a namespace goes, its IPVS goes before
 * its addresses, and what came in between would be answered with a reset.
 */
async function die(name: Balancer): Promise<void> {
  const cut = ["eth0", "eth1"].map((port) => `ip link set ${port}-${name} down`).join("; ");
  await guest.text(`${cut}; ip netns pids ${name} | xargs kill -9; ip netns delete ${name}`);
}

step("both nodes tell of their connections and hear of the other's", async () => {
  const plan = await on("lb1", checkPlan);
  for (const change of [
    "net.ipv4.ip_forward is 1, was 0",
    "IPVS timeout tcp_fin is 30, was 120",
    "masqueraded: 10.98.0.21 through ",
    "sync daemon (master on eth1, id 101) started",
  ])
    expect(plan).toContain(change);
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

step("what is changed is shown, and a plan that is in force would change nothing", async () => {
  const text = await on("lb1", "/share/edge-ha --socket /run/lb1.sock status --json");
  const { footing } = JSON.parse(text) as NodeStatus;
  expect(footing.settings).toContainEqual({ name: "net.ipv4.ip_forward", value: "1", before: "0" });
  const daemon = { interface: "eth1", id: 101, group: "224.0.0.81", port: 8848, ttl: 2, isForeign: false };
  expect(footing.syncDaemons).toEqual([
    { role: "master", ...daemon },
    { role: "backup", ...daemon },
  ]);
  expect(footing.masquerades.length).toBeGreaterThan(0);
  expect(footing.problems).toEqual([]);
  expect(await on("lb1", checkPlan)).not.toContain("beside the table");
});

step("servers reach the outside through the gateway, with an address of its", async () => {
  expect(await on("rs1", "curl -s -m 20 --interface 10.98.0.21 http://10.99.0.99/")).toBe(
    "client 10.99.0.11\n",
  );
});

/** What the server of the service that masks its clients takes for one. */
function maskedClient(): Promise<string> {
  return on("client", `curl -s -m 20 http://${outside}:8081/1`);
}

step("clients of a service that masks them come with an address of its director", async () => {
  expect(await maskedClient()).toBe("rs1 10.98.0.11 0\n");
});

step("downloads go on through the other director when one dies with its kernel", async () => {
  const places = [`${first}:80`, `${outside}:8080`, `${second}:80`];
  const downloads = places.map(download);
  await waitForConnections("lb2", places);
  await die("lb1");
  await waitForHolder("lb2", [first, second, outside, gateway]);
  expect((await Promise.all(downloads)).map(outcome)).toEqual(["whole", "whole", "whole"]);
  expect(await on("rs1", "curl -s -m 20 --interface 10.98.0.21 http://10.99.0.99/")).toBe(
    "client 10.99.0.12\n",
  );
  expect(await maskedClient()).toBe("rs1 10.98.0.12 0\n");
});

step("what somebody takes away is put back", async () => {
  await on("lb2", "ipvsadm --stop-daemon backup");
  await on("lb2", "sysctl -qw net.ipv4.ip_forward=0");
  await waitForDaemons("lb2");
  await guest.waitFor("lb2 forwards again", async () => (await settingsOf("lb2")).join() === during.join());
  expect(await guest.text("grep -cE 'sync daemon .* started' /run/lb2.log")).toBe("3\n");
});

step("downloads go on when their addresses return to a node that came back and heard of them", async () => {
  const places = [`${first}:80`, `${outside}:8080`];
  const open = places.map(download);
  await waitForConnections("lb2", places);
  // Long enough to hear of what is open, also in an emulated machine; only the node that starts now has read it.
  await guest.text(`sed 's/^advert_interval.*/&\\npreempt_delay = "20s"/' -i /run/edge-ha.toml`);
  await guest.text("bash /share/guest/gateway.sh lb1");
  await start("lb1");
  await waitForDaemons("lb1");
  await waitForConnections("lb1", places);
  expect(await holds("lb1")).toEqual([]);
  await waitForHomes();
  expect((await Promise.all(open)).map(outcome)).toEqual(["whole", "whole"]);
});

step("downloads go on in the other direction, too", async () => {
  const other = download(`${second}:80`);
  await waitForConnections("lb1", [`${second}:80`]);
  await die("lb2");
  await waitForHolder("lb1", [first, second, outside, gateway]);
  expect(outcome(await other)).toBe("whole");
});

step("a director that is killed leaves all of it, and the next one takes it over as it is", async () => {
  const told = "grep -cE 'sync daemon|net\\.ipv4|masqueraded' /run/lb1.log";
  const count = await guest.text(told);
  const status = JSON.parse(await on("lb1", "/share/edge-ha --socket /run/lb1.sock status --json")) as {
    processes: readonly { role: string; pid: number }[];
  };
  const { pid } = status.processes.find(({ role }) => role === "director") ?? { pid: 0 };
  await guest.text(`kill -9 ${pid}`);
  await guest.waitFor("there is another director", async () => {
    const pids = await guest.text("pgrep -f '__role director' || true");
    return pids.trim() !== "" && !pids.split("\n").includes(String(pid));
  });
  await waitForDaemons("lb1");
  expect(await settingsOf("lb1")).toEqual(during);
  expect(await guest.text(told)).toBe(count);
});

step("a reload changes the daemons in place", async () => {
  await guest.text("sed 's/^ttl = 2/ttl = 3\\nid = 9/' -i /run/edge-ha.toml");
  await on("lb1", "/share/edge-ha --socket /run/lb1.sock reload");
  expect((await daemons("lb1")).map((line) => /syncid=9, .*ttl=3/.test(line))).toEqual([true, true]);
});

step("a clean stop puts everything back", async () => {
  await guest.text("kill -TERM $(cat /run/lb1.pid)");
  await guest.waitFor("lb1 has ended", async () => {
    return (await guest.run("kill -0 $(cat /run/lb1.pid)")).exitCode !== 0;
  });
  expect(await daemons("lb1")).toEqual([]);
  expect(await settingsOf("lb1")).toEqual(before);
  expect(await on("lb1", "ipvsadm -L --timeout")).toContain("900 120 300");
  expect(await on("lb1", "/share/edge-ha __cleanup 2>&1")).toBe("");
});

step(
  "the clean-up puts back what a service left that was killed, and no daemon of somebody else's",
  async () => {
    await on("lb1", "ipvsadm --start-daemon backup --mcast-interface eth0 --syncid 77");
    await on("lb1", "ipvsadm -A -t 10.99.0.150:80 -s rr");
    await start("lb1");
    await waitForHolder("lb1", [first, second, outside, gateway]);
    await guest.waitFor("lb1 tells", async () => (await daemons("lb1")).length === 2);
    await guest.waitFor("lb1 names what is in its way", async () => {
      return (
        (await guest.run("grep -q 'backup on eth0, id 77) that is not this node' /run/lb1.log")).exitCode ===
        0
      );
    });
    await guest.text("ip netns pids lb1 | xargs kill -9");
    expect(await settingsOf("lb1")).toEqual(during);
    const said = await on("lb1", "/share/edge-ha __cleanup 2>&1");
    expect(said).toContain("net.ipv4.ip_forward is 0 again, after a dead service");
    expect(said).toContain("sync daemon (master on eth1, id 9) stopped, after a dead service");
    expect(await settingsOf("lb1")).toEqual(before);
    expect((await daemons("lb1")).map((line) => line.split(" ")[0])).toEqual(["backup"]);
    expect(said).toContain(`removed service tcp ${first}:80, which a dead service left behind`);
    expect(await on("lb1", "ipvsadm --save -n")).toBe("-A -t 10.99.0.150:80 -s rr\n");
  },
);

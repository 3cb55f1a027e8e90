import { afterAll, beforeAll, expect, setDefaultTimeout } from "bun:test";
import { DrPair, expectedTable, vips } from "./dr-pair.ts";
import { step } from "./step.ts";

/**
 * Direct routing through two active load balancers on a kernel with IPVS, from the configuration file to the answer
 * the client gets, with ipvsadm as the independent reader. The tests build on one another, in this order.
 */

setDefaultTimeout(600_000);
const rs1 = "10.99.0.21";
const rs2 = "10.99.0.22";
const both = expectedTable([rs1, rs2]);
const foreign = ["-A -t 10.99.0.150:80 -s rr", `-a -t 10.99.0.150:80 -r ${rs1}:80 -g -w 5`];
const [first, second] = vips;
let pair: DrPair;

beforeAll(async () => {
  pair = await DrPair.boot();
});
afterAll(() => pair[Symbol.asyncDispose]());

/** Steps of the table that a node has logged. */
async function steps(name: "lb1" | "lb2"): Promise<readonly string[]> {
  const lines = (await pair.log(name)).split("\n");
  return lines.filter((line) => /director: (add|change|remove) (service|server) /.test(line));
}

step("web servers carry the VIPs once `edge-ha rs start` has run", async () => {
  for (const host of ["rs1", "rs2"] as const) {
    const rs = `/share/edge-ha rs start --vip ${first} --vip ${second} --state /run/${host}.json`;
    await pair.guest.text(`ip netns exec ${host} ${rs}`);
    await pair.startWeb(host);
    const lo = await pair.guest.text(`ip -n ${host} -4 -o address show dev lo`);
    for (const vip of vips) expect(lo).toContain(` ${vip}/32 `);
  }
});

step("both balancers enter both services, and each holds its own VIP", async () => {
  await pair.guest.text(
    `ip netns exec lb1 bash -c 'ipvsadm -A -t 10.99.0.150:80 -s rr; ipvsadm -a -t 10.99.0.150:80 -r ${rs1} -g -w 5'`,
  );
  await pair.startBalancer("lb1");
  await pair.startBalancer("lb2");
  await pair.waitForTable("lb1", expectedTable([rs1, rs2], foreign));
  await pair.waitForTable("lb2", both);
  await pair.waitForHomes();
});

step("the client reaches both web servers through either VIP, which see its own address", async () => {
  for (const vip of vips) {
    const answers = await pair.ask(vip, 6);
    expect(answers.filter((answer) => answer === "rs1 10.99.0.99")).toHaveLength(3);
    expect(answers.filter((answer) => answer === "rs2 10.99.0.99")).toHaveLength(3);
  }
  await pair.waitForCount("lb1", first, 6);
  await pair.waitForCount("lb2", second, 6);
});

step("`status` shows the table as ipvsadm does", async () => {
  const services = (await pair.status("lb1")).services.filter(({ isForeign }) => !isForeign);
  expect(services.map(({ name, address, usesSorry }) => ({ name, address, usesSorry }))).toEqual([
    { name: "web", address: first, usesSorry: false },
    { name: "web", address: second, usesSorry: false },
  ]);
  expect(services[0]?.servers.map(({ address, weight, isUp }) => `${address} ${weight} ${isUp}`)).toEqual([
    `${rs1} 1 true`,
    `${rs2} 1 true`,
  ]);
});

step("a reload without a change sends no change: counters survive", async () => {
  const before = { counts: await pair.connectionCounts("lb1"), steps: await steps("lb1") };
  expect(before.steps.length).toBeGreaterThan(0);
  expect((await pair.command("lb1", "reload")).exitCode).toBe(0);
  expect(await pair.connectionCounts("lb1")).toEqual(before.counts);
  expect(await steps("lb1")).toEqual(before.steps);
});

step(
  "a server is drained under load without a failed connection, stays out over a reload, and comes back",
  async () => {
    const end = await pair.startClient(first);
    const drain = await pair.command("lb1", `drain web/${rs1}`);
    expect(drain.stdout).toContain(`web/${rs1}: gets no new connections\n`);
    expect(drain.stdout).toEndWith("no connection is left\n");
    await pair.waitForTable("lb1", expectedTable([rs2], foreign));
    expect((await pair.command("lb1", "reload")).exitCode).toBe(0);
    expect((await pair.status("lb1")).services[0]?.servers.map(({ drain: state }) => state)).toEqual([
      "drained",
      null,
    ]);
    expect(await pair.ask(first, 3)).toEqual(Array(3).fill("rs2 10.99.0.99"));
    expect((await pair.command("lb1", `enable web/${rs1}`)).exitCode).toBe(0);
    await pair.waitForTable("lb1", expectedTable([rs1, rs2], foreign));
    expect(await end()).toContain(" failures 0 ");
  },
);

step("a server that dies leaves both tables and no client meets it afterwards", async () => {
  await pair.killWeb("rs1");
  await Promise.all([
    pair.waitForTable("lb1", expectedTable([rs2], foreign)),
    pair.waitForTable("lb2", expectedTable([rs2])),
  ]);
  for (const vip of vips) expect(await pair.ask(vip, 4)).toEqual(Array(4).fill("rs2 10.99.0.99"));
});

step(
  "a director that is killed under load leaves the table, the next one adopts it as it is, and no client notices",
  async () => {
    const table = await pair.table("lb1");
    const before = { counts: await pair.connectionCounts("lb1"), steps: await steps("lb1") };
    const pidOf = async (): Promise<number> =>
      (await pair.status("lb1")).processes.find(({ role }) => role === "director")?.pid ?? 0;
    const killed = await pidOf();
    const end = await pair.startClient(first);
    await pair.guest.text(`kill -9 ${killed}`);
    expect(await pair.table("lb1")).toEqual(table);
    await pair.guest.waitFor("a new director has checked the servers", async () => {
      const { processes, probes } = await pair.status("lb1");
      const pid = processes.find(({ role }) => role === "director")?.pid ?? 0;
      return (
        pid !== 0 && pid !== killed && probes.every(({ lastResult }) => lastResult !== "not checked yet")
      );
    });
    expect(await pair.table("lb1")).toEqual(table);
    expect(await end()).toMatch(/^answers rs2 failures 0 /);
    const counts = await pair.connectionCounts("lb1");
    for (const [entry, count] of Object.entries(before.counts))
      expect(counts[entry]).toBeGreaterThanOrEqual(count);
    expect(await steps("lb1")).toEqual(before.steps);
  },
);

step("the sorry server answers while all servers are dead", async () => {
  await pair.startWeb("lb1", "sorry");
  await pair.startWeb("lb2", "sorry");
  await pair.killWeb("rs2");
  await Promise.all([
    pair.waitForTable("lb1", expectedTable(["127.0.0.1"], foreign)),
    pair.waitForTable("lb2", expectedTable(["127.0.0.1"])),
  ]);
  for (const vip of vips) expect(await pair.ask(vip, 2)).toEqual(Array(2).fill("sorry 10.99.0.99"));
  expect((await pair.status("lb1")).services.map(({ usesSorry }) => usesSorry)).toEqual([true, true, false]);
});

step("servers that come back replace the sorry server", async () => {
  await pair.startWeb("rs1");
  await pair.startWeb("rs2");
  await Promise.all([
    pair.waitForTable("lb1", expectedTable([rs1, rs2], foreign)),
    pair.waitForTable("lb2", both),
  ]);
});

step("what someone changes by hand is put right, what he adds besides stays", async () => {
  const byHand = [
    `ipvsadm -d -t ${first}:80 -r ${rs1}:80`,
    `ipvsadm -e -t ${first}:80 -r ${rs2}:80 -g -w 7`,
    `ipvsadm -D -t ${second}:80`,
  ];
  await pair.guest.text(`ip netns exec lb1 bash -ec '${byHand.join("; ")}'`);
  await pair.waitForTable("lb1", expectedTable([rs1, rs2], foreign));
});

step("connections go on through the other balancer when one loses its link", async () => {
  const end = await pair.startClient(first);
  await pair.guest.text("ip link set port-lb1 down");
  await pair.guest.waitFor("lb2 holds both VIPs", async () => {
    return (await pair.holds("lb2", first)) && pair.holds("lb2", second);
  });
  await pair.guest.waitFor("lb2 has counted connections", async () => {
    return ((await pair.connectionCounts("lb2"))[`${first}:80`] ?? 0) > 0;
  });
  expect(await end()).toStartWith("answers rs1 rs2 ");
  expect(await pair.ask(first, 2)).toHaveLength(2);
  await pair.guest.text("ip link set port-lb1 up");
  await pair.waitForHomes();
  expect(await pair.ask(first, 2)).toHaveLength(2);
});

step(
  "a clean stop removes what is its own, leaves what is not, and traffic goes on through the other",
  async () => {
    await pair.guest.text("kill -TERM $(cat /run/lb1.pid)");
    await pair.guest.waitFor("lb1 has ended", async () => {
      return (await pair.guest.run("kill -0 $(cat /run/lb1.pid)")).exitCode !== 0;
    });
    expect(await pair.table("lb1")).toEqual([...foreign].sort());
    await pair.guest.waitFor("lb2 holds both VIPs", async () => {
      return (await pair.holds("lb2", first)) && pair.holds("lb2", second);
    });
    expect((await pair.ask(first, 4)).filter((answer) => answer.startsWith("rs1"))).toHaveLength(2);
  },
);

step("a node that was stopped comes back with an empty journal and a full table", async () => {
  await pair.startBalancer("lb1");
  await pair.waitForTable("lb1", expectedTable([rs1, rs2], foreign));
  await pair.waitForHomes();
});

step("a start that is refused leaves what a killed run had in the table, and says so", async () => {
  const before = await pair.table("lb1");
  // The guest's kernel has no scheduler twos; the first service, which is all right, would be changed before that is found.
  await pair.guest.text(`kill -9 $(cat /run/lb1.pid)
sed 's/scheduler = "wrr"/scheduler = "rr"/; s/name = "web"/name = "other"/' /run/edge-ha.toml >/run/refused.toml
cat >>/run/refused.toml <<'TOML'
[[service]]
name = "refused"
addresses = ["10.99.0.109"]
port = 80
forward = "dr"
scheduler = "twos"
servers = [{ address = "10.99.0.21" }]
TOML`);
  const serve = "/share/edge-ha --socket /run/lb1.sock serve --config /run/refused.toml --node lb1";
  const { exitCode, stdout, stderr } = await pair.guest.run(`ip netns exec lb1 ${serve}`);
  expect([exitCode, stdout]).toEqual([1, ""]);
  expect(stderr).toContain("ip_vs_twos");
  expect(stderr).toContain("2 services of an earlier run stay in the kernel's table");
  expect(await pair.table("lb1")).toEqual(before);
  const status = await pair.command("lb1", "status");
  expect(status.stderr).toContain("2 services of an earlier run may still be in the kernel's table");
});

step("`edge-ha rs stop` takes the VIPs off the web servers", async () => {
  for (const host of ["rs1", "rs2"] as const) {
    const rs = `/share/edge-ha rs stop --vip ${first} --vip ${second} --state /run/${host}.json`;
    await pair.guest.text(`ip netns exec ${host} ${rs}`);
    expect(await pair.guest.text(`ip -n ${host} -4 -o address show dev lo`)).not.toContain("10.99.0.10");
  }
});

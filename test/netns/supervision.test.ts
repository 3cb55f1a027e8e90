import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import type { NodeStatus } from "../../src/ipc/status.ts";
import { pairFile, siteTables, vips } from "../support/cluster-file.ts";
import { executable, instanceOf, rolePids, startEdgeHa, type EdgeHa } from "../support/edge-ha.ts";
import { signalQuietly } from "../support/lab-host.ts";
import { waitFor, type Host } from "../support/lab.ts";
import { startNginx } from "../support/nginx.ts";
import { createPair, type Pair } from "../support/pair.ts";
import { failureCount, startHttpProbe } from "../support/probe.ts";

setDefaultTimeout(60_000);

const role = { vrrp: "vrrp", director: "director", proxy: "proxy" } as const;

/** A slow pace leaves the backup patient while a process is restarted on a busy machine. */
async function startPair(pair: Pair, advertInterval = "300ms"): Promise<[EdgeHa, EdgeHa]> {
  for (const web of [pair.web1, pair.web2]) await startNginx(web);
  const start = (host: Host): Promise<EdgeHa> => {
    // Two proxies, however many processors there are.
    const tables = `${siteTables(join(host.directory, "access.log"))}\n[proxy]\nworkers = 2\n`;
    return startEdgeHa(host, { config: pairFile({ advertInterval, tables }), node: host.name });
  };
  const nodes: [EdgeHa, EdgeHa] = [await start(pair.lb1), await start(pair.lb2)];
  await waitFor("lb1 holds its address", () => pair.lb1.holds(vips.first));
  await waitFor("lb2 holds its address", () => pair.lb2.holds(vips.second));
  await waitFor("lb1 has let lb2's go", async () => !(await pair.lb1.holds(vips.second)));
  await waitFor("lb2 has let lb1's go", async () => !(await pair.lb2.holds(vips.first)));
  return nodes;
}

/** Kills a role's only process and waits until another one has taken its place. */
async function killAndWait(host: Host, name: "vrrp" | "director"): Promise<void> {
  const [before] = await rolePids(host, name);
  expect(before).toBeDefined();
  signalQuietly(before ?? 0, "SIGKILL");
  await waitFor(`a new ${name} runs`, async () => {
    const [now] = await rolePids(host, name);
    return now !== undefined && now !== before;
  });
}

describe("a node whose process is killed", () => {
  test("keeps its address in place when vrrp dies once", async () => {
    await using pair = await createPair();
    const [first] = await startPair(pair, "1s");
    const here = pair.lb1.spawn(["ip", "monitor", "address"]);
    const there = pair.lb2.spawn(["ip", "monitor", "address"]);
    await killAndWait(pair.lb1, role.vrrp);
    await waitFor("the new process is active", async () => {
      const { processes, instances } = await first.status();
      const isRestarted = processes.some((each) => each.role === "vrrp" && each.restarts === 1);
      return isRestarted && instances.find(({ name }) => name === "first")?.state === "active";
    });
    // Longer than an election of the other node takes.
    await Bun.sleep(4 * 1_000);
    expect(here.output()).not.toContain("Deleted");
    expect(there.output()).not.toContain("Deleted");
    expect(there.output()).not.toContain(`${vips.first}/`);
    expect((await instanceOf(first, "first")).state).toBe("active");
    expect((await instanceOf(first, "second")).state).toBe("backup");
  });

  test("goes on answering when the director dies, and checks servers again", async () => {
    await using pair = await createPair();
    const [first] = await startPair(pair);
    const probe = await startHttpProbe(pair.client, { address: vips.first });
    await killAndWait(pair.lb1, role.director);
    await pair.web2.cutLink("eth0");
    await waitFor("the new director finds the dead server", async () => {
      const { probes } = await first.status();
      return probes.some(({ target, isUp }) => target.address === "192.0.2.22" && !isUp);
    });
    await pair.web2.restoreLink("eth0");
    await waitFor("and finds it alive again", async () =>
      (await first.status()).probes.every(({ isUp }) => isUp),
    );
    const report = await probe.stop();
    expect(report.answersBy["web1"]).toBeGreaterThan(0);
  });

  test("goes on answering new connections when each proxy dies in turn", async () => {
    await using pair = await createPair();
    const [first] = await startPair(pair);
    const probe = await startHttpProbe(pair.client, { address: vips.first, timeoutMs: 5_000 });
    const proxies = await rolePids(pair.lb1, role.proxy);
    expect(proxies.length).toBeGreaterThan(1);
    for (const pid of proxies) {
      signalQuietly(pid, "SIGKILL");
      await waitFor("a new proxy has taken its place", async () => {
        const { processes } = await first.status();
        const running = processes.filter((each) => each.role.startsWith("proxy"));
        return running.every((each) => each.pid !== pid && each.pid > 0);
      });
      await Bun.sleep(300);
    }
    const report = await probe.stop();
    // Only what was open in the killed process may be lost: at a request every 5 ms that is a handful.
    expect(failureCount(report)).toBeLessThan(report.requests / 10);
    expect(Object.keys(report.failures)).not.toContain("503");
    expect((await instanceOf(first, "first")).state).toBe("active");
  });

  test("gives its address away while every proxy is dead, and takes it back when they live", async () => {
    await using pair = await createPair();
    const [first] = await startPair(pair, "100ms");
    const over = new AbortController();
    const killing = (async (): Promise<void> => {
      while (!over.signal.aborted) {
        for (const pid of await rolePids(pair.lb1, role.proxy)) signalQuietly(pid, "SIGKILL");
        await Bun.sleep(20);
      }
    })();
    await waitFor("lb2 holds both", () => pair.lb2.holds(vips.first), 30_000);
    const instance = await instanceOf(first, "first");
    expect(instance.state).not.toBe("active");
    expect(`${instance.reason} ${instance.claims.join(" ")}`).toContain("prox");
    over.abort();
    await killing;
    await waitFor("lb1 holds its address again", () => pair.lb1.holds(vips.first), 40_000);
  });
});

test("a node keeps its address when nobody reads its log any more", async () => {
  await using pair = await createPair();
  const { lb1 } = pair;
  const config = join(lb1.directory, "unread.toml");
  const socket = join(lb1.directory, "unread.sock");
  await Bun.write(config, pairFile());
  const serve = `"${executable}" --socket "${socket}" serve --config "${config}" --node lb1`;
  // The reader leaves after the first line; what is logged from then on breaks the pipe.
  lb1.spawn(["sh", "-c", `{ ${serve} 2>&1; } | head -n 1 & wait`]);
  await waitFor("lb1 holds its address", () => lb1.holds(vips.first));
  for (const wish of ["reload", "reload", "status"]) {
    expect((await lb1.run([executable, "--socket", socket, wish])).exitCode).toBe(0);
  }
  const { stdout } = await lb1.run([executable, "--socket", socket, "status", "--json"]);
  const { processes } = JSON.parse(stdout) as NodeStatus;
  expect(processes.map(({ restarts }) => restarts)).toEqual(processes.map(() => 0));
  expect(await lb1.holds(vips.first)).toBe(true);
});

describe("a tracked script", () => {
  test("moves the address when it fails, says so in the status, and gives it back when it succeeds", async () => {
    await using pair = await createPair();
    const { lb1, lb2 } = pair;
    const script = join(pair.lab.directory, "check");
    const verdict = join(pair.lab.directory, "lb1-is-unfit");
    await Bun.write(script, `#!/bin/sh\n[ "$1" != lb1 ] || [ ! -e ${verdict} ]\n`);
    await chmod(script, 0o755);
    const start = (host: Host): Promise<EdgeHa> => {
      const tables = `[[track]]
name = "uplink"
script = "${script} ${host.name}"
interval = "100ms"
fall = 2
rise = 2
weight = 0
`;
      return startEdgeHa(host, { config: pairFile({ tables }), node: host.name });
    };
    const first = await start(lb1);
    await start(lb2);
    await waitFor("lb1 holds its address", () => lb1.holds(vips.first));
    await waitFor("lb2 holds its own", () => lb2.holds(vips.second));
    await Bun.write(verdict, "");
    await waitFor(
      "lb2 holds both",
      async () => (await lb2.holds(vips.first)) && !(await lb1.holds(vips.first)),
    );
    const instance = await instanceOf(first, "first");
    expect(`${instance.reason} ${instance.claims.join(" ")}`).toContain("uplink");
    await lb1.run(["rm", verdict]);
    await waitFor("lb1 holds its address again", () => lb1.holds(vips.first));
  });

  test("moves the address when its weight makes the other node the better one", async () => {
    await using pair = await createPair();
    const { lb1, lb2 } = pair;
    const verdict = join(pair.lab.directory, "is-unfit");
    const config = `${pairFile()}
[[vrrp]]
name = "third"
interface = "eth0"
vrid = 60
priority = { lb1 = 150, lb2 = 145 }
addresses = ["192.0.2.102/24"]
track = ["load"]

[[track]]
name = "load"
script = ["test", "!", "-e", "${verdict}-HOST"]
interval = "100ms"
weight = -10
`;
    const start = (host: Host): Promise<EdgeHa> =>
      startEdgeHa(host, { config: config.replace("-HOST", `-${host.name}`), node: host.name });
    const first = await start(lb1);
    await start(lb2);
    await waitFor(
      "lb1 alone holds it",
      async () => (await lb1.holds("192.0.2.102")) && !(await lb2.holds("192.0.2.102")),
    );
    await Bun.write(`${verdict}-lb1`, "");
    await waitFor(
      "lb2 alone holds it",
      async () => (await lb2.holds("192.0.2.102")) && !(await lb1.holds("192.0.2.102")),
    );
    const instance = await instanceOf(first, "third");
    expect(instance.priority).toBe(140);
    expect(instance.basePriority).toBe(150);
    expect(instance.claims.join(" ")).toContain("load");
  });
});

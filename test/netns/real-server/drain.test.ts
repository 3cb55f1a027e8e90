import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startEdgeHa } from "../../support/edge-ha.ts";
import { type Host, Lab, waitFor } from "../../support/lab.ts";
import { RealServer } from "./rs.ts";

const vip = "192.0.2.100";

type Counts = Readonly<Record<string, number>>;

const config = `
[cluster]
name = "shop"
advert_interval = "100ms"
[[node]]
name = "lb1"
address = { eth0 = "192.0.2.10" }
[[vip]]
name = "public"
address = "${vip}/24"
interface = "eth0"
vrid = 51
prefer = ["lb1"]
[[service]]
name = "web"
vips = ["public"]
port = 80
forward = "proxy"
scheduler = "wrr"
check = { type = "agent", port = 8081, interval = "200ms", timeout = "1s", retries = 0 }
servers = [{ address = "192.0.2.8" }, { address = "192.0.2.9" }]
[real_server]
agent = { address = ":8081" }
[proxy]
workers = 1
user = "root"
`;

/** Requests on a connection each until a file appears; another tells by then how often who answered, as JSON; `failed` are the others. */
const client = `import collections, http.client, json, os, sys
count = collections.Counter()
end, told = sys.argv[1:]
while not os.path.exists(end):
    try:
        c = http.client.HTTPConnection("${vip}", 80, timeout=5)
        c.request("GET", "/name")
        count[c.getresponse().read().decode()] += 1
        c.close()
    except Exception as e:
        count["failed"] += 1
        print(repr(e), file=sys.stderr)
    with open(told + ".new", "w") as file: json.dump(count, file)
    os.rename(told + ".new", told)`;

/** Asks the VIP eight times, one after the other, and gives who answered. */
async function askers(host: Host): Promise<ReadonlySet<string>> {
  const curl = ["curl", "-s", "-m", "5", "--noproxy", "*", `http://${vip}/name?[1-8]`];
  const { stdout } = await host.run(curl);
  return new Set(stdout.match(/web[12]/g));
}

async function webServer(lab: Lab, name: string, address: string): Promise<RealServer> {
  const host = await lab.host(name, { eth0: { bridge: "lan", address: `${address}/24` } });
  writeFileSync(join(host.directory, "name"), name);
  host.spawn(["python3", "-m", "http.server", "80", "--bind", address, "--directory", host.directory]);
  const path = join(host.directory, "edge-ha.toml");
  writeFileSync(path, config);
  const server = new RealServer(host);
  // The relay comes to the server's own address: the VIP on lo is what direct routing would need.
  const child = host.spawn(server.command("serve", "--config", path, "--vip", vip, "--agent", ":8081"));
  await waitFor(`${name} serves`, () => child.output().includes("rs: serving "));
  return server;
}

test("a web server drains itself under load without one failed request, and comes back", async () => {
  await using lab = await Lab.create();
  await lab.bridge("lan");
  const web1 = await webServer(lab, "web1", "192.0.2.8");
  await webServer(lab, "web2", "192.0.2.9");
  const lb1 = await lab.host("lb1", { eth0: { bridge: "lan", address: "192.0.2.10/24" } });
  const user = await lab.host("user", { eth0: { bridge: "lan", address: "192.0.2.50/24" } });
  await startEdgeHa(lb1, { config, node: "lb1" });
  await waitFor("both serve", async () => (await askers(user)).size === 2);

  const [end, told] = [join(user.directory, "end"), join(user.directory, "told")];
  const load = user.run(["python3", "-c", client, end, told], { timeoutMs: 60_000 });
  const counts = (): Counts => (existsSync(told) ? (JSON.parse(readFileSync(told, "utf8")) as Counts) : {});
  const answered = (name: string): number => counts()[name] ?? 0;
  await waitFor("both to answer the load", () => answered("web1") > 0 && answered("web2") > 0);
  const drained = await web1.host.run(web1.command("drain"));
  expect(drained.stdout).toContain("out of service (drain)");
  await waitFor("web2 serves alone", async () => !(await askers(user)).has("web1"));
  expect(await askers(user)).toEqual(new Set(["web2"]));
  expect((await web1.host.run(web1.command("drain", "--undo"))).exitCode).toBe(0);
  await waitFor("both serve again", async () => (await askers(user)).size === 2);
  const before = answered("web1");
  await waitFor("web1 to answer the load again", () => answered("web1") > before);
  writeFileSync(end, "");
  const { exitCode, stderr } = await load;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(counts()["failed"]).toBeUndefined();
  // That one ends what is open, too.
  expect((await web1.host.run(web1.command("drain", "--maint"))).exitCode).toBe(0);
  await waitFor("web2 serves alone again", async () => !(await askers(user)).has("web1"));
}, 90_000);

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { NameStatus } from "../../../src/ipc/status.ts";
import { nodesFile } from "../../support/cluster-file.ts";
import { rolePids, startEdgeHa, type EdgeHa } from "../../support/edge-ha.ts";
import { type Child, type Host, Lab, waitFor } from "../../support/lab.ts";
import { endLoad } from "../../support/load.ts";

/** Servers that go by a name: dnsmasq says where they are, and says something else while requests are on their way. */

setDefaultTimeout(60_000);

const webPort = 8080;
const nameServer = "127.0.0.53:5353";

/** Web servers on several addresses of one host; each answer names the address, and `/slow` takes its time. */
const webScript = `
for (const port of [${webPort}, ${webPort + 1}])
  for (const last of [11, 12, 13, 14]) {
    const hostname = "127.0.0." + last;
    Bun.serve({ hostname, port, async fetch(request) {
      const path = new URL(request.url).pathname;
      if (path === "/slow") {
        console.log("slow at " + hostname);
        await Bun.sleep(1500);
      }
      return new Response(hostname + ":" + port);
    } });
  }
console.log("ready");
`;

const file = (more = ""): string => `${nodesFile()}
[proxy]
workers = 2
[[listener]]
name = "http"
address = "127.0.0.1:80"
[[upstream]]
name = "apps"
servers = [{ address = "app.example:${webPort}" }]
check = { type = "tcp", interval = "200ms", timeout = "5s" }
resolve = { resolvers = ["${nameServer}"], timeout = "1s", min_ttl = "200ms", max_ttl = "500ms" }
[[upstream]]
name = "service"
servers = [{ address = "_http._tcp.app.example" }]
resolve = { resolvers = ["${nameServer}"], timeout = "1s", min_ttl = "200ms", max_ttl = "500ms" }
[[site]]
hosts = ["*"]
listeners = ["http"]
[[site.route]]
path = "/"
upstream = "apps"
[[site.route]]
path = "/service"
upstream = "service"
${more}`;

let lab: Lab;
let host: Host;
let node: EdgeHa;
let web: Child;
let dns: Child | null = null;

beforeAll(async () => {
  lab = await Lab.create();
  await lab.bridge("lan");
  host = await lab.host("lb1", { eth0: { bridge: "lan", address: "192.0.2.11/24" } });
  web = host.spawn([process.execPath, "-e", webScript]);
  await waitFor("the web servers listen", () => web.output().includes("ready"));
  node = await startEdgeHa(host, {
    config: file(),
    node: "lb1",
    env: { EDGE_HA_STATE_DIRECTORY: host.directory },
  });
});
afterAll(() => lab[Symbol.asyncDispose]());

/** Has the name server say this from now on; it is another one each time, so in between there is none. */
async function zone(...records: readonly string[]): Promise<void> {
  await noZone();
  const [address, port] = nameServer.split(":");
  const quiet = ["--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file"];
  const place = [`--port=${port}`, `--listen-address=${address}`, "--bind-interfaces", "--local-ttl=1"];
  dns = host.spawn(["dnsmasq", ...quiet, "--user=root", ...place, "--local=/example/", ...records]);
  await waitFor("the name server listens", async () =>
    (await host.run(["ss", "-Hlun"])).stdout.includes(nameServer),
  );
}

async function noZone(): Promise<void> {
  dns?.kill("SIGKILL");
  await dns?.exited;
  dns = null;
}

async function named(name: string): Promise<NameStatus> {
  const found = (await node.status()).names.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no ${name} in the status`);
  return found;
}

/** Gives status and body of an answer. */
async function ask(path = "/"): Promise<string> {
  const { stdout } = await host.run(["curl", "-s", "-w", " %{http_code}", `http://127.0.0.1${path}`]);
  return stdout;
}

/** Starts requests over so many connections, until they are told to end. */
function startLoad(connections: number): Child {
  const words = ["-t1", `-c${connections}`, "-d60s", "--timeout", "5s"];
  return host.spawn(["wrk", ...words, "http://127.0.0.1/"]);
}

/** Waits until so many requests in a row are answered by these servers, each by one of them and all of them by one. */
async function servedBy(path: string, ...servers: readonly string[]): Promise<void> {
  const wanted = servers.map((server) => `${server} 200`).join();
  await waitFor(`${path} is answered by ${wanted}`, async () => {
    const answers = new Set<string>();
    for (let turn = 0; turn < 8; turn++) answers.add(await ask(path));
    return [...answers].toSorted((one, other) => one.localeCompare(other)).join() === wanted;
  });
}

/** A SRV record of the service. */
const srv = (target: string, port: number, priority: number, weight: number): string =>
  `--srv-host=_http._tcp.app.example,${target},${port},${priority},${weight}`;

describe("an upstream whose servers go by a name", () => {
  test("does not keep the node from starting: without a name server it answers 503, and says why", async () => {
    expect(await ask()).toContain(" 503");
    await waitFor("the lookup has failed", async () => (await named("app.example")).complaint !== null);
    expect(await named("app.example")).toMatchObject({ isKnown: false, servers: [], ttlS: null });
    await zone("--host-record=app.example,127.0.0.11");
    await servedBy("/", "127.0.0.11:8080");
    expect(await named("app.example")).toMatchObject({
      isKnown: true,
      servers: ["127.0.0.11"],
      complaint: null,
    });
    const shown = (await node.command("status")).stdout;
    expect(shown).toMatch(/app\.example +apps +127\.0\.0\.11 .*found/);
  });

  test("loses no request while they come and go, and finishes those on their way", async () => {
    const load = startLoad(8);
    const slow = ask("/slow");
    await waitFor("it is on its way", () => web.output().includes("slow at 127.0.0.11"));
    await zone("--host-record=app.example,127.0.0.11", "--host-record=app.example,127.0.0.12");
    await waitFor("there are two", async () => (await named("app.example")).servers.length === 2);
    await zone("--host-record=other.example,127.0.0.12", "--cname=app.example,other.example");
    await waitFor("there is one", async () => (await named("app.example")).servers.join() === "127.0.0.12");
    await zone("--host-record=app.example,127.0.0.13", "--host-record=app.example,127.0.0.14,::1");
    await waitFor("there are three", async () => (await named("app.example")).servers.length === 3);
    expect(await slow).toBe("127.0.0.11:8080 200");
    const { badStatuses, errors, requests } = await endLoad(load);
    expect({ badStatuses, errors }).toEqual({ badStatuses: 0, errors: 0 });
    expect(requests).toBeGreaterThan(100);
    // Nobody listens at ::1, which its check finds out before anybody is sent there.
    await servedBy("/", "127.0.0.13:8080", "127.0.0.14:8080");
    const apps = (await node.status()).proxied.find(({ name }) => name === "apps");
    expect(apps?.servers.map(({ address, isUp }) => `${address} ${isUp}`)).toEqual([
      "127.0.0.13 true",
      "127.0.0.14 true",
      "::1 false",
    ]);
  });

  test("keeps them while nobody answers, or says that there are none; also when the director is another one", async () => {
    await zone("--host-record=app.example,127.0.0.11");
    await servedBy("/", "127.0.0.11:8080");
    await noZone();
    await waitFor(
      "the status says so",
      async () => (await named("app.example")).complaint?.includes(nameServer) === true,
    );
    expect(await named("app.example")).toMatchObject({ isKnown: true, servers: ["127.0.0.11"] });
    const load = startLoad(4);
    const [director] = await rolePids(host, "director");
    await host.run(["kill", "-9", String(director)]);
    await waitFor("there is another director", async () => {
      const [other] = await rolePids(host, "director");
      return other !== undefined && other !== director && (await named("app.example")).complaint !== null;
    });
    const { badStatuses, errors } = await endLoad(load);
    expect({ badStatuses, errors }).toEqual({ badStatuses: 0, errors: 0 });
    await zone();
    await waitFor(
      "there is no such name",
      async () => (await named("app.example")).complaint === "there is no such name",
    );
    expect(await ask()).toBe("127.0.0.11:8080 200");
  });

  test("has those of another name after a reload at once, and asks for the old one no more", async () => {
    await zone("--host-record=app.example,127.0.0.11", "--host-record=new.example,127.0.0.12");
    const load = startLoad(4);
    expect((await node.reload(file().replace('"app.example:', '"new.example:'))).exitCode).toBe(0);
    await servedBy("/", "127.0.0.12:8080");
    expect((await node.status()).names.map(({ name }) => name)).toEqual([
      "new.example",
      "_http._tcp.app.example",
    ]);
    const { badStatuses, errors } = await endLoad(load);
    expect({ badStatuses, errors }).toEqual({ badStatuses: 0, errors: 0 });
    expect((await node.reload(file())).exitCode).toBe(0);
  });

  test("may be a service, whose records say ports, weights and who stands in", async () => {
    const hosts = ["--host-record=a.example,127.0.0.11", "--host-record=b.example,127.0.0.12"];
    await zone(
      ...hosts,
      srv("a.example", 8080, 10, 3),
      srv("a.example", 8081, 10, 1),
      srv("b.example", 8080, 20, 1),
    );
    await servedBy("/service", "127.0.0.11:8080", "127.0.0.11:8081");
    const service = (await node.status()).proxied.find(({ name }) => name === "service");
    expect(service?.servers.map(({ port, weight }) => `${port} ${weight}`)).toEqual([
      "8080 3",
      "8081 1",
      "8080 1",
    ]);
    expect((await node.command("drain", "service/127.0.0.11")).exitCode).toBe(0);
    await servedBy("/service", "127.0.0.12:8080");
    expect((await node.command("enable", "service/127.0.0.11")).exitCode).toBe(0);
  });
});

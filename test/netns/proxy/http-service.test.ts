import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DiskStatus } from "../../../src/ipc/disk-note.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { nodesFile } from "../../support/cluster-file.ts";
import { startEdgeHa, type EdgeHa } from "../../support/edge-ha.ts";
import { type Host, Lab, waitFor } from "../../support/lab.ts";

/** Sites of a whole node with two proxy processes: what one of them finds out, the other is told. */

setDefaultTimeout(60_000);

/** Answers with a number that grows, which a shared cache may keep; on the other port with 503. */
const goodPort = 8080;
const badPort = 8081;

const serverScript = `
import threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
counts = {}
most = {}
lock = threading.Lock()
def at_once(path):
    with lock:
        counts[path] = counts.get(path, 0) + 1
        most[path] = max(most.get(path, 0), counts[path])
    time.sleep(0.02)
    with lock: counts[path] -= 1
class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def answer(self):
        kind = f'{self.server.server_port} {self.command} {self.path}'
        if self.path == '/held' and self.command == 'POST': self.rfile.read(10)
        counts[kind] = counts.get(kind, 0) + 1
        if self.path.startswith('/few'): at_once(self.path)
        body = str(most[self.path] if self.path in most else counts.get(self.headers.get('X-Count') or kind, 0)).encode()
        if self.path.startswith('/disk'): body = body.ljust(20000)
        self.send_response(200 if self.server.server_port == ${goodPort} or self.path == '/count' else 503)
        self.send_header('Content-Length', str(len(body)))
        self.send_header('Cache-Control', 'no-store' if self.path == '/count' else 'max-age=600')
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = answer
    def log_message(self, *rest): pass
servers = [ThreadingHTTPServer(('', port), Handler) for port in (${goodPort}, ${badPort})]
print('ready', flush=True)
for server in servers: threading.Thread(target=server.serve_forever).start()
`;

/** The certificate is in a folder. */
const file = (folder: string): string => `${nodesFile()}
[proxy]
workers = 2

[[listener]]
name = "http"
address = "192.0.2.11:80"
[[listener]]
name = "secured"
address = "192.0.2.11:443"
tls = [{ certificate = "${folder}/old.pem", key = "${folder}/old.key" }]
http2 = true
http3 = true
[[upstream]]
name = "good"
servers = [{ address = "192.0.2.21:${goodPort}" }]
[[upstream]]
name = "shaky"
servers = [{ address = "192.0.2.21:${goodPort}" }, { address = "192.0.2.21:${badPort}" }]
ejection = { failures = 3, time = "5m", on = [503] }
[[upstream]]
name = "few"
servers = [{ address = "192.0.2.21:${goodPort}", max_connections = 3 }]
queue = { length = 50, timeout = "30s" }
[[site]]
hosts = ["*"]
listeners = ["http", "secured"]
[[site.route]]
path = "/kept"
upstream = "good"
cache = true
[[site.route]]
path = "/disk"
upstream = "good"
cache = { disk = "4m", path = "${folder}/var/answers" }
[[site.route]]
path = "/few"
upstream = "few"
[[site.route]]
path = "/shaky"
upstream = "shaky"
[[site.route]]
path = "/paced"
upstream = "good"
rate_limit = { rate = "1/min", burst = 3, key = "header:X-Key" }
[[site.route]]
path = "/held"
upstream = "good"
connection_limit = { connections = 1, status = 429, key = "header:X-Key" }
`;

let lab: Lab;
let lb1: Host;
let client: Host;
let node: EdgeHa;
let folder: string;

beforeAll(async () => {
  lab = await Lab.create();
  await lab.bridge("lan");
  const host = (name: string, number: number): Promise<Host> =>
    lab.host(name, { eth0: { bridge: "lan", address: `192.0.2.${number}/24` } });
  lb1 = await host("lb1", 11);
  const web = await host("web", 21);
  client = await host("client", 31);
  const server = web.spawn(["python3", "-c", serverScript]);
  await waitFor("the server listens", () => server.output().includes("ready"));
  folder = lb1.directory;
  await makeCertificates(folder, ["old", "new"]);
  node = await startEdgeHa(lb1, { config: file(folder), node: "lb1" });
});
afterAll(() => lab[Symbol.asyncDispose]());

/** Asks `count` times, over one connection or over one each, and gives what curl's `-w` says of each answer. */
async function ask(
  path: string,
  o: {
    count: number;
    isOneConnection?: boolean;
    words?: readonly string[];
    told?: string;
    scheme?: "http" | "https";
  },
): Promise<readonly string[]> {
  const one = ["-s", "-o", "/dev/null", "-w", `${o.told ?? "%{http_code}"}\\n`, ...(o.words ?? [])];
  const header = o.isOneConnection === true ? [] : ["-H", "Connection: close"];
  const url = `${o.scheme ?? "http"}://192.0.2.11${path}`;
  const urls = Array.from({ length: o.count }, (_, turn) => [
    ...(turn === 0 ? [] : ["--next"]),
    ...one,
    ...header,
    url,
  ]);
  return (await client.run(["curl", ...urls.flat()])).stdout.trim().split("\n");
}

/** How many requests of a kind the server has got. */
async function count(kind: string): Promise<number> {
  const { stdout } = await client.run([
    "curl",
    "-s",
    "-H",
    `X-Count: ${kind}`,
    `http://192.0.2.21:${goodPort}/count`,
  ]);
  return Number(stdout);
}

/** Asks for 40 answers at a time; gives the most that the server has had to give at a time by then. */
async function most(path: string, protocol: string): Promise<string> {
  const urls = Array.from({ length: 40 }, () => ["-o", join(folder, "#few"), `https://192.0.2.11${path}`]);
  const words = ["-sk", protocol, "-w", "%{http_code}\\n", "--parallel-max", "40", ...urls.flat()];
  const { stdout } = await client.run(["curl", "-Z", ...words]);
  expect(stdout.trim().split("\n")).toSatisfy(only("200"));
  return readFileSync(join(folder, "#few"), "latin1");
}

/** Gives whose certificate a client is shown that names no host. */
async function shown(): Promise<string> {
  const words = ["-k", "-w", "%{certs}", "-o", "/dev/null", "-s"];
  const { stdout } = await client.run(["curl", ...words, "https://192.0.2.11/kept"]);
  return /Subject:CN ?= ?(\w+)/.exec(stdout)?.[1] ?? stdout;
}

/** Asks for 300 answers, each over a connection of its own; gives their statuses. */
async function askFrom(first: number): Promise<readonly string[]> {
  const paths = Array.from({ length: 300 }, (_, index) => `/disk/${first + index}`);
  const words = paths.flatMap((path) => ["-o", "/dev/null", `http://192.0.2.11${path}`]);
  const told = ["-w", "%{http_code}\\n", "-H", "Connection: close"];
  return (await client.run(["curl", "-s", ...told, ...words])).stdout.trim().split("\n");
}

/** Bytes of the answers in a folder, in whole blocks. */
function diskBytes(path: string): number {
  const names = readdirSync(path, { recursive: true, encoding: "utf8" });
  const sizes = names.map((name) =>
    /\.\d$/.test(name) ? (statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0) : 0,
  );
  return sizes.reduce((sum, size) => sum + Math.ceil(size / 4096) * 4096, 0);
}

function only(...words: readonly string[]): (found: readonly string[]) => boolean {
  return (found) => found.every((one) => words.includes(one));
}

describe("two proxy processes", () => {
  test("both forget what is purged by command, and what a request to one of them has changed", async () => {
    const kind = `${goodPort} GET /kept`;
    const sources = (): Promise<readonly string[]> => ask("/kept", { count: 10, told: "%header{x-cache}" });
    const areBothFilled = async (asked: number): Promise<boolean> => {
      const found = await sources();
      expect(found).toSatisfy(only("HIT", "MISS"));
      return (await count(kind)) === asked;
    };
    await waitFor("each process has asked the server once", () => areBothFilled(2));
    expect(await sources()).toSatisfy(only("HIT"));

    const { stdout } = await node.command("cache", "purge", "http://192.0.2.11/k*");
    expect(stdout).toBe("told all 2 proxy processes\n");
    await waitFor("each has asked again", () => areBothFilled(4));
    expect((await node.command("cache", "purge", "http://192.0.2.11/other")).exitCode).toBe(0);
    expect(await sources()).toSatisfy(only("HIT"));

    expect(await ask("/kept", { count: 1, words: ["-d", "new"] })).toEqual(["200"]);
    await waitFor("each has asked again after the change", () => areBothFilled(6));
    expect(await sources()).toSatisfy(only("HIT"));
  });

  test("both leave a server alone that has failed clients of one", async () => {
    await ask("/shaky", { count: 10, isOneConnection: true });
    await waitFor("it is left alone", async () => {
      const { proxied } = await node.status();
      const servers = proxied.find(({ name }) => name === "shaky")?.servers ?? [];
      return servers.some(({ port, traffic }) => port === badPort && (traffic?.ejected ?? null) !== null);
    });
    expect(await ask("/shaky", { count: 30 })).toSatisfy(only("200"));
    // As many as ejected it: nobody has had to find out by itself.
    expect(await count(`${badPort} GET /shaky`)).toBe(3);
  });

  test("count requests together against a limit of rate", async () => {
    let turn = 0;
    // The other process is told within a tenth of a second, or a little later on a busy machine: then another key is tried.
    await waitFor("four of a key to pass, and no more", async () => {
      const words = ["-H", `X-Key: ${turn++}`];
      const first = await ask("/paced", { count: 6, isOneConnection: true, words });
      expect(first).toEqual(["200", "200", "200", "200", "429", "429"]);
      await Bun.sleep(300);
      return only("429")(await ask("/paced", { count: 20, words }));
    });
  });

  test("count together what a client has open", async () => {
    const words = ["-H", "X-Key: k"];
    const head = "POST /held HTTP/1.1\\r\\nHost: a\\r\\nX-Key: k\\r\\nContent-Length: 10\\r\\n\\r\\n";
    const script = `exec 3<>/dev/tcp/192.0.2.11/80; printf '${head}' >&3; exec sleep 600`;
    const holding = client.spawn(["bash", "-c", script]);
    const answers = (count: number): Promise<readonly string[]> => ask("/held", { count, words });
    await waitFor("both refuse more", async () => only("429")(await answers(20)));
    expect(await ask("/held", { count: 5, isOneConnection: true, words: ["-H", "X-Key: other"] })).toSatisfy(
      only("200"),
    );
    holding.kill("SIGKILL");
    // One that ends may be counted at the other process for a moment more: the next one is refused now and then.
    await waitFor("both let more in", async () => only("200")(await answers(8)));
  });

  test("share what a server may have open: one of them uses all of it, and both never more", async () => {
    // All requests of a connection are one process's, whose part would be one.
    expect(await most("/few/one", "--http2")).toBe("3");
    expect(await most("/few/both", "--http1.1")).toBe("3");
    const { processes } = await node.status();
    const victim = processes.find(({ role }) => role === "proxy 0")?.pid ?? 0;
    process.kill(victim, "SIGKILL");
    await waitFor("another in its place", async () => {
      const now = (await node.status()).processes.find(({ role }) => role === "proxy 0");
      return (
        now !== undefined &&
        now.pid !== victim &&
        (await node.status()).proxies.some(({ pid }) => pid === now.pid)
      );
    });
    expect(await most("/few/after", "--http2")).toBe("3");
    expect((await node.reload()).exitCode).toBe(0);
    expect(await most("/few/reloaded", "--http2")).toBe("3");
  });

  test("show a new certificate to clients that name no host, and lose no request of the processes that showed the old one", async () => {
    expect(await shown()).toBe("old");
    const asked = ask("/kept", { count: 300, scheme: "https", words: ["-k"] });
    for (const kind of ["pem", "key"]) renameSync(join(folder, `new.${kind}`), join(folder, `old.${kind}`));
    expect((await node.reload()).exitCode).toBe(0);
    expect(await shown()).toBe("new");
    expect(await asked).toSatisfy(only("200"));
  });

  test("speak HTTP/3 on sockets of the supervisor's, those that took over too", async () => {
    const { stdout } = await client.run(["curl", "-ski", "https://192.0.2.11/kept"]);
    expect(stdout).toMatch(/alt-svc: h3=":443"; ma=86400/i);
    for (let index = 0; index < 6; index++) {
      const asked = await client.run([
        "gtlsclient",
        "-q",
        "--exit-on-all-streams-close",
        "--timeout=5s",
        "--download",
        folder,
        "192.0.2.11",
        "443",
        "https://192.0.2.11/kept",
      ]);
      expect(asked.exitCode).toBe(0);
      expect(readFileSync(join(folder, "kept"), "latin1")).toMatch(/^\d+$/);
      rmSync(join(folder, "kept"));
    }
  });

  test("keep a cache on disk together, within its bound, also when the one that sees to that dies", async () => {
    const most = 4 * 1024 ** 2;
    const kept = async (): Promise<DiskStatus | undefined> =>
      (await node.status()).proxies.flatMap(({ disks }) => disks).find(({ bytes }) => bytes !== null);
    const isSettled = async (): Promise<boolean> => {
      const bytes = (await kept())?.bytes ?? most + 1;
      return bytes <= most && bytes > most / 2 && bytes === diskBytes(`${folder}/var/answers`);
    };

    expect(await askFrom(0)).toSatisfy(only("200"));
    expect(diskBytes(`${folder}/var/answers`)).toBeLessThan(1.25 * most);
    await waitFor("it is within its bound", isSettled);
    const first = (await node.status()).processes.find(({ role }) => role === "proxy 0");
    await lb1.run(["kill", "-9", String(first?.pid)]);
    expect(await askFrom(300)).toHaveLength(300);
    await waitFor("another sees to it", isSettled);
    const asked = await count(`${goodPort} GET /disk/599`);
    // From the disk for the process that has not got it in memory.
    expect(await ask("/disk/599", { count: 10, told: "%header{x-cache}" })).toSatisfy(only("HIT"));
    expect(await count(`${goodPort} GET /disk/599`)).toBe(asked);

    expect((await node.command("cache", "purge", "*")).exitCode).toBe(0);
    await waitFor(
      "nothing is left",
      async () => (await kept())?.files === 0 && diskBytes(`${folder}/var/answers`) === 0,
    );
    expect((await node.command("status")).stdout).toMatch(/^CACHE ON DISK .*\n\S+\/var\/answers +0 +0\.0 /m);
  });
});

import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../support/lab.ts";
import { LocalNginx } from "../../support/local-nginx.ts";
import {
  fileLog,
  freePort,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { answering, ask, RawClient, RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const format =
  `log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent ` +
  `"$http_referer" "$http_user_agent" "$http_x_forwarded_for"'; `;

const requests = [
  'GET /a?b HTTP/1.1\r\nHost: a\r\nUser-Agent: x"y\\z\xe9\r\nReferer: http://b/\r\nConnection: close\r\n\r\n',
  `GET /b HTTP/1.1\r\nHost: a\r\nAuthorization: Basic ${btoa("eve:secret")}\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n`,
  "HEAD /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  "GET /d HTTP/1.0\r\n\r\n",
  "POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
];

function lines(path: string): readonly string[] {
  try {
    return readFileSync(path, "latin1").split("\n").slice(0, -1);
  } catch {
    return [];
  }
}

/** The time apart, which two servers need not agree on to the second. */
function withoutTime(line: string): string {
  return line.replace(/\[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]/, "[time]");
}

test("the access log reads as nginx would have written it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-ha-log-"));
  const [port, nginxPort] = [freePort(), freePort()];
  await using origin = new RawServer(answering("hello"));
  await using nginx = await LocalNginx.start(
    nginxPort,
    `access_log FOLDER/access.log main; location / { proxy_http_version 1.1; proxy_pass http://127.0.0.1:${origin.port}; }`,
    format,
  );
  const path = join(folder, "access.log");
  const accessLog = fileLog(path);
  const sites = [site(["*"], [route("/", "apps")], { accessLog })];
  await using _driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)], { sites }));
  origin.script = (connection, bytes) => {
    if (bytes.startsWith("HEAD")) connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    else if (bytes.includes("\r\n\r\n")) connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  };
  for (const request of requests) {
    await ask(nginxPort, request);
    await ask(port, request);
  }
  await waitFor("all lines", () => lines(path).length === requests.length);
  const theirs = lines(join(nginx.folder, "access.log")).map(withoutTime);
  expect(lines(path).map(withoutTime)).toEqual([...theirs]);
  rmSync(folder, { recursive: true });
});

test("refused requests are logged, and an unwritable log stops nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-ha-log-"));
  const port = freePort();
  await using origin = new RawServer(answering("hello"));
  const plan = (path: string): ReturnType<typeof simplePlan> =>
    simplePlan(port, [upstreamServer(origin.port)], {
      sites: [site(["a.example"], [route("/", "apps")], { accessLog: fileLog(path) })],
    });
  const path = join(folder, "access.log");
  await using driver = await ProxyDriver.start(plan(path));
  await ask(port, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  await ask(port, "GET /\n");
  await ask(port, "GET /x HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n");
  await waitFor("all lines", () => lines(path).length === 3);
  expect(lines(path)[0]).toMatch(/"GET \/ HTTP\/1\.1" 400 \d+ "-" "-" "-"$/);
  expect(lines(path)[1]).toMatch(/"-" 400 \d+ "-" "-" "-"$/);
  expect(lines(path)[2]).toMatch(/"GET \/x HTTP\/1\.1" 404 \d+ "-" "-" "-"$/);
  await driver.configure(plan("/proc/nowhere/access.log"));
  for (let request = 0; request < 3; request++) {
    expect(await ask(port, "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")).toEndWith(
      "hello",
    );
    await driver.nextStatus();
  }
  expect(driver.log().match(/access log \/proc\/nowhere\/access\.log/g)).toHaveLength(1);
  rmSync(folder, { recursive: true });
});

/** Asks for `/` of a host. */
function requestFor(path: string, host = "a"): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
}

test("a format of one's own, and combined, read as nginx would have written them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-ha-log-"));
  const own =
    "$remote_addr|$request_method|$request_uri|$args|$is_args|$host|$scheme|$server_addr|$server_protocol|$status|$body_bytes_sent|" +
    "$request_length|$http_user_agent|$arg_b|$cookie_c|$sent_http_content_type|$upstream_addr|$upstream_status|$connection_requests";
  await using origin = new RawServer((connection, bytes) => {
    if (bytes.includes("\r\n\r\n"))
      connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: 5\r\n\r\nhello");
  });
  for (const [format, escape] of [
    [own, "default"],
    [own, "json"],
    ["combined", "default"],
  ] as const) {
    const [port, nginxPort] = [freePort(), freePort()];
    const name = format === "combined" ? "combined" : "own";
    await using nginx = await LocalNginx.start(
      nginxPort,
      `access_log FOLDER/access.log ${name}; location / { proxy_http_version 1.1; proxy_pass http://127.0.0.1:${origin.port}; }`,
      name === "own" ? `log_format own escape=${escape} '${own}'; ` : "",
    );
    const path = join(folder, `${name}-${escape}`);
    const sites = [site(["*"], [route("/", "apps")], { accessLog: fileLog(path, format, escape) })];
    await using _driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)], { sites }));
    for (const request of requests) {
      // What has no Host is asked of the address, which the two do not share.
      if (request.includes("HTTP/1.0") || request.startsWith("HEAD")) continue;
      await ask(nginxPort, request);
      await ask(port, request);
    }
    await waitFor("all lines", () => lines(path).length === 3);
    const theirs = lines(join(nginx.folder, "access.log")).map(withoutTime);
    expect(lines(path).map(withoutTime)).toEqual([...theirs]);
  }
  rmSync(folder, { recursive: true });
});

test("a line tells which servers were asked, how long each took, and how TLS was spoken", async () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-ha-log-"));
  const [port, dead] = [freePort(), freePort()];
  await using origin = new RawServer(answering("hello"));
  const path = join(folder, "log");
  const format =
    "$upstream_addr|$upstream_status|$upstream_tries|$request_time $upstream_queue_time|$upstream_connect_time|" +
    "$upstream_header_time|$upstream_response_time|$ssl_protocol|$bytes_sent|$request_id|$msec|$time_iso8601";
  const sites = [site(["*"], [route("/", "apps")], { accessLog: fileLog(path, format) })];
  const servers = [upstreamServer(dead), upstreamServer(origin.port)];
  await using _driver = await ProxyDriver.start(simplePlan(port, servers, { sites }));
  const answer = await ask(port, requestFor("/"));
  await waitFor("the line", () => lines(path).length === 1);
  const time = String.raw`\d\.\d{3}`;
  expect(lines(path)[0]).toMatch(
    new RegExp(
      String.raw`^127\.0\.0\.1:${dead}, 127\.0\.0\.1:${origin.port}\|502, 200\|2\|${time} ${time}\|-, ${time}\|-, ${time}\|${time}, ${time}\|-\|` +
        String.raw`${answer.length}\|[0-9a-f]{32}\|\d+\.\d{3}\|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$`,
    ),
  );
  rmSync(folder, { recursive: true });
});

test("a route has a log of its own or none, and files that were moved away are opened anew", async () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-ha-log-"));
  const port = freePort();
  await using origin = new RawServer(answering("hello"));
  const [common, own] = [join(folder, "common"), join(folder, "own")];
  const routes = [
    route("/", "apps"),
    route("/own", "apps", { accessLog: fileLog(own, "$request_uri $status") }),
    route("/none", "apps", { accessLog: "off" }),
  ];
  const sites = [site(["*"], routes, { accessLog: fileLog(common, "$request_uri") })];
  await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)], { sites }));
  for (const target of ["/a", "/own/b", "/none/c", "/d"]) await ask(port, requestFor(target));
  await waitFor("the lines", () => lines(common).length === 2 && lines(own).length > 0);
  expect([lines(common), lines(own)]).toEqual([["/a", "/d"], ["/own/b 200"]]);
  renameSync(common, `${common}.1`);
  await ask(port, requestFor("/before"));
  driver.send({ kind: "reopen" });
  await waitFor("a new file", () => existsSync(common));
  await ask(port, requestFor("/after"));
  await waitFor("a line in it", () => lines(common).length > 0);
  expect(lines(`${common}.1`).at(-1)).toBe("/before");
  expect(lines(common)).toEqual(["/after"]);
  rmSync(folder, { recursive: true });
});

/** A head that the usual limits let in, and of which a log of these fields makes more than 64 KiB. */
const longRequest = requestFor("/long").replace(
  "Connection",
  `User-Agent: ${"\xff".repeat(16_000)}\r\nConnection`,
);
const longFormat = "$request_uri $http_user_agent $http_user_agent";

test("a file gets lines that are longer than what is gathered, and those of requests that end when another has taken its place", async () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-ha-log-"));
  const port = freePort();
  const answer = answering("hello");
  await using origin = new RawServer((connection, bytes) => {
    if (!bytes.startsWith("GET /late")) answer(connection, bytes);
  });
  const plan = (path: string): ReturnType<typeof simplePlan> =>
    simplePlan(port, [upstreamServer(origin.port)], {
      sites: [site(["*"], [route("/", "apps")], { accessLog: fileLog(path, longFormat) })],
    });
  const [before, after] = [join(folder, "before"), join(folder, "after")];
  await using driver = await ProxyDriver.start(plan(before));
  await ask(port, requestFor("/a"));
  await ask(port, longRequest);
  await ask(port, requestFor("/b"));
  await waitFor("all lines", () => lines(before).length === 3);
  expect(lines(before)[1]).toHaveLength("/long".length + 2 * " ".length + 2 * 16_000 * "\\xFF".length);
  await using late = await RawClient.connect(port);
  late.send(requestFor("/late"));
  await waitFor("it is asked", () => origin.received().includes("GET /late"));
  await driver.configure(plan(after));
  const asked = origin.connections.find(({ received }) => received.includes("GET /late"));
  if (asked !== undefined) answer(asked, "");
  await waitFor("its line", () => lines(before).length === 4);
  expect(lines(before).at(-1)).toBe("/late - -");
  rmSync(folder, { recursive: true });
});

test("syslog gets each line as a datagram of RFC 5424", async () => {
  const received: string[] = [];
  const server = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: { data: (_, bytes) => void received.push(bytes.toString("latin1")) },
  });
  const port = freePort();
  await using origin = new RawServer(answering("hello"));
  const endpoint = { address: "127.0.0.1", port: server.port };
  const to = { kind: "syslog", endpoint, tag: "shop" } as const;
  const accessLog = { to, format: "$request_uri $status", escape: null } as const;
  const long = { to, format: longFormat, escape: null } as const;
  const sites = [
    site(["*"], [route("/", "apps"), route("/long", "apps", { accessLog: long })], { accessLog }),
  ];
  await using _driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)], { sites }));
  await ask(port, requestFor("/a"));
  await ask(port, requestFor("/b"));
  await waitFor("both lines", () => received.length === 2);
  expect(received[0]).toMatch(/^<190>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S+ \S+ shop \d+ - - \/a 200$/);
  expect(received[1]).toEndWith(" /b 200");
  await ask(port, longRequest);
  await ask(port, requestFor("/c"));
  await waitFor("what a datagram takes of it, and the next", () => received.length === 4);
  expect(received[2]).toHaveLength(65_507);
  expect(received[3]).toEndWith(" /c 200");
  server.close();
});

/** A daemon that reads datagrams of a local socket, and writes each as a line. */
const daemon = `
import os, socket, sys, time
path, reads = sys.argv[1:]
if os.path.exists(path): os.unlink(path)
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(path)
print('ready', flush=True)
while reads == 'yes': print(server.recv(70000).decode(), flush=True)
time.sleep(600)
`;

interface Daemon extends AsyncDisposable {
  readonly lines: string[];
}

async function startDaemon(path: string, reads = "yes"): Promise<Daemon> {
  const child = Bun.spawn(["python3", "-c", daemon, path, reads], { stdio: ["ignore", "pipe", "ignore"] });
  const got: string[] = [];
  let text = "";
  void (async () => {
    for await (const bytes of child.stdout) {
      text += Buffer.from(bytes).toString("latin1");
      const parts = text.split("\n");
      text = parts.pop() ?? "";
      got.push(...parts);
    }
  })();
  await waitFor("it listens", () => got.shift() === "ready");
  return {
    lines: got,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Asks a hundred times over one connection, and waits for all answers. */
async function askMany(client: RawClient): Promise<void> {
  client.received = "";
  client.send(requestFor("/").replace("Connection: close\r\n", "").repeat(100));
  await waitFor("a hundred answers", () => client.received.split("hello").length === 101);
}

describe("syslog on a socket of this host", () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-ha-log-"));
  const path = join(folder, "log");
  afterAll(() => rmSync(folder, { recursive: true }));

  async function start(port: number, origin: RawServer, format: string): Promise<ProxyDriver> {
    const accessLog = { to: { kind: "local-syslog", path, tag: "shop" }, format, escape: null } as const;
    const sites = [site(["*"], [route("/", "apps")], { accessLog })];
    return ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)], { sites }));
  }

  test("gets each line, also when its daemon was started anew, and the last when the process ends", async () => {
    const first = await startDaemon(path);
    const port = freePort();
    await using origin = new RawServer(answering("hello"));
    await using driver = await start(port, origin, "$request_uri $status");
    await ask(port, requestFor("/a"));
    await ask(port, requestFor("/b"));
    await waitFor("both lines", () => first.lines.length === 2);
    expect(first.lines[0]).toMatch(
      new RegExp(`^<190>\\w{3} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d shop\\[${driver.pid}\\]: /a 200$`),
    );
    await first[Symbol.asyncDispose]();
    await ask(port, requestFor("/lost"));
    await waitFor("the log says so", () => driver.log().includes(`access log to syslog ${path}: `));
    await using second = await startDaemon(path);
    await ask(port, requestFor("/c"));
    await waitFor("a line again", () => second.lines.some((line) => line.endsWith(": /c 200")));
    await ask(port, requestFor("/last"));
    driver.send({ kind: "drain", deadlineMs: 5_000 });
    expect(await driver.exited).toBe(0);
    await waitFor("the last line", () => second.lines.at(-1)?.endsWith(": /last 200") === true);
  });

  test("loses lines that it does not take, and tells how many, but no request", async () => {
    await using _daemon = await startDaemon(path, "no");
    const port = freePort();
    await using origin = new RawServer(answering("hello"));
    await using driver = await start(port, origin, `$status ${"x".repeat(4000)}`);
    await using client = await RawClient.connect(port);
    await waitFor("the log says so", async () => {
      await askMany(client);
      return /it is too slow; \d+ lines are lost/.test(driver.log());
    });
    expect(driver.residentBytes()).toBeLessThan(300 * 1024 ** 2);
    // What passes lines on dies with a pipe that is full: another takes its place.
    const loggerOf = (): string =>
      readFileSync(`/proc/${driver.pid}/task/${driver.pid}/children`, "latin1").trim();
    const before = loggerOf();
    const [, ignored = ""] =
      /^SigIgn:\s*(\w+)$/m.exec(readFileSync(`/proc/${before}/status`, "latin1")) ?? [];
    const ofTheService = [constants.signals.SIGTERM, constants.signals.SIGHUP, constants.signals.SIGUSR1];
    expect(
      ofTheService.filter((signal) => ((BigInt(`0x${ignored}`) >> BigInt(signal - 1)) & 1n) === 0n),
    ).toEqual([]);
    process.kill(Number(before), "SIGKILL");
    await waitFor("there is another", () => loggerOf() !== before && loggerOf() !== "");
    await askMany(client);
  });
});

test("servers are told a request's name and its trace, and so is the log", async () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-ha-log-"));
  const port = freePort();
  await using origin = new RawServer(answering("hello"));
  const path = join(folder, "log");
  const accessLog = fileLog(path, "$request_id $trace_id");
  const sites = [site(["*"], [route("/", "apps")], { accessLog, ids: { requestId: true, trace: true } })];
  await using _driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)], { sites }));
  const fields =
    "X-Request-ID: bad one\r\nTraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  await ask(port, requestFor("/").replace("Connection", `${fields}\r\nConnection`));
  await waitFor("the line", () => lines(path).length === 1);
  const sent = origin.received();
  expect(sent.match(/X-Request-ID: [0-9a-f]{32}\r\n/gi)).toHaveLength(1);
  expect(sent).toContain("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n");
  const id = /X-Request-ID: ([0-9a-f]{32})\r\n/.exec(sent)?.[1];
  expect(lines(path)).toEqual([`${id} 4bf92f3577b34da6a3ce929d0e0e4736`]);
  rmSync(folder, { recursive: true });
});

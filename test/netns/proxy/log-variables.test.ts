import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { noContent, type CachePlan } from "../../../src/config/content-plan.ts";
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
import { ask, RawServer, type Script } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const folder = mkdtempSync(join(tmpdir(), "edge-ha-variables-"));
afterAll(() => rmSync(folder, { recursive: true }));

function lines(path: string): readonly string[] {
  try {
    return readFileSync(path, "latin1").split("\n").slice(0, -1);
  } catch {
    return [];
  }
}

const request = (path: string, more = "", method = "GET", body = ""): string =>
  `${method} ${path} HTTP/1.1\r\nHost: shop.example\r\n${more}Connection: close\r\n\r\n${body}`;

test("variables of what was asked and of what servers answered read as nginx would have written them", async () => {
  const format =
    "$upstream_http_x_app|$sent_http_x_app|$upstream_http_missing|$upstream_cookie_one|$upstream_cookie_two|" +
    "$upstream_response_length|$upstream_bytes_received|$content_type|$content_length|$https|$http2|$document_uri|" +
    "$http_x_a|$cookie_c|$arg_b|$server_name|$proxy_add_x_forwarded_for|$realip_remote_addr|$hostname|$ssl_session_reused|$upstream_cache_status";
  const body = "x".repeat(100_000);
  await using origin = new RawServer((connection) => {
    if (!connection.received.includes("\r\n\r\n")) return;
    const isHead = connection.received.startsWith("HEAD");
    const cookies = "Set-Cookie: one=1; Path=/\r\nset-cookie: Two=22\r\n";
    connection.send(
      `HTTP/1.1 200 OK\r\nX-App: app/2\r\n${cookies}Content-Length: ${body.length}\r\n\r\n${isHead ? "" : body}`,
    );
  });
  const [port, nginxPort] = [freePort(), freePort()];
  await using nginx = await LocalNginx.start(
    nginxPort,
    `server_name shop.example; access_log FOLDER/access.log own; proxy_hide_header X-App; add_header X-App ours;
     location / { proxy_http_version 1.1; proxy_pass http://127.0.0.1:${origin.port}; }`,
    `log_format own '${format}'; `,
  );
  const path = join(folder, "own");
  const responseHeaders = { remove: [], set: [["X-App", "ours"] as const], add: [] };
  const sites = [
    site(["shop.example"], [route("/", "apps", { responseHeaders })], { accessLog: fileLog(path, format) }),
  ];
  await using _driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)], { sites }));
  for (const one of [
    request("/a/b?b=1"),
    request("/", "Content-Type: text/css\r\nContent-Length: 3\r\nX-A: 1\r\nCookie: c=3\r\n", "POST", "abc"),
    request("/", "X-Forwarded-For: 203.0.113.9\r\n"),
    request("/", "", "HEAD"),
  ]) {
    await ask(nginxPort, one);
    await ask(port, one);
  }
  await waitFor("all lines", () => lines(path).length === 4);
  const own = lines(path);
  expect(own).toEqual([...lines(join(nginx.folder, "access.log"))]);
  expect(own[0]).toStartWith("app/2|ours|-|1|22|100000|");
  expect(own[0]).toContain(`|${hostname()}|`);
});

test("a line counts the bytes that went to servers, and names their upstream", async () => {
  await using origin = new RawServer((connection) => {
    if (connection.received.endsWith("0\r\n\r\n")) connection.send("HTTP/1.1 204 No Content\r\n\r\n");
  });
  const [port, dead] = [freePort(), freePort()];
  const path = join(folder, "bytes");
  const format =
    "$proxy_host|$upstream_status|$upstream_bytes_sent|$upstream_bytes_received|$upstream_response_length";
  const sites = [site(["*"], [route("/", "apps")], { accessLog: fileLog(path, format) })];
  const servers = [upstreamServer(dead), upstreamServer(origin.port)];
  await using _driver = await ProxyDriver.start(simplePlan(port, servers, { sites }));
  const chunks = "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
  await ask(port, request("/", "Transfer-Encoding: chunked\r\n", "POST", chunks));
  await waitFor("the line", () => lines(path).length === 1);
  const head = origin.received().indexOf("\r\n\r\n") + 4;
  // What frames the chunks is not among them.
  expect(lines(path)).toEqual([
    `apps|502, 204|0, ${head + 7}|0, ${"HTTP/1.1 204 No Content\r\n\r\n".length}|0, 0`,
  ]);
});

const usual: CachePlan = {
  maxObjectBytes: 1024 ** 2,
  ttlMs: 0,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  lockTimeoutMs: 5000,
  disk: null,
};

/** The logged lines of a proxy with a cache. */
async function cached(
  script: Script,
  plan: Partial<CachePlan>,
  run: (port: number, origin: RawServer) => Promise<void>,
): Promise<readonly string[]> {
  const path = join(folder, `cached-${Math.random()}`);
  const port = freePort();
  await using origin = new RawServer(script);
  const content = { ...noContent, cache: { ...usual, ...plan } };
  const accessLog = fileLog(
    path,
    "$upstream_cache_status|$status|$upstream_status|$upstream_http_x_app|$proxy_host",
  );
  const sites = [site(["*"], [route("/", "apps", { content })], { accessLog })];
  const driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)], { sites }));
  let told = 0;
  try {
    await run(port, origin);
    told = (await driver.nextStatus()).requests;
    await waitFor("all lines", () => lines(path).length === told);
  } finally {
    await driver[Symbol.asyncDispose]();
  }
  return lines(path);
}

describe("$upstream_cache_status", () => {
  test("tells as nginx does where an answer came from", async () => {
    let version = 1;
    const script: Script = (connection, bytes) => {
      if (bytes.includes("/error"))
        connection.send("HTTP/1.1 503 Busy\r\nX-App: down\r\nContent-Length: 0\r\n\r\n");
      else if (bytes.includes(`If-None-Match: "${version}"`))
        connection.send(
          `HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=1\r\nETag: "${version}"\r\n\r\n`,
        );
      else {
        const age = bytes.includes("/fresh") ? 60 : 1;
        const told = `Cache-Control: max-age=${age}\r\nETag: "${version}"\r\nX-App: app/${version}\r\n`;
        connection.send(`HTTP/1.1 200 OK\r\n${told}Content-Length: 5\r\n\r\nhello`);
      }
    };
    const run = async (port: number): Promise<void> => {
      for (const path of ["/fresh", "/fresh", "/old"]) await ask(port, request(path));
      await Bun.sleep(2_100); // nginx counts in whole seconds
      await ask(port, request("/old"));
      version++;
      await Bun.sleep(2_100);
      await ask(port, request("/old"));
      await ask(port, request("/fresh", "", "POST"));
      await ask(port, request("/error"));
      version = 1;
    };
    const own = await cached(script, {}, run);
    await using origin = new RawServer(script);
    const nginxPort = freePort();
    await using nginx = await LocalNginx.start(
      nginxPort,
      `access_log FOLDER/access.log own; proxy_cache kept; proxy_cache_revalidate on;
       location / { proxy_http_version 1.1; proxy_pass http://127.0.0.1:${origin.port}; }`,
      `log_format own '$upstream_cache_status|$status|$upstream_status|$upstream_http_x_app'; proxy_cache_path kept keys_zone=kept:1m; `,
    );
    await run(nginxPort);
    expect(own.map((line) => line.replace(/\|[^|]*$/, ""))).toEqual([
      ...lines(join(nginx.folder, "access.log")),
    ]);
    expect(own).toEqual([
      "MISS|200|200|app/1|apps",
      "HIT|200|-|app/1|apps",
      "MISS|200|200|app/1|apps",
      "REVALIDATED|200|304|app/1|apps",
      "EXPIRED|200|200|app/2|apps",
      "-|200|200|app/2|apps",
      "MISS|503|503|down|apps",
    ]);
  });

  test("tells of stale answers, and whether somebody else is asking already", async () => {
    let isDown = false;
    const script: Script = (connection) => {
      if (isDown) return; // it is never answered
      const told = "Cache-Control: max-age=1\r\nAge: 1\r\nX-App: a\r\n";
      connection.send(`HTTP/1.1 200 OK\r\n${told}Content-Length: 5\r\n\r\nhello`);
    };
    const meanwhile = await cached(script, { staleWhileRevalidateMs: 60_000 }, async (port) => {
      await ask(port, request("/"));
      isDown = true;
      for (let times = 0; times < 2; times++) await ask(port, request("/"));
    });
    expect(meanwhile).toEqual(["MISS|200|200|a|apps", "STALE|200|-|a|apps", "UPDATING|200|-|a|apps"]);
    let isCut = false;
    const cutting: Script = (connection, bytes) => {
      if (isCut) connection.socket.end();
      else script(connection, bytes);
    };
    isDown = false;
    const instead = await cached(cutting, { staleIfErrorMs: 60_000 }, async (port) => {
      await ask(port, request("/"));
      isCut = true;
      await ask(port, request("/"));
      await ask(port, request("/other"));
      await ask(port, request("/other", "Range: bytes=0-1\r\n"));
    });
    expect(instead).toEqual([
      "MISS|200|200|a|apps",
      "STALE|200|502, 502|a|apps",
      "MISS|502|502|-|apps",
      "BYPASS|502|502|-|apps",
    ]);
  });
});

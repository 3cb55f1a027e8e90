import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../support/lab.ts";
import { LocalNginx } from "../../support/local-nginx.ts";
import {
  freePort,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { answering, ask, RawServer } from "../../support/raw-tcp.ts";

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
    return readFileSync(path, "latin1").trimEnd().split("\n");
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
  const accessLog = { path: join(folder, "access.log"), format: "main" as const };
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
  await waitFor("all lines", () => lines(accessLog.path).length === requests.length);
  const theirs = lines(join(nginx.folder, "access.log")).map(withoutTime);
  expect(lines(accessLog.path).map(withoutTime)).toEqual([...theirs]);
  rmSync(folder, { recursive: true });
});

test("refused requests are logged, and an unwritable log stops nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-ha-log-"));
  const port = freePort();
  await using origin = new RawServer(answering("hello"));
  const plan = (path: string): ReturnType<typeof simplePlan> =>
    simplePlan(port, [upstreamServer(origin.port)], {
      sites: [site(["a.example"], [route("/", "apps")], { accessLog: { path, format: "main" } })],
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

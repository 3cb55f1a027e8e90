import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noContent } from "../../../src/config/content-plan.ts";
import {
  freePort,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { ask, RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const folder = mkdtempSync(join(tmpdir(), "edge-ha-pages-"));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "502.html"), "<h1>sorry</h1>");
writeFileSync(join(folder, "logo.svg"), "<svg/>");

const get = (path: string, lines = "", method = "GET"): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\n${lines}Connection: close\r\n\r\n`;

test("errors of the proxy's own and of servers have their pages, and files are served beside a maintenance", async () => {
  const port = freePort();
  await using origin = new RawServer((connection, bytes) => {
    if (bytes.includes("/cut ")) connection.socket.end();
    else if (bytes.includes("/slow-error "))
      connection.send("HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    else connection.send("HTTP/1.1 500 Oops\r\nRetry-After: 3\r\nX-Own: 1\r\nContent-Length: 4\r\n\r\nbody");
  });
  const page = join(folder, "502.html");
  const errorPages = { pages: [["5xx", page] as const, ["404", page] as const], intercepts: true };
  const files = { root: folder, path: "/pages/" };
  const maintenance = { page: null, retryAfterS: 30, allow: [] };
  const sites = [
    site(
      ["a"],
      [
        route("/pages", "apps", { content: { ...noContent, errorPages, files, maintenance } }),
        route("/plain", "apps", {
          content: { ...noContent, errorPages: { ...errorPages, intercepts: false } },
        }),
        route("/app", "apps", { content: { ...noContent, errorPages } }),
      ],
      { errorPages },
    ),
  ];
  await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)], { sites }));

  // Of the proxy's own: no route, and a server that went away without a word.
  for (const path of ["/none", "/app/cut", "/plain/cut"]) {
    const answer = await ask(port, get(path));
    expect(answer).toMatch(/^HTTP\/1\.1 (?:404 Not Found|502 Bad Gateway)\r\n/);
    expect(answer).toContain("Content-Type: text/html; charset=utf-8\r\n");
    expect(answer).toEndWith("\r\n\r\n<h1>sorry</h1>");
  }
  // Of the servers', where that is wanted.
  for (const path of ["/app", "/app/slow-error"]) {
    const answer = await ask(port, get(path));
    expect(answer).toStartWith("HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/html");
    expect(answer).toEndWith("Content-Length: 14\r\nConnection: close\r\n\r\n<h1>sorry</h1>");
    expect(answer).not.toContain("X-Own");
  }
  expect(await ask(port, get("/app"))).toContain("Retry-After: 3\r\n");
  expect(await ask(port, get("/app", "", "HEAD"))).toEndWith(
    "Content-Length: 14\r\nConnection: close\r\n\r\n",
  );
  expect(await ask(port, get("/plain"))).toEndWith("\r\n\r\nbody");

  // Files answer while everything else is in maintenance.
  const file = await ask(port, get("/pages/logo.svg"));
  expect(file).toContain("Content-Type: image/svg+xml\r\n");
  expect(file).toEndWith("\r\n\r\n<svg/>");
  const etag = /ETag: (.*)\r/.exec(file)?.[1] ?? "";
  const unchanged = await ask(port, get("/pages/logo.svg", `If-None-Match: ${etag}\r\n`));
  expect(unchanged).toStartWith("HTTP/1.1 304 Not Modified\r\n");
  expect(unchanged).not.toContain("Content-Length");
  const escape = await ask(port, get("/pages/%2e%2e/%2e%2e/etc/passwd"));
  expect(escape).toStartWith("HTTP/1.1 400 "); // out of the root there is nothing to ask for
  const closed = await ask(port, get("/pages"));
  expect(closed).toStartWith("HTTP/1.1 503 Service Unavailable\r\n");
  expect(closed).toContain("Retry-After: 30\r\n");

  // Pages are as they were when the plan came into force, and those of the next plan are new.
  writeFileSync(join(folder, "logo.svg"), "<svg></svg>");
  expect(await ask(port, get("/pages/logo.svg"))).toEndWith("<svg/>");
  await driver.configure(simplePlan(port, [upstreamServer(origin.port)], { sites }));
  expect(await ask(port, get("/pages/logo.svg"))).toEndWith("<svg></svg>");
  expect(driver.log()).toBe("");
});

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates } from "../../support/certificates.ts";
import { waitFor } from "../../support/lab.ts";
import {
  fileLog,
  freePort,
  listener,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstreamServer,
} from "../../support/proxy-driver.ts";

setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "edge-ha-browser-"));
const assets = 50;

beforeAll(() => makeCertificates(folder, ["shop.example"]));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Loads its assets, talks to a WebSocket and reports what came of both, and over which protocol the page came. */
const page = `<!doctype html><title>edge-ha</title><script>let loaded = 0;</script>
${Array.from({ length: assets }, (_, number) => `<script async src="/asset/${number}.js"></script>`).join("\n")}
<script>addEventListener("load", () => {
  const socket = new WebSocket("wss://" + location.host + "/chat");
  socket.onopen = () => socket.send("hello");
  socket.onmessage = ({ data }) => fetch("/report", { method: "POST", body: JSON.stringify({
    loaded, data, protocol: performance.getEntriesByType("navigation")[0].nextHopProtocol,
  }) });
});</script>`;

/** The site behind the proxy; `reports` takes what pages say. */
function startSite(reports: unknown[]): Bun.Server<undefined> {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request, server) {
      const { pathname } = new URL(request.url);
      if (pathname === "/chat" && server.upgrade(request)) return undefined;
      if (pathname.startsWith("/asset/"))
        return new Response("loaded++;", { headers: { "Content-Type": "text/javascript" } });
      if (pathname === "/report") {
        reports.push(await request.json());
        return new Response(null, { status: 204 });
      }
      if (pathname !== "/") return new Response("not found", { status: 404 });
      return new Response(page, { headers: { "Content-Type": "text/html" } });
    },
    websocket: { message: (socket, message) => void socket.send(`echo of ${String(message)}`) },
  });
}

/** Gives what Chromium knows our certificate by: QUIC takes no other word for it. */
function keyHash(): string {
  const key = new X509Certificate(readFileSync(join(folder, "shop.example.pem"))).publicKey;
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("base64");
}

function startChromium(port: number, isQuic: boolean): Bun.Subprocess {
  const switches = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    ...(isQuic
      ? [
          "--enable-quic",
          `--origin-to-force-quic-on=shop.example:${port}`,
          `--ignore-certificate-errors-spki-list=${keyHash()}`,
        ]
      : ["--disable-quic", "--ignore-certificate-errors"]),
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * 127.0.0.1",
    `--user-data-dir=${mkdtempSync(join(folder, "profile-"))}`,
  ];
  return Bun.spawn(["chromium", ...switches, `https://shop.example:${port}/`], {
    stdio: ["ignore", "ignore", "ignore"],
    env: { ...process.env, HOME: folder },
  });
}

describe("Chromium", () => {
  for (const [http2, protocol] of [
    [false, "http/1.1"],
    [true, "h2"],
    [true, "h3"],
  ] as const) {
    test(`loads a page with ${assets} assets over ${protocol} and talks to its WebSocket`, async () => {
      const reports: unknown[] = [];
      const log = join(folder, `${protocol.replace("/", "")}.log`);
      using pages = startSite(reports);
      const port = freePort();
      const certificates = [
        { certificate: join(folder, "shop.example.pem"), key: join(folder, "shop.example.key") },
      ];
      const tls = { certificates, minVersion: "1.2", ciphers: null, clients: null } as const;
      const plan = simplePlan(port, [upstreamServer(pages.port ?? 0)], {
        listeners: [listener(port, { tls, http2, http3: protocol === "h3" ? { rememberedS: 60 } : null })],
        sites: [site(["*"], [route("/", "apps")], { accessLog: fileLog(log, "$request") })],
      });
      await using driver = await ProxyDriver.start(plan);
      const chromium = startChromium(port, protocol === "h3");
      try {
        await waitFor("a report of the page", () => reports.length > 0, 45_000);
      } finally {
        chromium.kill("SIGTERM"); // so that it takes its children along
        await chromium.exited;
      }
      expect(reports).toEqual([{ loaded: assets, data: "echo of hello", protocol }]);
      // Chromium asks for a WebSocket over a connection in HTTP/2 where that is announced (RFC 8441), over HTTP/3 for none.
      const chat = (): string | undefined => /GET \/chat .*/.exec(readFileSync(log, "utf8"))?.[0];
      await waitFor("the WebSocket in the log", () => chat() !== undefined);
      expect(chat()).toBe(`GET /chat ${protocol === "h2" ? "HTTP/2.0" : "HTTP/1.1"}`);
      if (protocol === "h3") expect(readFileSync(log, "utf8")).toContain("GET / HTTP/3.0");
      else expect(driver.log()).toBe("");
    });
  }
});

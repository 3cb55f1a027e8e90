import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { noContent } from "../../../src/config/content-plan.ts";
import type { TlsListenerPlan } from "../../../src/config/http-plan.ts";
import type { ProxyPlan } from "../../../src/config/node-plan.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { runCommand } from "../../support/lab-command.ts";
import { waitFor } from "../../support/lab.ts";
import {
  fileLog,
  freePort,
  listener,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstream,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { answering, RawClient, RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const folder = mkdtempSync(join(tmpdir(), "edge-ha-tls-"));
const at = (name: string): string => join(folder, name);
const names = ["shop.example", "*.cloud.example", "blog.example", "client.example"];

beforeAll(() => makeCertificates(folder, names));
afterAll(() => rmSync(folder, { recursive: true }));

function pair(name: string): TlsListenerPlan["certificates"][number] {
  return { certificate: at(`${name}.pem`), key: at(`${name}.key`) };
}

function tlsPlan(more: Partial<TlsListenerPlan> = {}): TlsListenerPlan {
  const certificates = ["shop.example", "*.cloud.example", "blog.example"].map(pair);
  return { certificates, minVersion: "1.2", ciphers: null, clients: null, ...more };
}

function planOn(port: number, origin: RawServer, tls: TlsListenerPlan, more = {}): ProxyPlan {
  return simplePlan(port, [upstreamServer(origin.port)], { listeners: [listener(port, { tls, ...more })] });
}

/** Asks with curl, which judges the certificate by the name; gives what it printed, or its complaint. */
async function curl(port: number, host: string, ...words: readonly string[]): Promise<string> {
  const to = ["--connect-to", `::127.0.0.1:${port}`, "--cacert", at("ca.pem"), "-sS", "--max-time", "10"];
  const { stderr, stdout } = await runCommand(["curl", ...to, ...words, `https://${host}/`]);
  return stdout + stderr;
}

/** Gives the name in the certificate that a client is shown. */
async function shownTo(port: number, servername: string): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port, servername, rejectUnauthorized: false });
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  const name = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return String(name);
}

/** Sends a request over an open connection and waits for the end of its answer. */
async function askOver(socket: TLSSocket): Promise<string> {
  const answer = new Promise<string>((resolve) => {
    let text = "";
    const take = (bytes: Buffer): void => {
      text += bytes.toString("latin1");
      if (!text.endsWith("hello")) return;
      socket.off("data", take);
      resolve(text);
    };
    socket.on("data", take);
  });
  socket.write("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  return await answer;
}

describe("a listener under TLS", () => {
  test("shows each client the certificate of the host it names (RFC 6066 §3), and the first where it names none", async () => {
    await using origin = new RawServer(answering("hello"));
    const port = freePort();
    await using _driver = await ProxyDriver.start(planOn(port, origin, tlsPlan()));
    expect(await curl(port, "shop.example")).toBe("hello");
    expect(await curl(port, "a.cloud.example")).toBe("hello");
    expect(await curl(port, "blog.example")).toBe("hello");
    expect(await curl(port, "a.b.cloud.example")).toContain("curl: (60)");
    expect(await shownTo(port, "")).toBe("shop.example");
    expect(await shownTo(port, "BLOG.example")).toBe("blog.example");
    expect(origin.received()).toContain("X-Forwarded-Proto: https\r\n");
  });

  test("speaks no version below the lowest, and only the ciphers that are named", async () => {
    await using origin = new RawServer(answering("hello"));
    const port = freePort();
    const ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
    await using _driver = await ProxyDriver.start(planOn(port, origin, tlsPlan({ ciphers })));
    expect(await curl(port, "shop.example", "--tls-max", "1.2")).toBe("hello");
    const other = ["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"];
    expect(await curl(port, "shop.example", ...other)).toContain("alert handshake failure");
    const newer = freePort();
    await using _newer = await ProxyDriver.start(planOn(newer, origin, tlsPlan({ minVersion: "1.3" })));
    expect(await curl(newer, "shop.example", "--tls-max", "1.2")).toContain("alert protocol version");
    expect(await curl(newer, "shop.example")).toBe("hello");
  });

  test("takes a new certificate into use while connections go on, and keeps the old ones if a new one is of no use", async () => {
    await using origin = new RawServer(answering("hello"));
    const port = freePort();
    const later = { certificate: at("later.pem"), key: at("later.key") };
    copyFileSync(at("blog.example.pem"), later.certificate);
    copyFileSync(at("blog.example.key"), later.key);
    const plan = planOn(port, origin, tlsPlan({ certificates: [pair("shop.example"), later] }));
    await using driver = await ProxyDriver.start(plan);
    const open = connect({ host: "127.0.0.1", port, servername: "blog.example", rejectUnauthorized: false });
    expect(await askOver(open)).toEndWith("hello");
    const before = await serialShown(port);
    const renewed = mkdtempSync(join(tmpdir(), "edge-ha-renewed-"));
    await makeCertificates(renewed, ["blog.example"]);
    copyFileSync(join(renewed, "blog.example.pem"), later.certificate);
    // The new certificate without its key is refused.
    const refusal = await driver.configure(plan).then(String, String);
    expect(refusal).toContain(later.certificate);
    expect(await serialShown(port)).toBe(before);
    copyFileSync(join(renewed, "blog.example.key"), later.key);
    rmSync(renewed, { recursive: true });
    await driver.configure(plan);
    expect(await serialShown(port)).not.toBe(before);
    expect(await askOver(open)).toEndWith("hello");
    open.destroy();
  });

  test("asks clients for a certificate, and tells the server whose it is", async () => {
    await using origin = new RawServer(answering("hello"));
    const port = freePort();
    const clients = { ca: at("ca.pem"), mode: "require" } as const;
    await using _driver = await ProxyDriver.start(planOn(port, origin, tlsPlan({ clients })));
    const own = ["--cert", at("client.example.pem"), "--key", at("client.example.key")];
    expect(await curl(port, "shop.example")).toBe("400 Bad Request\n");
    expect(origin.received()).toBe("");
    expect(await curl(port, "shop.example", ...own, "-H", "X-SSL-Client-S-DN: CN=root")).toBe("hello");
    const sent = origin.received();
    expect(sent).toContain("X-SSL-Client-Verify: SUCCESS\r\nX-SSL-Client-S-DN: CN=client.example\r\n");
    expect(sent).not.toContain("CN=root");
    expect(await curl(port, "blog.example", ...own)).toBe("hello");
  });

  test("takes clients without a certificate where it is optional, and none with a bad one", async () => {
    await using origin = new RawServer(answering("hello"));
    const port = freePort();
    const clients = { ca: at("shop.example.pem"), mode: "optional" } as const;
    await using _driver = await ProxyDriver.start(planOn(port, origin, tlsPlan({ clients })));
    expect(await curl(port, "shop.example")).toBe("hello");
    expect(origin.received()).toContain("X-SSL-Client-Verify: NONE\r\n");
    const own = ["--cert", at("client.example.pem"), "--key", at("client.example.key")];
    expect(await curl(port, "shop.example", ...own)).toBe("400 Bad Request\n");
  });

  test("tells logs the same of it, and shows the same error pages, in HTTP/1.1 and HTTP/2", async () => {
    await using origin = new RawServer(answering("hello", "X-Kind: good\r\n"));
    const port = freePort();
    const clients = { ca: at("ca.pem"), mode: "require" } as const;
    const log = at("access.log");
    const page = at("sorry.html");
    writeFileSync(page, "<h1>sorry</h1>");
    const variables = ["protocol", "cipher", "server_name", "client_verify", "client_s_dn", "client_serial"];
    const format = `$server_protocol $status ${variables.map((name) => `$ssl_${name}`).join(" ")} $sent_http_x_kind $sent_http_content_type`;
    const errorPages = { pages: [["502", page] as const], intercepts: false };
    const broken = new RawServer((connection) => connection.socket.terminate());
    const upstreams = [
      upstream("apps", [upstreamServer(origin.port)]),
      upstream("dead", [upstreamServer(broken.port)]),
    ];
    const dead = route("/dead", "dead", { content: { ...noContent, errorPages } });
    await using _broken = broken;
    await using _driver = await ProxyDriver.start({
      ...planOn(port, origin, tlsPlan({ clients }), { http2: true }),
      upstreams,
      sites: [site(["*"], [dead, route("/", "apps")], { accessLog: fileLog(log, format) })],
    });
    const own = ["--cert", at("client.example.pem"), "--key", at("client.example.key")];
    for (const version of ["--http1.1", "--http2"]) {
      expect(await curl(port, "shop.example", version, ...own)).toBe("hello");
      const failed = ["-w", " %{http_code} %{content_type}\\n", "https://shop.example/dead"];
      expect(await curl(port, "shop.example", version, ...own, ...failed)).toContain(
        "<h1>sorry</h1> 502 text/html",
      );
    }
    await waitFor("all lines", () => readFileSync(log, "utf8").split("\n").length === 7);
    const lines = readFileSync(log, "utf8").trim().split("\n");
    const [first = "", second = "", third = "", ...others] = lines.map((line) =>
      line.replace(/^HTTP\/1\.1 /, ""),
    );
    expect(others).toEqual([first, second, third].map((line) => `HTTP/2.0 ${line}`));
    expect(first).toMatch(/^200 TLSv1\.3 TLS_\S+ shop\.example SUCCESS CN=client\.example [0-9A-F]+ good -$/);
    expect(lines.join("\n")).toMatch(/^HTTP\/1\.1 502 TLSv1\.3 .* - text\/html/m);
  });

  test("tells in the log what was agreed on by ALPN, and who came back with a session", async () => {
    await using origin = new RawServer(answering("hello"));
    const port = freePort();
    const log = at("sessions.log");
    const sites = [
      site(["*"], [route("/", "apps")], {
        accessLog: fileLog(log, "$ssl_alpn_protocol $ssl_session_reused $https $http2."),
      }),
    ];
    await using _driver = await ProxyDriver.start({
      ...planOn(port, origin, tlsPlan(), { http2: true }),
      sites,
    });
    const askOver = async (session?: Buffer): Promise<Buffer> => {
      const o = { host: "127.0.0.1", port, servername: "shop.example", rejectUnauthorized: false };
      const socket = connect({ ...o, ALPNProtocols: ["http/1.1"], ...(session && { session }) });
      const told = new Promise<Buffer>((resolve) => socket.once("session", resolve));
      await new Promise((resolve) => socket.once("secureConnect", resolve));
      socket.write("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
      await new Promise((resolve) => socket.once("data", resolve));
      const ticket = await told;
      socket.destroy();
      return ticket;
    };
    await askOver(await askOver());
    expect(await curl(port, "shop.example", "--http2")).toBe("hello");
    await waitFor("all lines", () => existsSync(log) && readFileSync(log, "utf8").split("\n").length === 4);
    expect(readFileSync(log, "utf8")).toBe("http/1.1 . on .\nhttp/1.1 r on .\nh2 . on h2.\n");
  });

  test("forgets a client that resets its connection amid a request, though nothing is known of its keys any more", async () => {
    await using origin = new RawServer(() => undefined);
    const port = freePort();
    const log = at("gone.log");
    const format =
      "$request $status $ssl_protocol $ssl_cipher $ssl_server_name $ssl_alpn_protocol $ssl_session_reused";
    const sites = [site(["*"], [route("/", "apps")], { accessLog: fileLog(log, format) })];
    await using driver = await ProxyDriver.start({ ...planOn(port, origin, tlsPlan()), sites });
    const below = connectTcp(port, "127.0.0.1");
    const socket = connect({ socket: below, servername: "shop.example", rejectUnauthorized: false });
    socket.on("error", () => undefined);
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    socket.write("GET /gone HTTP/1.1\r\nHost: shop.example\r\n\r\n");
    await waitFor("the request", () => origin.received().endsWith("\r\n\r\n"));
    below.resetAndDestroy();
    await waitFor("no connection", async () => (await driver.nextStatus()).connections === 0);
    await waitFor("the line", () => existsSync(log) && readFileSync(log, "utf8").endsWith("\n"));
    expect(readFileSync(log, "utf8")).toBe("GET /gone HTTP/1.1 499 - - - - .\n");
    expect(driver.log()).toBe("");
  });

  test("carries large bodies both ways unharmed", async () => {
    const port = freePort();
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const body = Buffer.concat(Array.from({ length: 160 }, () => bytes));
    const server = Bun.serve({
      port: 0,
      maxRequestBodySize: 2 ** 30,
      fetch: async (request) => new Response(await request.arrayBuffer()),
    });
    await using _driver = await ProxyDriver.start(
      simplePlan(port, [upstreamServer(server.port ?? 0)], {
        listeners: [listener(port, { tls: tlsPlan() })],
      }),
    );
    writeFileSync(at("body"), body);
    const answer = at("answer");
    await curl(port, "shop.example", "--data-binary", `@${at("body")}`, "-o", answer);
    expect((await Bun.file(answer).bytes()).length).toBe(body.length);
    expect(Buffer.from(await Bun.file(answer).bytes()).equals(body)).toBe(true);
    await server.stop(true);
  });

  test("cuts off who does not finish the handshake, and who speaks in clear text", async () => {
    await using origin = new RawServer(answering("hello"));
    const port = freePort();
    const plan = planOn(port, origin, tlsPlan(), { headTimeoutMs: 300 });
    await using driver = await ProxyDriver.start(plan);
    const silent = await RawClient.connect(port);
    await silent.expectEnd();
    const plain = await RawClient.connect(port);
    plain.send("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
    await plain.expectEnd();
    expect(origin.received()).toBe("");
    expect((await driver.nextStatus()).connections).toBe(0);
  });
});

async function serialShown(port: number): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port, servername: "blog.example", rejectUnauthorized: false });
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  const { fingerprint } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint;
}

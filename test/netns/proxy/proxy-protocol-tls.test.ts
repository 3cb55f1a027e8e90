import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import type { ListenerPlan } from "../../../src/config/http-plan.ts";
import type { ProxyPlan } from "../../../src/config/node-plan.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { haproxyFront } from "../../support/haproxy-front.ts";
import { waitFor } from "../../support/lab.ts";
import { runCommand } from "../../support/lab-command.ts";
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
import { answering, RawServer } from "../../support/raw-tcp.ts";

/** The PROXY protocol in front of TLS, as balancers send it that leave TLS alone. */

setDefaultTimeout(30_000);

const folder = mkdtempSync(join(tmpdir(), "edge-ha-fronted-"));
const at = (name: string): string => join(folder, name);
beforeAll(() => makeCertificates(folder, ["shop.example", "blog.example"]));
afterAll(() => rmSync(folder, { recursive: true }));

const megabytes = 24;
const body = Buffer.alloc(megabytes * 1024 ** 2, "edge-ha 0123456789 ");
const hash = (bytes: Uint8Array | string): string =>
  new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
const header = "PROXY TCP4 192.0.2.31 192.0.2.11 40000 443\r\n";
const request = "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n";

function planOn(port: number, origin: number, more: Partial<ListenerPlan> = {}): ProxyPlan {
  const pair = (name: string): { certificate: string; key: string } => ({
    certificate: at(`${name}.pem`),
    key: at(`${name}.key`),
  });
  const certificates = [pair("shop.example"), pair("blog.example")];
  const tls = { certificates, minVersion: "1.2", ciphers: null, clients: null } as const;
  const proxyProtocol = { from: [{ address: "127.0.0.0", length: 8 }], timeoutMs: 5_000 };
  const accessLog = fileLog(
    at("access.log"),
    "$remote_addr $remote_port $server_addr $server_port $ssl_server_name $server_protocol",
  );
  return simplePlan(port, [upstreamServer(origin)], {
    listeners: [listener(port, { tls, proxyProtocol, http2: true, ...more })],
    sites: [{ ...site(["*"], [route("/", "apps", { maxBodyBytes: 2 ** 30 })]), accessLog }],
  });
}

async function curl(port: number, ...words: readonly string[]): Promise<string> {
  const to = ["--connect-to", `::127.0.0.1:${port}`, "--cacert", at("ca.pem"), "-sS", "--max-time", "20"];
  const { stderr, stdout } = await runCommand(["curl", ...to, ...words, "https://shop.example/"]);
  return stdout + stderr;
}

async function logged(): Promise<readonly string[]> {
  return (await Bun.file(at("access.log")).text()).trim().split("\n");
}

/** Connects, sends a header, and begins TLS behind it. */
async function fronted(port: number, said = header): Promise<TLSSocket> {
  const socket = createConnection({ host: "127.0.0.1", port });
  await once(socket, "connect");
  socket.write(said);
  const secured = connect({ socket, servername: "shop.example", rejectUnauthorized: false });
  await once(secured, "secureConnect");
  return secured;
}

/** Gives the ports of the loopback address that a process listens on beside its own. */
async function innerPorts(pid: number, own: number): Promise<readonly number[]> {
  const { stdout } = await runCommand(["ss", "-Hltnp"]);
  const lines = stdout.split("\n").filter((line) => line.includes(`pid=${pid},`));
  return lines.flatMap((line) => {
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? own);
    return port === own ? [] : [port];
  });
}

describe("a listener with proxy_protocol and TLS", () => {
  test("is fed by HAProxy, over HTTP/1.1 and HTTP/2, and by curl's own header", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    await using proxy = await ProxyDriver.start(planOn(port, origin.port));
    const front = freePort();
    await using _haproxy = await haproxyFront(front, port, "send-proxy-v2");
    for (const [version, address] of [
      ["--http1.1", "127.0.0.5"],
      ["--http2", "127.0.0.6"],
    ] as const) {
      expect(await curl(front, version, "--interface", address)).toBe("ok");
      expect(origin.received()).toContain(
        `X-Real-IP: ${address}\r\nX-Forwarded-For: ${address}\r\nX-Forwarded-Proto: https\r\n`,
      );
    }
    expect(await curl(port, "--haproxy-protocol", "--interface", "127.0.0.7")).toBe("ok");
    expect(origin.received()).toContain("X-Real-IP: 127.0.0.7\r\n");
    proxy.send({ kind: "reopen" });
    await waitFor("the log is written", async () => (await logged()).length === 3);
    expect((await logged())[1]).toMatch(
      new RegExp(`^127\\.0\\.0\\.6 \\d+ 127\\.0\\.0\\.1 ${front} shop\\.example HTTP/2\\.0$`),
    );
    expect(proxy.log()).toBe("");
  });

  test("counts each connection once, limits the one that the header names, and cuts who speaks TLS at once", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    await using proxy = await ProxyDriver.start(planOn(port, origin.port, { mostPerSource: 1 }));
    const first = await fronted(port);
    first.write(request);
    await once(first, "data");
    expect((await proxy.nextStatus()).connections).toBe(1);
    expect(fronted(port)).rejects.toThrow();
    (await fronted(port, header.replace("192.0.2.31", "192.0.2.32"))).destroy();
    expect(await curl(port)).toContain("curl: (35)");
    first.end();
    await waitFor("there is room again", async () => {
      try {
        (await fronted(port)).destroy();
        return true;
      } catch {
        return false;
      }
    });
    await waitFor("no connection is left", async () => (await proxy.nextStatus()).connections === 0);
  });

  test("carries large bodies both ways, at the pace of a slow reader, and half-closed connections", async () => {
    using origin = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (asked) => new Response(asked.method === "PUT" ? hash(await asked.bytes()) : body),
    });
    const port = freePort();
    await using proxy = await ProxyDriver.start(planOn(port, origin.port ?? 0));
    await Bun.write(at("body"), body);
    const words = ["--haproxy-protocol", "--http1.1", "-T", at("body")];
    expect(await curl(port, ...words)).toBe(hash(body));
    await curl(port, "--haproxy-protocol", "--http2", "-o", at("got"));
    expect(hash(await Bun.file(at("got")).bytes())).toBe(hash(body));
    const slow = await fronted(port);
    slow.pause();
    slow.write(request);
    await waitFor("the proxy has begun", async () => (await proxy.nextStatus()).connections === 1);
    await proxy.nextStatus();
    expect(proxy.residentBytes()).toBeLessThan(400 * 1024 ** 2);
    const chunks: Buffer[] = [];
    slow.on("data", (bytes: Buffer) => void chunks.push(bytes));
    slow.resume();
    const length = (): number => chunks.reduce((sum, { length: bytes }) => sum + bytes, 0);
    await waitFor("everything has come", () => length() >= body.length);
    expect(hash(Buffer.concat(chunks).subarray(-body.length))).toBe(hash(body));
    // Our side ends; its answer still comes, and the end behind it.
    slow.write(request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    await once(slow, "end");
    expect(length()).toBeGreaterThanOrEqual(2 * body.length);
    await waitFor("no connection is left", async () => (await proxy.nextStatus()).connections === 0);
    expect(proxy.log()).toBe("");
  });

  test("lets nobody else on the host in by the way that it takes itself", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    await using proxy = await ProxyDriver.start(planOn(port, origin.port));
    const ports = await innerPorts(proxy.pid, port);
    expect(ports).toHaveLength(1);
    for (const inner of ports) {
      expect(await curl(inner)).toStartWith("curl: (");
      expect(await curl(inner, "--interface", "127.0.0.9")).toStartWith("curl: (");
    }
    expect(origin.received()).toBe("");
    expect((await proxy.nextStatus()).connections).toBe(0);
  });

  test("lets in who had come when the listener went, and closes the way behind him", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    await using proxy = await ProxyDriver.start(planOn(port, origin.port));
    const socket = createConnection({ host: "127.0.0.1", port });
    await once(socket, "connect");
    await waitFor("he is in", async () => (await proxy.nextStatus()).connections === 1);
    await proxy.configure({ ...planOn(port, origin.port), listeners: [], sites: [] });
    expect(await innerPorts(proxy.pid, port)).toHaveLength(1);
    socket.write(header);
    const late = connect({ socket, servername: "shop.example", rejectUnauthorized: false });
    await once(late, "secureConnect");
    await waitFor("the way is closed", async () => (await innerPorts(proxy.pid, port)).length === 0);
    late.write(request);
    const [answer] = (await once(late, "data")) as readonly Buffer[];
    expect(answer?.toString("latin1")).toStartWith("HTTP/1.1 200 OK\r\n");
    late.destroy();
  });

  test("loses no request when the process drains", async () => {
    await using origin = new RawServer(() => undefined);
    const port = freePort();
    await using proxy = await ProxyDriver.start(planOn(port, origin.port));
    const idle = await fronted(port);
    idle.resume();
    const client = await fronted(port);
    client.write(request);
    let text = "";
    client.on("data", (bytes: Buffer) => void (text += bytes.toString("latin1")));
    await waitFor("the server is asked", () => origin.received().includes("GET /"));
    proxy.send({ kind: "drain", deadlineMs: 20_000 });
    await once(idle, "close"); // it has begun
    const end = once(client, "end");
    origin.connections[0]?.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    await end;
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n[^]*hello$/);
    client.end();
    expect(await proxy.exited).toBe(0);
  });
});

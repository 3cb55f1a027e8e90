import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UpstreamTlsPlan } from "../../../src/config/http-plan.ts";
import type { ProxyPlan } from "../../../src/config/node-plan.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { runCommand } from "../../support/lab-command.ts";
import { waitFor } from "../../support/lab.ts";
import { freePort, ProxyDriver, simplePlan, upstream, upstreamServer } from "../../support/proxy-driver.ts";
import { ask, RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const folder = mkdtempSync(join(tmpdir(), "edge-ha-upstream-tls-"));
const foreign = mkdtempSync(join(tmpdir(), "edge-ha-upstream-tls-"));
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  await makeCertificates(folder, ["apps.example", "127.0.0.1", "edge.example"]);
  await makeCertificates(foreign, ["apps.example", "edge.example"]);
  const names = ["-subj", "/CN=old", "-addext", "subjectAltName=DNS:apps.example"];
  await openssl("req", "-new", "-key", at("apps.example.key"), ...names, "-out", at("old.csr"));
  const signed = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-days", "-1", "-copy_extensions", "copyall"];
  await openssl("x509", "-req", "-in", at("old.csr"), ...signed, "-out", at("old.pem"));
  copyFileSync(at("apps.example.key"), at("old.key"));
});
afterAll(() => {
  for (const path of [folder, foreign]) rmSync(path, { recursive: true });
});

async function openssl(...words: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runCommand(["openssl", ...words]);
  if (exitCode !== 0) throw new Error(stderr);
}

const text = (path: string): string => readFileSync(path, "latin1");

interface Origin extends AsyncDisposable {
  readonly port: number;
  readonly bodies: readonly number[];
  /** Connections that requests came over. */
  readonly connections: ReadonlySet<number>;
}

/** A server under TLS that says how long a request's body was, and echoes what comes over a WebSocket. */
function serve(name: string, more: Bun.TLSOptions = {}, directory = folder): Origin {
  const bodies: number[] = [];
  const connections = new Set<number>();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    maxRequestBodySize: 2 ** 30,
    tls: { cert: text(join(directory, `${name}.pem`)), key: text(join(directory, `${name}.key`)), ...more },
    fetch: async (request, self) => {
      if (self.upgrade(request)) return undefined;
      connections.add(self.requestIP(request)?.port ?? 0);
      const body = await request.bytes();
      bodies.push(body.length);
      return new Response(body.length > 0 ? body : "hello");
    },
    websocket: { message: (socket, message) => void socket.send(message) },
  });
  return { port: server.port ?? 0, bodies, connections, [Symbol.asyncDispose]: () => server.stop(true) };
}

function planOf(port: number, origins: readonly number[], tls: Partial<UpstreamTlsPlan>): ProxyPlan {
  const servers = origins.map((origin) => upstreamServer(origin));
  const settings = { verifies: true, ca: at("ca.pem"), serverName: "apps.example", identity: null, ...tls };
  return simplePlan(port, servers, { upstreams: [{ ...upstream("apps", servers), tls: settings }] });
}

function pairIn(directory: string): UpstreamTlsPlan["identity"] {
  return { certificate: join(directory, "edge.example.pem"), key: join(directory, "edge.example.key") };
}

const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

describe("an upstream under TLS", () => {
  test("is spoken to over connections that are kept, with large bodies both ways, and WebSockets", async () => {
    await using origin = serve("apps.example");
    const port = freePort();
    await using driver = await ProxyDriver.start(planOf(port, [origin.port], {}));
    expect(await ask(port, request)).toEndWith("hello");
    expect(await ask(port, request)).toEndWith("hello");
    expect(origin.connections.size).toBe(1);
    const body = Buffer.alloc(5_000_000, "0123456789abcdef-");
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body });
    expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    const echo = new Promise((resolve) => socket.addEventListener("message", ({ data }) => resolve(data)));
    socket.addEventListener("open", () => socket.send("over TLS"));
    expect(await echo).toBe("over TLS");
    socket.close();
    expect(driver.log()).not.toContain("no TLS");
  });

  test("is known by the name that its servers were found by, where it has none of its own", async () => {
    await using origin = serve("apps.example");
    const port = freePort();
    const tls = { verifies: true, ca: at("ca.pem"), serverName: null, identity: null };
    const of = (name: string): ProxyPlan =>
      simplePlan(port, [], {
        upstreams: [upstream("apps", [upstreamServer(origin.port, { name })], { tls })],
      });
    await using driver = await ProxyDriver.start(of("apps.example"));
    expect(await ask(port, request)).toEndWith("hello");
    await driver.configure(of("other.example"));
    expect(await ask(port, request)).toStartWith("HTTP/1.1 502");
  });

  test.each([
    ["a certificate for another name", "127.0.0.1", {}, "Host: apps.example. is not cert's CN"],
    ["a certificate that has run out", "old", {}, "certificate has expired"],
    [
      "a certificate for a name where its address is what counts",
      "apps.example",
      { serverName: null },
      "IP: 127.0.0.1 is not in the cert's list",
    ],
    ["a certificate that this host does not trust", "apps.example", { ca: null }, "unable to verify"],
  ])("is not spoken to if it shows %s, unless nothing is verified", async (_, name, settings, words) => {
    await using origin = serve(name);
    const port = freePort();
    await using driver = await ProxyDriver.start(planOf(port, [origin.port], settings));
    expect(await ask(port, request)).toContain(" 502 ");
    expect(await ask(port, request)).toContain(" 502 ");
    expect(driver.log()).toContain(words);
    expect(driver.log().match(/no TLS with server/g)).toHaveLength(1);
    expect(origin.bodies).toHaveLength(0);
    await driver.configure(planOf(port, [origin.port], { ...settings, verifies: false, ca: null }));
    expect(await ask(port, request)).toEndWith("hello");
  });

  test("is not spoken to if another authority signed, and counts as a server that refuses connections", async () => {
    await using wrong = serve("apps.example", {}, foreign);
    await using clear = new RawServer((connection) => connection.send("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await using right = serve("apps.example");
    const port = freePort();
    const plan = planOf(port, [wrong.port, clear.port, right.port], {});
    await using driver = await ProxyDriver.start(plan);
    for (let count = 0; count < 3; count++) {
      const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc";
      expect(await ask(port, post)).toEndWith("abc");
    }
    expect(right.bodies).toEqual([3, 3, 3]);
    expect(driver.log()).toContain(`127.0.0.1:${wrong.port}: unable to verify`);
    expect(driver.log()).toContain(`127.0.0.1:${clear.port}: the server does not speak TLS`);
    expect(clear.received()).not.toContain("POST");
  });

  test("may be known by its address", async () => {
    await using origin = serve("127.0.0.1");
    const port = freePort();
    await using _driver = await ProxyDriver.start(planOf(port, [origin.port], { serverName: null }));
    expect(await ask(port, request)).toEndWith("hello");
  });

  test("is shown a certificate, another one over new connections after a reload", async () => {
    const wants = { ca: text(at("ca.pem")), requestCert: true, rejectUnauthorized: true };
    await using origin = serve("apps.example", wants);
    const port = freePort();
    await using driver = await ProxyDriver.start(planOf(port, [origin.port], {}));
    expect(await ask(port, request)).toContain(" 502 ");
    await driver.configure(planOf(port, [origin.port], { identity: pairIn(folder) }));
    expect(await ask(port, request)).toEndWith("hello");
    await driver.configure(planOf(port, [origin.port], { identity: pairIn(foreign) }));
    expect(await ask(port, request)).toContain(" 502 ");
    await waitFor("the reason", () => driver.log().includes("no TLS with server"));
  });
});

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { BodyTest, HttpCheck, ProbePlan, ProbeTiming, TlsPlan } from "../../../src/config/check-plan.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { type Host, Lab, waitFor } from "../../support/lab.ts";
import { plannedProbe, usualHttp, usualTiming } from "../../support/probe-plans.ts";
import { probeResults } from "../../support/probe-results.ts";

/** HTTP and HTTPS checks of a live nginx with two virtual hosts. */

setDefaultTimeout(120_000);
const web = "10.77.0.21";
const page = "ready, and well\n";
let lab: Lab;
let director: Host;
let server: Host;

beforeAll(async () => {
  lab = await Lab.create();
  await lab.bridge("lan");
  director = await lab.host("director", { eth0: { bridge: "lan", address: "10.77.0.11/24" } });
  server = await lab.host("web", { eth0: { bridge: "lan", address: `${web}/24` } });
  await makeCertificates(server.directory, ["a.example", "b.example", web]);
  await Bun.write(join(server.directory, "nginx.conf"), configuration(server.directory));
  server.spawn(["nginx", "-p", server.directory, "-c", join(server.directory, "nginx.conf"), "-e", "stderr"]);
  await waitFor("nginx listens", async () => {
    return (await server.run(["curl", "-sf", `http://${web}/`])).exitCode === 0;
  });
});
afterAll(() => lab[Symbol.asyncDispose]());

function secureServer(name: string, listen: string): string {
  return `server { listen ${listen}; server_name ${name};
    ssl_certificate ${name}.pem; ssl_certificate_key ${name}.key; location / { return 200 "${name}\\n"; } }`;
}

function configuration(folder: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  return `daemon off; master_process off; pid nginx.pid; user root;
    events { worker_connections 256; }
    http { access_log off; ${temporary.join(" ")}
      server { listen 80; server_name _;
        location / { return 200 "${page.replace("\n", "\\n")}"; }
        location /asked { return 200 "$request_method $http_host $http_x_check $server_protocol $remote_addr"; }
        location /chunked { sub_filter_once off; sub_filter well WELL; sub_filter_types *; proxy_pass http://127.0.0.1/; } }
      server { listen 8090 proxy_protocol; location / { return 200 "told <$proxy_protocol_addr>, from $remote_addr"; } }
      ${secureServer("a.example", "8444 ssl proxy_protocol")}
      ${secureServer("a.example", "443 ssl default_server")}
      ${secureServer("b.example", "443 ssl")}
      ${secureServer(web, "8443 ssl default_server")} }`;
}

type Change = Partial<HttpCheck & ProbeTiming> & { readonly port?: number };

function probe(id: string, { port = 80, ...change }: Change = {}): ProbePlan {
  return { ...usualTiming, ...usualHttp, id, target: { address: web, port }, ...change };
}

function body(id: string, asked: BodyTest, change: Change = {}): ProbePlan {
  return probe(id, { body: asked, ...change });
}

function digest(algorithm: "md5" | "sha256", text: string): BodyTest {
  return { kind: "digest", algorithm, hex: createHash(algorithm).update(text).digest("hex") };
}

test("bodies are asked for characters, patterns and digests", async () => {
  const seen = await probeResults(director, [
    body("contains", { kind: "contains", text: "and well" }),
    body("lacks", { kind: "contains", text: "and ill" }),
    body("matches", { kind: "matches", pattern: "^ready, .* well$" }),
    body("matches not", { kind: "matches", pattern: "^well" }),
    body("md5", digest("md5", page)),
    body("sha256", digest("sha256", page)),
    body("other", digest("md5", "another")),
    body("chunked", digest("sha256", page.replace("well", "WELL")), { path: "/chunked" }),
    body("status first", { kind: "contains", text: "well" }, { status: [{ from: 404, to: 404 }] }),
  ]);
  expect(seen).toMatchObject({
    contains: expect.stringMatching(/^up: status 200 in /),
    lacks: 'down: body does not contain "and ill"',
    matches: expect.stringMatching(/^up: /),
    "matches not": "down: body does not match /^well/",
    md5: expect.stringMatching(/^up: /),
    sha256: expect.stringMatching(/^up: /),
    other: expect.stringMatching(
      /^down: MD5 of the body is [0-9a-f]{32}, want b32d73e56ec99bc5ec8f83871cde708a$/,
    ),
    chunked: expect.stringMatching(/^up: /),
    "status first": "down: status 200, want 404",
  });
});

/** A probe that is well if what nginx says it was asked contains a text. */
function asked(id: string, text: string, change: Change = {}): ProbePlan {
  return body(id, { kind: "contains", text }, { path: "/asked", ...change });
}

test("requests go out as they are written, from where they are told to", async () => {
  await director.ip(["address", "add", "10.77.0.12/24", "dev", "eth0"]);
  const seen = await probeResults(director, [
    asked("plain", `GET ${web}  HTTP/1.1 10.77.0.11`),
    asked("fields", "OPTIONS a.example yes HTTP/1.0 10.77.0.12", {
      method: "OPTIONS",
      host: "a.example",
      version: "1.0",
      headers: [["X-Check", "yes"]],
      source: "10.77.0.12",
    }),
    asked("nowhere", "", { source: "10.77.0.99" }),
  ]);
  expect(seen).toMatchObject({
    plain: expect.stringMatching(/^up: /),
    fields: expect.stringMatching(/^up: /),
    nowhere: "down: this node has no address 10.77.0.99 to check from",
  });
});

test("marked checks go the way of their mark", async () => {
  const rule = ["fwmark", "77", "prohibit"];
  await director.ip(["rule", "add", ...rule]);
  const seen = await probeResults(director, [probe("unmarked"), probe("marked", { mark: 77 })]);
  await director.ip(["rule", "delete", ...rule]);
  expect(seen).toMatchObject({
    unmarked: expect.stringMatching(/^up: /),
    marked: "down: the routes forbid it",
  });
});

test("a server that wants a PROXY header gets the one of a connection that is made for nobody", async () => {
  const wanted = body("v1", { kind: "contains", text: "told <>, from 10.77.0.11" }, { port: 8090 });
  const tls = { serverName: "a.example", ca: null, verifies: false };
  const seen = await probeResults(director, [
    { ...wanted, proxyProtocol: "v1" },
    { ...wanted, id: "v2", proxyProtocol: "v2" },
    { ...wanted, id: "without" },
    probe("inside TLS", { port: 8444, tls, proxyProtocol: "v2" }),
    probe("inside TLS, without", { port: 8444, tls }),
    probe("unasked", { proxyProtocol: "v1" }),
  ]);
  expect(seen).toMatchObject({
    v1: expect.stringMatching(/^up: /),
    v2: expect.stringMatching(/^up: /),
    without: expect.stringMatching(/^down: connection (reset|closed)/),
    "inside TLS": expect.stringMatching(/^up: /),
    "inside TLS, without": expect.stringMatching(/^down: /),
    unasked: "down: status 400, want 200–299",
  });
  const program = `import socket\ns = socket.create_server(("", 8091))\nprint("ready", flush=True)
print(s.accept()[0].makefile("rb").read(), flush=True)`;
  const listener = server.spawn(["python3", "-c", program]);
  await waitFor("a program listens", () => listener.output().includes("ready"));
  const tcp = { kind: "tcp" } as const;
  const timing = { target: { address: web, port: 8091 }, proxyProtocol: "v1" } as const;
  expect(await probeResults(director, [plannedProbe("tcp", tcp, timing)])).toMatchObject({
    tcp: expect.stringMatching(/^up: connected/),
  });
  await listener.exited;
  expect(listener.output()).toContain(String.raw`b'PROXY UNKNOWN\r\n'`);
});

test("certificates are asked for by name and judged", async () => {
  const ca = join(server.directory, "ca.pem");
  const usual: TlsPlan = { serverName: "a.example", ca, verifies: true };
  const secure = (id: string, change: Partial<TlsPlan> = {}, port = 443): ProbePlan =>
    probe(id, { tls: { ...usual, ...change }, host: change.serverName ?? "a.example", port });
  const seen = await probeResults(director, [
    { ...secure("a"), body: { kind: "contains", text: "a.example" } } as ProbePlan,
    {
      ...secure("b", { serverName: "b.example" }),
      body: { kind: "contains", text: "b.example" },
    } as ProbePlan,
    secure("other name", { serverName: "c.example" }),
    secure("other name, unverified", { serverName: "c.example", verifies: false, ca: null }),
    secure("unknown authority", { ca: null }),
    secure("by address", { serverName: null }, 8443),
    secure("by address, of a name", { serverName: null }),
    secure("in clear text", {}, 80),
  ]);
  expect(seen).toMatchObject({
    a: expect.stringMatching(/^up: status 200 in /),
    b: expect.stringMatching(/^up: status 200 in /),
    "other name": "down: certificate is for another name",
    "other name, unverified": expect.stringMatching(/^up: /),
    "unknown authority": expect.stringMatching(
      /^down: certificate is not trusted \(.*: name its ca, or verify = false$/,
    ),
    "by address": expect.stringMatching(/^up: /),
    "by address, of a name": "down: certificate is for another name",
    "in clear text": expect.stringMatching(/^down: no TLS \(/),
  });
});

test("edge-ha digest prints what genhash prints, and what a check with a digest finds", async () => {
  const own = [process.execPath, join(import.meta.dir, "../../../src/main.ts"), "digest"];
  const digest = async (...words: readonly string[]): Promise<string> =>
    (await director.run([...own, ...words])).stdout;
  const genhash = async (...words: readonly string[]): Promise<string> =>
    /\b[0-9a-f]{32}\b/.exec((await director.run(["genhash", ...words])).stdout)?.[0] ?? "none";
  const ca = join(server.directory, "ca.pem");
  const sha256 = createHash("sha256").update(page).digest("hex");
  const md5 = await genhash("-s", web, "-p", "80", "-u", "/");
  expect(await digest(`http://${web}/`)).toBe(
    `status 200, ${page.length} bytes\nmd5:${md5}\nsha256:${sha256}\n`,
  );
  // Chunks are how the page travels; genhash digests what comes with HTTP/1.0, where there are none.
  const chunked = await genhash("-s", web, "-p", "80", "-u", "/chunked");
  expect(await digest(`http://${web}/chunked`)).toContain(`md5:${chunked}\n`);
  const secure = await genhash("-S", "-I", "-V", "b.example", "-s", web, "-p", "443", "-u", "/");
  expect(await digest("https://b.example/", "--address", web, "--ca", ca)).toContain(`md5:${secure}\n`);
  expect(secure).not.toBe(md5);
  const missing = JSON.parse(
    await digest("--json", "--http-version", "1.0", `http://${web}/missing`),
  ) as unknown;
  expect(missing).toMatchObject({ status: 200 });
  const refused = await director.run([...own, "--timeout", "2s", "https://b.example/", "--address", web]);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain("https://b.example/: certificate is not trusted");
  expect((await director.run([...own, "ftp://x/"])).exitCode).toBe(2);
});

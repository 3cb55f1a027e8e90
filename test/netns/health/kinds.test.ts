import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import type {
  DnsCheck,
  GrpcCheck,
  ProbePlan,
  ProbeTiming,
  SmtpCheck,
  TlsPlan,
} from "../../../src/config/check-plan.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { type Host, Lab, waitFor } from "../../support/lab.ts";
import { plannedProbe } from "../../support/probe-plans.ts";
import { probeResults } from "../../support/probe-results.ts";

/** Checks of live servers of other kinds than the web: dnsmasq, exim, a gRPC server, and what the kernel itself answers. */

setDefaultTimeout(120_000);
const address = "10.77.0.21";
const address6 = "fd77::21";
const badDns = 5301;
const up: unknown = expect.stringMatching(/^up: /);
let lab: Lab;
let director: Host;
let server: Host;
let tls: TlsPlan;

beforeAll(async () => {
  lab = await Lab.create();
  await lab.bridge("lan");
  director = await lab.host("director", { eth0: { bridge: "lan", address: "10.77.0.11/24" } });
  server = await lab.host("server", { eth0: { bridge: "lan", address: `${address}/24` } });
  await director.ip(["address", "add", "fd77::11/64", "dev", "eth0"]);
  await server.ip(["address", "add", `${address6}/64`, "dev", "eth0"]);
  await makeCertificates(server.directory, ["a.example"]);
  chmodSync(join(server.directory, "a.example.key"), 0o644);
  tls = { serverName: "a.example", ca: join(server.directory, "ca.pem"), verifies: true };
  await startServers();
});
afterAll(() => lab[Symbol.asyncDispose]());

async function startServers(): Promise<void> {
  const at = (name: string): string => join(server.directory, name);
  const records = [
    "--address=/a.example/192.0.2.8",
    "--txt-record=t.example,hello world",
    "--mx-host=m.example,mx.example,10",
  ];
  const quiet = [
    "--keep-in-foreground",
    "--no-resolv",
    "--no-hosts",
    "--conf-file=/dev/null",
    "--pid-file",
    "--user=root",
  ];
  server.spawn(["dnsmasq", ...quiet, "--local=/example/", ...records]);
  // It gives up root before it writes anything.
  await server.run(["install", "-d", "-o", "Debian-exim", at("mail")]);
  await Bun.write(at("exim.conf"), eximConfiguration());
  chmodSync(at("exim.conf"), 0o644);
  server.spawn(["exim4", "-bdf", "-C", at("exim.conf"), "-oX", "25"]);
  const health = ["/usr/bin/python3", join(import.meta.dir, "servers/grpc-health.py")];
  server.spawn([...health, "50051"]);
  server.spawn([...health, "50052", at("a.example.pem"), at("a.example.key")]);
  // Whoever is asked there answers the same, whatever the question.
  const liar = `const s = await Bun.udpSocket({ port: ${badDns}, socket: { data(socket, bytes, port, from) {
    socket.send(Buffer.from("nonsense"), port, from); } } });`;
  server.spawn([process.execPath, "-e", liar]);
  await waitFor("all listen", async () => {
    const { stdout } = await server.run(["ss", "-Hltun"]);
    return [":53 ", ":25 ", ":50051 ", ":50052 ", `:${badDns} `].every((port) => stdout.includes(port));
  });
}

function eximConfiguration(): string {
  const { directory } = server;
  return `primary_hostname = mail.example
keep_environment =
spool_directory = ${directory}/mail
log_file_path = ${directory}/mail/%s.log
pid_file_path = ${directory}/mail/exim.pid
tls_advertise_hosts = *
tls_certificate = ${directory}/a.example.pem
tls_privatekey = ${directory}/a.example.key
host_lookup =
rfc1413_hosts =
acl_smtp_helo = accept_helo
begin acl
accept_helo:
  deny message = not you
       condition = \${if eq{$sender_helo_name}{stranger.example}}
  accept
`;
}

function probe(
  id: string,
  check: Parameters<typeof plannedProbe>[1],
  port: number,
  change: Partial<ProbeTiming> = {},
): ProbePlan {
  return plannedProbe(id, check, { target: { address, port }, ...change });
}

test("UDP: replies are compared, silence is no objection, and an unreachable port is down", async () => {
  const payload = Buffer.from("x").toHex();
  const udp = (id: string, expected: string | null, port: number): ProbePlan =>
    probe(id, { kind: "udp", payload, expect: expected }, port);
  const seen = await probeResults(director, [
    udp("as expected", "6e6fxx73", badDns),
    udp("otherwise", "00", badDns),
    udp("any", null, badDns),
    udp("nobody", null, 9),
    udp("nobody, expected", "00", 9),
    udp("silent", null, 53),
    udp("silent, expected", "00", 53),
  ]);
  expect(seen).toMatchObject({
    "as expected": expect.stringMatching(/^up: reply of 8 bytes in /),
    otherwise: "down: reply 6e6f6e73656e7365, want 00",
    any: expect.stringMatching(/^up: reply of 8 bytes in /),
    nobody: "down: port unreachable",
    "nobody, expected": "down: port unreachable",
    silent: expect.stringMatching(/^up: no objection in /),
    "silent, expected": "down: no answer within 1000 ms",
  });
});

test("DNS: answers and response codes, over UDP and TCP", async () => {
  const usual: DnsCheck = {
    kind: "dns",
    name: "a.example",
    record: "A",
    rcode: "NOERROR",
    answer: null,
    protocol: "udp",
    recursion: true,
  };
  const dns = (id: string, change: Partial<DnsCheck>, port = 53): ProbePlan =>
    probe(id, { ...usual, ...change }, port);
  const seen = await probeResults(director, [
    dns("any", {}),
    dns("right", { answer: "192.0.2.8" }),
    dns("wrong", { answer: "192.0.2.9" }),
    dns("tcp", { answer: "192.0.2.8", protocol: "tcp" }),
    dns("txt", { name: "t.example", record: "TXT", answer: "hello world" }),
    dns("mx", { name: "m.example", record: "MX", answer: "10 mx.example." }),
    dns("missing", { name: "none.example" }),
    dns("missing, as wanted", { name: "none.example", rcode: "NXDOMAIN" }),
    dns("refused", { name: ".", record: "SOA" }),
    dns("nonsense", {}, badDns),
    dns("nobody", {}, 9),
    dns("nobody, tcp", { protocol: "tcp" }, 9),
  ]);
  expect(seen).toMatchObject({
    any: expect.stringMatching(/^up: NOERROR, 1 answer in /),
    right: expect.stringMatching(/^up: A 192\.0\.2\.8 in /),
    wrong: "down: 192.0.2.8, want 192.0.2.9",
    tcp: up,
    txt: up,
    mx: up,
    missing: "down: NXDOMAIN, want NOERROR",
    "missing, as wanted": up,
    refused: "down: REFUSED, want NOERROR",
    nonsense: "down: no answer within 1000 ms",
    nobody: "down: port unreachable",
    "nobody, tcp": "down: connection refused",
  });
});

function smtp(id: string, change: Partial<SmtpCheck> = {}, port = 25): ProbePlan {
  const check = { kind: "smtp", helo: "lb1.example", tls: null, ...change } as const;
  return probe(id, check, port, { timeoutMs: 3_000 });
}

test("SMTP: the greeting, HELO and STARTTLS", async () => {
  const seen = await probeResults(director, [
    smtp("plain"),
    smtp("starttls", { tls }),
    smtp("other name", { tls: { ...tls, serverName: "b.example" } }),
    smtp("stranger", { helo: "stranger.example" }),
    smtp("no mail", {}, 50051),
    smtp("nobody", {}, 9),
  ]);
  expect(seen).toMatchObject({
    plain: expect.stringMatching(/^up: greeted as mail\.example Hello lb1\.example/),
    starttls: expect.stringMatching(/^up: greeted as mail\.example Hello lb1\.example/),
    "other name": "down: certificate is for another name",
    stranger: expect.stringMatching(/^down: HELO is answered 5\d\d .*, want 250$/),
    "no mail": expect.stringMatching(/^down: /),
    nobody: "down: connection refused",
  });
});

function grpc(id: string, change: Partial<GrpcCheck> = {}, port = 50051): ProbePlan {
  return probe(id, { kind: "grpc", service: "", host: null, tls: null, ...change }, port, {
    timeoutMs: 3_000,
  });
}

test("gRPC: the health of a service, in clear text and over TLS", async () => {
  const seen = await probeResults(director, [
    grpc("server"),
    grpc("service", { service: "shop.Orders" }),
    grpc("ill", { service: "shop.Ill" }),
    grpc("unsure", { service: "shop.Unsure" }),
    grpc("unknown", { service: "shop.None" }),
    grpc("tls", { tls, service: "shop.Orders" }, 50052),
    grpc("tls, other name", { tls: { ...tls, serverName: "b.example" } }, 50052),
    grpc("clear text, where TLS is", {}, 50052),
    grpc("mail", {}, 25),
    grpc("nobody", {}, 9),
  ]);
  expect(seen).toMatchObject({
    server: expect.stringMatching(/^up: SERVING in /),
    service: expect.stringMatching(/^up: SERVING in /),
    ill: "down: service says NOT_SERVING",
    unsure: "down: service says UNKNOWN",
    unknown: "down: gRPC status NOT_FOUND (unknown service shop.None)",
    tls: expect.stringMatching(/^up: SERVING in /),
    "tls, other name": "down: certificate is for another name",
    "clear text, where TLS is": expect.stringMatching(/^down: /),
    mail: expect.stringMatching(/^down: /),
    nobody: "down: connection refused",
  });
});

function ping(id: string, to: string): ProbePlan {
  return plannedProbe(id, { kind: "ping" }, { target: { address: to, port: 0 } });
}

test("ping: both families, and who is not there", async () => {
  const seen = await probeResults(director, [
    ping("v4", address),
    ping("v6", address6),
    ping("nobody", "10.77.0.99"),
    ping("nowhere", "10.99.0.1"),
  ]);
  expect(seen).toMatchObject({
    v4: expect.stringMatching(/^up: echo in /),
    v6: expect.stringMatching(/^up: echo in /),
    nobody: "down: no answer within 1000 ms",
    nowhere: "down: no route to the network",
  });
});

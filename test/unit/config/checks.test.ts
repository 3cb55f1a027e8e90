import { describe, expect, test } from "bun:test";
import type { NodePlan } from "../../../src/config/node-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { noKnowledge } from "../../../src/config/model.ts";
import { readConfig } from "../../../src/config/read.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";
import { web } from "./fixtures.ts";

const planOf = (text: string, node = "lb1"): NodePlan => planNode(configOf(text), node, { cores: 2 });

/** The file with this check of its service; what is wrong, without places and names. */
function faults(check: string): readonly string[] {
  return linesOf(`${base}${vip}${web}check = { ${check} }\n`).map((line) =>
    line.replace(/^\d+:\d+ service "web"\.?/, ""),
  );
}

function probeIds(check: string): readonly string[] {
  return planOf(`${base}${vip}${web}check = { ${check} }\n`).director.probes.map(({ id }) => id);
}

describe("a check", () => {
  test("is named after everything that makes it differ from the usual", () => {
    expect(probeIds('type = "https"')).toEqual(["https 172.16.8.8:80 GET / every 2s"]);
    const all = [
      'type = "https", method = "OPTIONS", path = "/x", host = "a.example:8443", headers = { X-A = "1" }',
      'http_version = "1.0", sni = "b.example", verify = false, status = 204, body_match = "^ok"',
      'interval = "5s", fast_interval = "1s", jitter = "100ms", source = "172.16.8.11", fwmark = 7',
      'connect_address = "172.16.8.9", port = 81, timeout = "2s", retries = 0, rise = 2, fall = 3',
      'proxy_protocol = "v2"',
    ];
    expect(probeIds(all.join(", "))).toEqual([
      "https 172.16.8.9:81 OPTIONS /x host a.example:8443 HTTP/1.0 X-A: 1 sni b.example unverified status 204 body /^ok/ every 5s fast 1s jitter 100ms timeout 2s retries 0 rise 2 fall 3 from 172.16.8.11 mark 7 PROXY v2",
    ]);
  });

  test("begins as clients' connections to the same port do, if it speaks to the program and does not say otherwise", () => {
    const relay = web.replace(/forward = "\w+"/, 'forward = "proxy"\nproxy_protocol = "v1"');
    const ids = (check: string): readonly string[] =>
      planOf(`${base}${vip}${relay}check = ${check}\n`).director.probes.map(({ id }) => id);
    expect(ids('{ type = "http" }')).toEqual(["http 172.16.8.8:80 GET / every 2s PROXY v1"]);
    const others = [
      '{ type = "tcp" }',
      '{ type = "tcp", proxy_protocol = "v2" }',
      '{ type = "smtp", proxy_protocol = "v2" }',
      '{ type = "http", port = 81 }',
      '{ type = "http", connect_address = "172.16.8.9" }',
      '{ type = "http", proxy_protocol = "off" }',
    ];
    expect(ids(`[${others.join(", ")}]`)).toEqual([
      "tcp 172.16.8.8:80 every 2s",
      "tcp 172.16.8.8:80 every 2s PROXY v2",
      "smtp 172.16.8.8:80 every 2s PROXY v2",
      "http 172.16.8.8:81 GET / every 2s",
      "http 172.16.8.9:80 GET / every 2s",
      "http 172.16.8.8:80 GET / every 2s",
    ]);
  });

  test("has a PROXY header only where there is a connection that begins with one", () => {
    expect(faults('type = "udp", proxy_protocol = "v1"')).toEqual([expect.stringContaining("unknown key")]);
    expect(faults('type = "http", proxy_protocol = "v3"')).toEqual([
      expect.stringContaining('must be one of "v1", "v2", "off", not "v3"'),
    ]);
  });

  test.each([
    [
      'type = "udp", payload = "hex:00 FF", expect = "hex:0x"',
      "udp 172.16.8.8:80 send 00ff expect 0x every 2s",
    ],
    [
      'type = "dns", name = "a.example", record = "A", answer = "192.0.2.8"',
      "dns 172.16.8.8:80 A a.example answer 192.0.2.8 every 2s",
    ],
    [
      'type = "smtp", starttls = true, sni = "m.example"',
      "smtp 172.16.8.8:80 STARTTLS sni m.example every 2s",
    ],
    ['type = "ping"', "ping 172.16.8.8 every 2s"],
    ['type = "grpc", service = "shop.Orders"', "grpc 172.16.8.8:80 shop.Orders every 2s"],
    [
      'type = "script", script = "/bin/x -a", dynamic_weight = true',
      "script 172.16.8.8:80 /bin/x -a with weight every 2s",
    ],
    ['type = "file", path = "/run/x", weight = -1', "file 172.16.8.8:80 /run/x times -1 every 2s"],
    ['type = "agent", port = 9999', "agent 172.16.8.8:9999 every 2s"],
  ])("{ %s } is named %s", (check, id) => {
    expect(probeIds(check)).toEqual([id]);
  });

  test("takes the name to ask for from its host field, without the port", () => {
    const probes = planOf(`${base}${vip}${web}check = { type = "https", host = "a.example:8443" }\n`).director
      .probes;
    expect(probes).toMatchObject([{ tls: { serverName: "a.example", ca: null, verifies: true } }]);
  });

  test("may come from another address on each node", () => {
    const check = 'type = "tcp", source = { lb1 = "172.16.8.10", lb2 = "172.16.8.11" }';
    const text = `${base}${vip}${web}check = { ${check} }\n`;
    expect(planOf(text, "lb1").director.probes).toMatchObject([{ source: "172.16.8.10" }]);
    expect(planOf(text, "lb2").director.probes).toMatchObject([{ source: "172.16.8.11" }]);
    const service = planOf(text, "lb2").director.services[0];
    expect(service?.servers[0]?.probe).toBe(planOf(text, "lb2").director.probes[0]?.id ?? "");
  });

  test.each([
    ['type = "HTTP_GET"', 'check.type: "HTTP_GET" is no kind of check; write type = "http"'],
    ['type = "SSL_GET"', 'check.type: "SSL_GET" is no kind of check; write type = "https"'],
    [
      'type = "tcp", fast_interval = "3s"',
      'check.fast_interval: 3s is slower than the interval of 2s; write less than "2s"',
    ],
    [
      'type = "tcp", jitter = "3s"',
      'check.jitter: 3s is more than the interval of 2s that it is taken from; write "200ms", say',
    ],
    [
      'type = "tcp", source = "2001:db8::1"',
      "check.source: nothing reaches 172.16.8.8 from an address of the other family; write one of IPv4",
    ],
    [
      'type = "tcp", source = { lb3 = "172.16.8.12" }',
      'check.source.lb3: there is no [[node]] named "lb3"; add a [[node]] with this name, or use one of "lb1", "lb2"',
    ],
    [
      'type = "http", method = "HEAD", body = "x"',
      'check.method: an answer to HEAD has no body; write method = "GET", or leave out what is asked of the body',
    ],
    [
      'type = "http", body = "x", digest = "md5:00000000000000000000000000000000"',
      "check.digest: is a second thing asked of the body beside body; leave out one of the two",
    ],
    [
      'type = "http", body_match = "(?=x)"',
      'check.body_match: "(?=x)" is no regular expression that can be matched in one pass: "(?" begins what cannot be matched in one pass; groups are written (…) or (?:…); write one like body_match = "^(ready|ok)", or body = "ready" for the characters as they are',
    ],
    [
      'type = "http", digest = "sha256:00"',
      'check.digest: "sha256:00" is no digest: MD5 has 32 hexadecimal digits, SHA-256 64; write digest = "md5:…" or digest = "sha256:…", as `edge-ha digest URL` prints them',
    ],
    ['type = "http", headers = { Host = "x" }', 'check.headers: sets Host; write host = "…" beside headers'],
    [
      'type = "http", headers = { "a b" = "x" }',
      'check.headers: "a b" is no field name; write headers = { X-Check = "edge-ha" }',
    ],
    [
      'type = "https", host = "a.example", ca = "/ca.pem", verify = false',
      "check.ca: names authorities that are not asked, as verify = false; leave out one of the two",
    ],
    [
      'type = "https", host = "a.example", sni = "192.0.2.1"',
      'check.sni: "192.0.2.1" is no name of a server; write a name, as in sni = "shop.example"',
    ],
    ['type = "tcp", nb_get_retry = 3', "check.nb_get_retry: unknown key; write retries"],
    ['type = "tcp", fastinter = "1s"', "check.fastinter: unknown key; write fast_interval"],
    ['type = "MISC_CHECK"', 'check.type: "MISC_CHECK" is no kind of check; write type = "script"'],
    [
      'type = "agent"',
      "check: does not say where the agent listens, which is not where the service does; write port = 9999",
    ],
    [
      'type = "udp", payload = "hex:0"',
      'check.payload: "hex:0" is not written as its prefix says; write payload = "ping", payload = "hex:00 ff" or payload = "base64:AP8="',
    ],
    [
      'type = "udp", payload = "base64:*"',
      'check.payload: "base64:*" is not written as its prefix says; write payload = "ping", payload = "hex:00 ff" or payload = "base64:AP8="',
    ],
    [
      'type = "dns", name = "a..example"',
      'check.name: "a..example" is no domain name; write it in ASCII letters, as in name = "shop.example"',
    ],
    ['type = "grpc", verify = false', "check.verify: concerns TLS; write tls = true beside it"],
    ['type = "smtp", ca = "/ca.pem"', "check.ca: concerns TLS; write starttls = true beside it"],
    [
      'type = "script", script = ""',
      'check.script: names no program; write script = "/usr/local/bin/check-shop"',
    ],
    [
      'type = "file", path = "web1"',
      'check.path: "web1" is no path of a file from the root; write path = "/run/shop/web1"',
    ],
    [
      'type = "https"',
      'check: warning: the certificate has to be for the server\'s address, as no name is asked for: few are; write sni = "shop.example", host = "shop.example" or verify = false',
    ],
  ])("{ %s } is answered with the cure", (check, line) => {
    expect(faults(check)).toEqual([line]);
  });

  test("by a script that root runs and others can change is refused", () => {
    const check = 'check = { type = "script", script = "/opt/x", user = "root" }';
    const { diagnostics } = readConfig(`${base}${vip}${web}${check}\n`, "f", {
      ...noKnowledge,
      trustProblem: ([program = ""]) => `${program} belongs to user 7`,
    });
    expect(diagnostics.map(({ key, what }) => `${key}: ${what}`)).toEqual([
      'service "web".check.script: would be run by root, and /opt/x belongs to user 7: whoever that is could become root',
    ]);
  });

  test("with a file of authorities that cannot be read is refused", () => {
    const check = 'check = { type = "https", host = "a.example", ca = "/ca.pem" }';
    const { diagnostics } = readConfig(`${base}${vip}${web}${check}\n`, "f", {
      ...noKnowledge,
      authorityProblem: (path) => `${path} cannot be read: ENOENT`,
    });
    expect(diagnostics).toMatchObject([
      {
        severity: "error",
        what: "/ca.pem cannot be read: ENOENT",
        remedy: "name a file with certificates in PEM form",
      },
    ]);
  });
});

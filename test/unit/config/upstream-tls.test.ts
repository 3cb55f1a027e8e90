import { describe, expect, test } from "bun:test";
import { noKnowledge, type HostKnowledge } from "../../../src/config/model.ts";
import { readConfig } from "../../../src/config/read.ts";
import { base, vip } from "./expect-lines.ts";
import { site } from "./fixtures.ts";

function read(tls: string, knowledge: Partial<HostKnowledge> = {}): ReturnType<typeof readConfig> {
  const text = base + vip + site.replace("[[upstream]]", `[[upstream]]\ntls = ${tls}`);
  return readConfig(text, "f", { ...noKnowledge, ...knowledge });
}

function faults(tls: string, knowledge: Partial<HostKnowledge> = {}): readonly string[] {
  return read(tls, knowledge).diagnostics.map(
    ({ key, remedy, severity, what }) => `${severity} ${key}: ${what}; ${remedy}`,
  );
}

const authorityProblem = (path: string): string => `${path} has no certificate in it`;
const keyPairProblem: HostKnowledge["keyPairProblem"] = (certificate) => ({
  file: "certificate",
  severity: "warning",
  what: `${certificate} ran out on 2026-01-01`,
});

describe("TLS to an upstream's servers", () => {
  test("verifies by the host's authorities and the server's address unless something else is said", () => {
    expect(read("{}").config?.upstreams[0]?.tls).toEqual({
      verifies: true,
      ca: null,
      serverName: null,
      identity: null,
    });
    expect(
      read('{ ca = "/ca.pem", server_name = "Apps.Example", certificate = "/a.pem", key = "/a.key" }').config
        ?.upstreams[0]?.tls,
    ).toEqual({
      verifies: true,
      ca: "/ca.pem",
      serverName: "apps.example",
      identity: { certificate: "/a.pem", key: "/a.key" },
    });
  });

  test.each([
    ['{ verify = false, ca = "/ca.pem" }', "tls.ca: says nothing beside verify = false; remove one of them"],
    [
      '{ key = "/a.key" }',
      'tls.key: has no certificate beside it; write certificate = "…" too, or remove it',
    ],
    [
      '{ certificate = "/a.pem" }',
      'tls.certificate: has no key beside it; write key = "…" too, or remove it',
    ],
    ['{ server_name = "192.0.2.8" }', "tls.server_name: 192.0.2.8 is an address, not a name; leave it out"],
    ['{ server_name = "a b" }', 'tls.server_name: "a b" is no host name; write tls = { server_name'],
    ['{ sni = "a" }', "tls.sni: unknown key"],
  ])("%s is answered with the cure", (tls, words) => {
    expect(faults(tls).join("\n")).toContain(words);
  });

  test("wants files that are of use", () => {
    expect(faults('{ ca = "/ca.pem" }', { authorityProblem })).toEqual([
      'error upstream "apps".tls.ca: /ca.pem has no certificate in it; name a file with certificates in PEM form',
    ]);
    expect(faults('{ certificate = "/a.pem", key = "/a.key" }', { keyPairProblem })).toEqual([
      'warning upstream "apps".tls.certificate: /a.pem ran out on 2026-01-01; renew it, put the new one in its place, and say `edge-ha reload`',
    ]);
  });
});

import { describe, expect, test } from "bun:test";
import { noKnowledge, type HostKnowledge } from "../../../src/config/model.ts";
import { readConfig } from "../../../src/config/read.ts";
import { SectionMemory } from "../../../src/config/section-memory.ts";
import { base, vip } from "./expect-lines.ts";
import { site } from "./fixtures.ts";

const pair = '{ certificate = "/a.pem", key = "/a.key" }';

function listenerWith(lines: string, hosts = '"*"'): string {
  const tables = site.replace('":8080"', `":443"\n${lines}`).replace('"*"', hosts);
  return base + vip + tables;
}

function faults(lines: string, knowledge: Partial<HostKnowledge> = {}, hosts = '"*"'): readonly string[] {
  const { diagnostics } = readConfig(listenerWith(lines, hosts), "f", { ...noKnowledge, ...knowledge });
  return diagnostics.map(({ key, remedy, severity, what }) => `${severity} ${key}: ${what}; ${remedy}`);
}

const certificateNames = (): readonly string[] => ["shop.example", "*.cloud.example"];
const foreignKey: HostKnowledge["keyPairProblem"] = (certificate, key) => ({
  file: "key",
  severity: "error",
  what: `${key} is not the key of ${certificate}`,
});
const soonOver: HostKnowledge["keyPairProblem"] = () => ({
  file: "certificate",
  severity: "warning",
  what: "/a.pem runs out on 2026-12-01",
});

describe("TLS of a listener", () => {
  test("is version 1.2 at least, and asks clients for nothing", () => {
    const { config } = readConfig(listenerWith(`tls = [${pair}]`), "f");
    expect(config?.listeners[0]?.tls).toEqual({
      certificates: [{ certificate: "/a.pem", key: "/a.key" }],
      minVersion: "1.2",
      ciphers: null,
      clients: null,
    });
  });

  test("has a key that belongs to its certificate", () => {
    expect(faults(`tls = [${pair}]`, { keyPairProblem: foreignKey })).toEqual([
      'error listener "http".tls[0].key: /a.key is not the key of /a.pem; name PEM files of a certificate and of its own key, without passphrase',
    ]);
  });

  test("is looked at anew at each reload, for a file can break while the configuration stays", () => {
    const memory = new SectionMemory();
    const text = listenerWith(`tls = [${pair}]`);
    const read = (keyPairProblem: HostKnowledge["keyPairProblem"]) =>
      readConfig(text, "f", { ...noKnowledge, keyPairProblem }, memory).diagnostics.length;
    expect([() => null, foreignKey, () => null, foreignKey].map(read)).toEqual([0, 1, 0, 1]);
  });

  test("warns of a certificate that runs out", () => {
    expect(faults(`tls = [${pair}]`, { keyPairProblem: soonOver })).toEqual([
      'warning listener "http".tls[0].certificate: /a.pem runs out on 2026-12-01; renew it, put the new one in its place, and say `edge-ha reload`',
    ]);
  });

  test("warns where no certificate is for a site's host", () => {
    expect(
      faults(`tls = [${pair}]`, { certificateNames }, '"shop.example", "a.cloud.example", "*.cloud.example"'),
    ).toEqual([]);
    expect(faults(`tls = [${pair}]`, { certificateNames }, '"shop.example", "a.b.cloud.example"')).toEqual([
      'warning listener "http".tls: none of these certificates is for a.b.cloud.example; add a certificate for it, or browsers will warn their users',
    ]);
  });

  test.each([
    [
      "tls = []",
      'error listener "http".tls: is an empty list; write tls = [{ certificate = "/etc/edge-ha/tls/shop.pem", key = "/etc/edge-ha/tls/shop.key" }], or leave it out',
    ],
    [`tls = [${pair}]\ntls_min_version = "1.1"`, "broken (RFC 8996)"],
    [
      `tls = [${pair}]\ntls_ciphers = "a b"`,
      'error listener "http".tls_ciphers: "a b" is no list of ciphers; write tls_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20"',
    ],
    ['tls_ciphers = "HIGH"', 'error listener "http".tls_ciphers: says nothing on a listener in clear text'],
    [
      'client_certificates = { ca = "/c.pem" }',
      "client_certificates: says nothing on a listener in clear text",
    ],
    [`tls = [${pair}]\nclient_certificates = { ca = "c.pem" }`, '"c.pem" is no path of a file from the root'],
  ])("%s is answered with the cure", (lines, words) => {
    expect(faults(lines).join("\n")).toContain(words);
  });

  test("wants authorities that can be read", () => {
    const lines = `tls = [${pair}]\nclient_certificates = { ca = "/c.pem", mode = "optional" }`;
    expect(faults(lines, { authorityProblem: (path) => `${path} has no certificate in it` })).toEqual([
      'error listener "http".client_certificates.ca: /c.pem has no certificate in it; name a file with certificates in PEM form',
    ]);
  });
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificateNames, coversHost, keyPairProblem } from "../../../src/base/certificate-file.ts";
import { makeCertificates } from "../../support/certificates.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-ha-pair-"));
const at = (name: string): string => join(folder, name);
const day = 86_400_000;

beforeAll(() => makeCertificates(folder, ["shop.example", "blog.example"]));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a certificate and its key", () => {
  // The certificates are valid for two days.
  const longBefore = new Date(Date.now() - 30 * day);

  test("are fine if they belong together and last", () =>
    expect(keyPairProblem(at("shop.example.pem"), at("shop.example.key"), longBefore)).toBeNull());

  test("are warned of when the certificate runs out soon, or has", () => {
    const words = [Date.now(), Date.now() + 3 * day].map(
      (now) => keyPairProblem(at("shop.example.pem"), at("shop.example.key"), new Date(now))?.what ?? "",
    );
    expect(words[0]).toContain(" runs out on ");
    expect(words[1]).toContain(" ran out on ");
  });

  test("are refused with the file at fault", () => {
    writeFileSync(at("empty"), "");
    writeFileSync(at("locked"), "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
    const ask = (certificate: string, key: string): string => {
      const problem = keyPairProblem(at(certificate), at(key), longBefore);
      return problem === null
        ? ""
        : `${problem.severity} ${problem.file} ${problem.what.replace(`${folder}/`, "")}`;
    };
    expect(ask("shop.example.pem", "blog.example.key")).toBe(
      "error key blog.example.key is not the key of this certificate",
    );
    expect(ask("shop.example.pem", "empty")).toBe("error key empty has no private key in PEM form in it");
    expect(ask("shop.example.pem", "locked")).toBe(
      "error key locked is protected by a passphrase, which nobody could type in",
    );
    expect(ask("empty", "shop.example.key")).toBe("error certificate empty has no certificate in it");
    expect(ask("shop.example.pem", "none")).toContain("error key none cannot be read");
  });

  test("tell the names they are for", () => {
    expect(certificateNames(at("shop.example.pem"))).toEqual(["shop.example"]);
    expect(certificateNames(at("none"))).toEqual([]);
  });
});

describe("a name in a certificate (RFC 9525 §6.3)", () => {
  test.each([
    ["shop.example", "shop.example", true],
    ["*.shop.example", "a.shop.example", true],
    ["*.shop.example", "a.b.shop.example", false],
    ["*.shop.example", "shop.example", false],
    ["shop.example", "a.shop.example", false],
    ["*.example", "example", false],
  ])("%s for the host %s: %p", (name, wanted, covers) => expect(coversHost(name, wanted)).toBe(covers));
});

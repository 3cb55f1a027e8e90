import { describe, expect, test } from "bun:test";
import { concatBytes } from "../../../src/base/bytes.ts";
import { readConfig } from "../../../src/config/read.ts";
import { hmacSha256 } from "../../../src/vrrp/hmac-sha256.ts";
import { makeTrailer } from "../../../src/vrrp/hmac-trailer.ts";
import { authenticationOf } from "../../../src/vrrp/packet.ts";
import { stampOf } from "../../../src/vrrp/replay-window.ts";
import { type ClusterFileOptions, pairFile } from "../../support/cluster-file.ts";
import type { FrameWish } from "../../support/vrrp-frame.ts";
import { routers, Wire } from "./analyst-cases.ts";

const { a } = routers;

function wireOf(file: ClusterFileOptions, interfaces: readonly string[] | null = null): Wire {
  const { config, diagnostics } = readConfig(pairFile(file), "the.toml");
  if (config === null) throw new Error(JSON.stringify(diagnostics));
  return new Wire({ expected: { file: "the.toml", config, hash: hmacSha256 }, interfaces });
}

/** Signs with a key; `late` is how many milliseconds the clock is behind. */
function signedBy(wire: Wire, secret: string, { keyId = 1, late = 0 } = {}): FrameWish {
  const key = new TextEncoder().encode(secret);
  return {
    ...a,
    change: (message) => {
      const signing = { keyId, key, stamp: stampOf(wire.nowMs - late) };
      return concatBytes(message, makeTrailer(hmacSha256, signing, { message, source: "192.0.2.11" }));
    },
  };
}

describe("what differs from the file is named with the file", () => {
  const v2 = { version: 2, intervalMs: 1000 } as const;
  const pass: ClusterFileOptions = { version: 2, advertInterval: "1s", password: "s3cr3t" };
  const cases: readonly (readonly [ClusterFileOptions, FrameWish, string])[] = [
    [{}, { vrid: 77 }, "192.0.2.11 advertises 192.0.2.100 under VRID 77, and the.toml under another one"],
    [{}, v2, "192.0.2.11 speaks version 2, and the.toml says 3 for first"],
    [{}, { intervalMs: 200 }, "192.0.2.11 advertises every 200 ms, and the.toml says 100 ms for first"],
    [{}, { addresses: ["192.0.2.7"] }, "it lacks 192.0.2.100 and it has 192.0.2.7 beside"],
    [
      {},
      { destination: "224.0.0.19" },
      "192.0.2.11 advertises to 224.0.0.19, and the.toml says 224.0.0.18 for first",
    ],
    [{}, { source: "192.0.2.99" }, "192.0.2.99 takes part in first, and the.toml knows no such node"],
    [
      pass,
      { ...v2, auth: authenticationOf("other") },
      "192.0.2.11 sends another password, unlike first in the.toml",
    ],
    [pass, v2, "192.0.2.11 sends authentication type 0, unlike first in the.toml"],
    [
      { auth: '{ type = "hmac", keys = { 1 = "the key of both nodes" } }' },
      {},
      "192.0.2.11 does not sign, unlike first in the.toml",
    ],
  ];
  for (const [file, wish, text] of cases) {
    test(text, () => {
      const wire = wireOf(file);
      wire.rounds(2, { ...a, ...wish });
      const texts = wire.summary.findings.map(({ finding }) => finding.text).join("\n");
      expect(texts).toContain(text);
      expect(texts).not.toContain("s3cr3t");
    });
  }

  test("another group's router is told, and is nothing wrong", () => {
    const wire = wireOf({});
    wire.rounds(3, { ...a, vrid: 77, addresses: ["192.0.2.177"] });
    expect(wire.said("event")).toContain(
      "the.toml has no such virtual router: 192.0.2.11 belongs to another group",
    );
    expect(wire.said("event")).toHaveLength(2);
    expect(wire.said("finding")).toEqual([]);
  });

  test("nothing is said of what fits", () => {
    const wire = wireOf({});
    wire.rounds(3, a);
    expect(wire.said("finding")).toEqual([]);
    const withPassword = wireOf(pass);
    withPassword.rounds(3, { ...a, ...v2, auth: authenticationOf("s3cr3t") });
    expect(withPassword.said("finding")).toEqual([]);
  });
});

test("a virtual router of the file that nobody advertises is missed, until somebody does", () => {
  const wire = wireOf({}, ["eth0"]);
  wire.rounds(5, a);
  expect(wire.found("file-unheard").map(({ text }) => text)).toEqual([
    "nobody advertises second (192.0.2.101), which the.toml has here",
  ]);
  wire.advert({ ...a, vrid: 52, addresses: ["192.0.2.101"] });
  wire.wait(10);
  expect(wire.said("over")).toEqual(["file-unheard"]);
  const elsewhere = wireOf({}, ["eth1"]);
  elsewhere.rounds(5, a);
  expect(elsewhere.said("finding")).toEqual([]);
});

describe("signatures", () => {
  const secret = "the key of both nodes";
  const file = { auth: `{ type = "hmac", keys = { 1 = "${secret}" } }` };

  test("are verified with the keys of the file", () => {
    const wire = wireOf(file);
    wire.rounds(3, signedBy(wire, secret));
    expect(wire.said("finding")).toEqual([]);
    wire.rounds(1, signedBy(wire, "the key of somebody"));
    expect(wire.found("file-authentication")[0]?.text).toContain(
      "192.0.2.11 signs with another secret as key 1",
    );
    wire.rounds(1, signedBy(wire, secret, { keyId: 9 }));
    expect(wire.found("file-authentication")[1]?.text).toContain("signs with key 9, which is not there");
  });

  test("of a clock that is wrong, and old ones, are seen without keys", () => {
    const wire = new Wire();
    wire.rounds(2, signedBy(wire, secret, { late: 60_000 }));
    expect(wire.found("clock")[0]?.text).toContain("the clock of 192.0.2.11 is behind by more than 30 s");
    const other = new Wire();
    const early = signedBy(other, secret, { late: 20_000 });
    other.rounds(2, signedBy(other, secret));
    other.rounds(2, early);
    expect(other.found("replayed")).toHaveLength(1);
  });

  test("may be of any time where the file says so", () => {
    const auth = `{ type = "hmac", keys = { 1 = "${secret}" }, anti_replay = "monotonic" }`;
    const wire = wireOf({ auth });
    wire.rounds(2, signedBy(wire, secret, { late: 60_000 }));
    expect(wire.found("clock")).toEqual([]);
  });

  test("on one router and not on the other are an error", () => {
    const wire = new Wire();
    wire.rounds(3, signedBy(wire, secret), routers.b);
    expect(wire.found("authentication-differs")[0]?.text).toBe(
      "192.0.2.11 authenticates with HMAC key 1 and 192.0.2.12 with none",
    );
  });
});

import { describe, expect, test } from "bun:test";
import { describePlan } from "../../../src/config/describe-plan.ts";
import type { HmacPlan } from "../../../src/config/node-plan.ts";
import { planNode } from "../../../src/config/plan.ts";
import { readConfig } from "../../../src/config/read.ts";
import { withoutSecrets } from "../../../src/config/without-secrets.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";

const hex = "00112233445566778899aabbccddeeff";
const other = "ffeeddccbbaa99887766554433221100";
const version3 = base.replace("vrrp_version = 2", "vrrp_version = 3");
const router = `[[vrrp]]\nname = "r"\ninterface = "eth1"\nvrid = 7\npriority = { lb1 = 2, lb2 = 1 }\naddresses = ["10.16.8.7"]\n`;

/** A file whose fourth line is an HMAC table with these keys. */
const withHmac = (inside: string): string =>
  version3.replace("vrrp_version = 3", `vrrp_version = 3\nauth = { type = "hmac", ${inside} }`) + vip;
const withKeys = (keys: string): readonly string[] => linesOf(withHmac(`keys = { ${keys} }`));

function hmacOf(text: string): readonly (HmacPlan | null)[] {
  return planNode(configOf(text), "lb1", { cores: 1 }).vrrp.instances.map(({ hmac }) => hmac);
}

describe("HMAC authentication", () => {
  test("takes its only key, believes within half a minute and enforces, unless told otherwise", () => {
    expect(hmacOf(withHmac(`keys = { 7 = "hex:${hex}" }`))).toEqual([
      { keys: [{ id: 7, hex }], activeKey: 7, timeWindowMs: 30_000, mode: "enforce" },
    ]);
  });

  test("takes text and digits, several keys in any order, and every setting", () => {
    const keys = `keys = { 255 = "hex:${hex.toUpperCase()}", 2 = "sixteen letters!" }`;
    const text = withHmac(`${keys}, active_key = 255, time_window = "5s", mode = "permissive"`);
    expect(hmacOf(text)).toEqual([
      {
        keys: [
          { id: 2, hex: "7369787465656e206c65747465727321" },
          { id: 255, hex },
        ],
        activeKey: 255,
        timeWindowMs: 5000,
        mode: "permissive",
      },
    ]);
    expect(hmacOf(withHmac(`keys = { 1 = "hex:${hex}" }, anti_replay = "monotonic"`))).toMatchObject([
      { timeWindowMs: null },
    ]);
  });

  test("is inherited from [cluster] unless a router has its own", () => {
    const own = `auth = { type = "hmac", keys = { 2 = "hex:${other}" } }\n`;
    const text = `${withHmac(`keys = { 1 = "hex:${hex}" }`)}${router}${own}`;
    expect(hmacOf(text).map((hmac) => hmac?.activeKey)).toEqual([1, 2]);
    expect(hmacOf(text.replace(own, 'auth = { type = "none" }\n'))[1]).toBeNull();
  });

  test("is for version 3", () => {
    const auth = `auth = { type = "hmac", keys = { 1 = "hex:${hex}" } }\n`;
    const remedy =
      'write vrrp_version = 3 in [cluster] (version = 3 in a [[vrrp]]), or auth = { type = "pass", password = "…" }';
    expect(linesOf(base.replace("vrrp_version = 2\n", `vrrp_version = 2\n${auth}`))).toEqual([
      `4:8 cluster.auth: HMAC authentication exists in version 3 only; ${remedy}`,
    ]);
    expect(linesOf(base + vip + auth)).toEqual([
      `17:8 vip "public".auth: HMAC authentication exists in version 3 only; ${remedy}`,
    ]);
    expect(linesOf(`${withHmac(`keys = { 1 = "hex:${hex}" }`)}${router}version = 2\n`)).toEqual([
      '24:11 vrrp "r".version: version 2 has no HMAC authentication, which [cluster] asks for; write auth = { type = "none" } here, or version = 3',
    ]);
    expect(linesOf(`${base}${router}version = 3\n${auth}`)).toEqual([]);
  });

  const make = '`openssl rand -hex 32` makes one to write as "hex:…"';
  test.each([
    [
      "that is too short",
      '1 = "hex:00112233"',
      `has 4 bytes, too few to withstand guessing; use at least 16; ${make}`,
    ],
    [
      "of a short text",
      '1 = "fifteen letters"',
      `has 15 bytes, too few to withstand guessing; use at least 16; ${make}`,
    ],
    ["that is too long", `1 = "hex:${hex.repeat(5)}"`, `has 80 bytes, more than 64; use 32; ${make}`],
    ["with half a byte", `1 = "hex:${hex}0"`, `is not pairs of hexadecimal digits behind "hex:"; ${make}`],
    ["with other letters", `1 = "hex:${hex}zz"`, `is not pairs of hexadecimal digits behind "hex:"; ${make}`],
    [
      "of one letter",
      '1 = "aaaaaaaaaaaaaaaaaaaa"',
      `is one byte again and again, which anybody guesses; ${make}`,
    ],
    ["that is no text", "1 = 12345678", `must be a text in quotes; ${make}`],
    [
      "in a file",
      '1 = { file = "/etc/edge-ha/key" }',
      `a key in a file of its own is not built yet in this version; write it here; ${make}`,
    ],
  ])("refuses a key %s", (_, keys, message) => {
    expect(withKeys(keys)).toEqual([`4:38 cluster.auth.keys.1: ${message}`]);
  });

  test.each(["0", "256", "01", "first", "-1"])("refuses %s as a key id, at the key", (id) => {
    expect(withKeys(`${id} = "hex:${hex}"`)).toEqual([
      `4:34 cluster.auth.keys.${id}: is no key id; write a number from 1 to 255, as in keys = { 1 = "hex:…" }`,
    ]);
  });

  test.each([
    [
      'mode = "enforce"',
      '4:8 cluster.auth.keys: is missing; write auth = { type = "hmac", keys = { 1 = "hex:…" } }',
    ],
    [
      `keys = "hex:${hex}"`,
      '4:32 cluster.auth.keys: must be a table of key ids and keys; write auth = { type = "hmac", keys = { 1 = "hex:…" } }',
    ],
    ["keys = {}", `4:32 cluster.auth.keys: has no key; write keys = { 1 = "hex:…" }; ${make}`],
    [
      `keys = { 1 = "hex:${hex}", 2 = "hex:${other}" }`,
      "4:8 cluster.auth.active_key: does not say which of the keys 1, 2 to sign with; write active_key = 1",
    ],
    [
      `keys = { 1 = "hex:${hex}" }, active_key = 2`,
      "4:93 cluster.auth.active_key: there is no key 2; write 1, or add it to keys",
    ],
    [
      `keys = { 1 = "hex:${hex}" }, active_key = 0`,
      "4:93 cluster.auth.active_key: 0 is not between 1 and 255; write active_key = 1",
    ],
    [
      `keys = { 1 = "hex:${hex}" }, time_window = "10m"`,
      '4:94 cluster.auth.time_window: "10m" is not between 1s and 5m; write time_window = "30s"',
    ],
    [
      `keys = { 1 = "hex:${hex}" }, anti_replay = "monotonic", time_window = "5s"`,
      '4:121 cluster.auth.time_window: has no meaning with anti_replay = "monotonic", which does not look at the clock; remove it, or write anti_replay = "time"',
    ],
    [
      `keys = { 1 = "hex:${hex}" }, mode = "receive-only"`,
      '4:87 cluster.auth.mode: "receive-only" is not built yet in this version; use mode = "permissive" meanwhile',
    ],
    [
      `keys = { 1 = "hex:${hex}" }, mode = "permissive"`,
      '4:87 cluster.auth.mode: warning: anybody on the network can take the addresses meanwhile; write mode = "enforce" as soon as every router signs',
    ],
    [
      `keys = { 1 = "hex:${hex}", 2 = "hex:${hex}" }, active_key = 1`,
      "4:82 cluster.auth.keys.2: warning: is the same as key 1, so going over to it changes nothing; make a new key, or remove this one",
    ],
  ])("judges %s", (inside, line) => {
    expect(linesOf(withHmac(inside))).toEqual([line]);
  });

  test("knows the names that others have for it", () => {
    const named = (type: string): readonly string[] =>
      linesOf(version3.replace("vrrp_version = 3", `auth = { type = "${type}" }`));
    expect(named("auth_hmac")[0]).toContain('is called "hmac" here; write auth = { type = "hmac", ');
    expect(named("ah")[0]).toContain('"ah" is not built; write auth = { type = "hmac", ');
    expect(linesOf(version3.replace("vrrp_version = 3", "auth_hmac = 1"))[0]).toContain(
      'unknown key; write auth = { type = "hmac", keys = { 1 = "hex:…" } }',
    );
  });

  test("shows no key in any message or description", () => {
    const secrets = [hex, "sixteen letters!", "short secret"];
    const texts = [
      withHmac(`keys = { 1 = "hex:${hex}", 2 = "sixteen letters!", 3 = "short secret" }`),
      withHmac(`keys = { 1 = "hex:${hex}x" }`),
      withHmac(`keys = ["hex:${hex}"]`),
      withHmac(`keys = "hex:${hex}"`),
    ];
    for (const text of texts) {
      const said = JSON.stringify(readConfig(text, "f").diagnostics);
      expect(secrets.filter((secret) => said.includes(secret))).toEqual([]);
    }
    const good = withHmac(
      `keys = { 1 = "hex:${hex}", 2 = "hex:${other}" }, active_key = 2, mode = "permissive"`,
    );
    const plan = planNode(configOf(good), "lb1", { cores: 1 });
    const described = describePlan(plan);
    expect(described).toContain("signs with HMAC key 2, believes key 1 too, and what is not signed");
    const json = JSON.stringify(withoutSecrets(plan));
    expect(json).toContain('"activeKey":2');
    expect([hex, other].filter((secret) => (described + json).includes(secret))).toEqual([]);
    const pass = `${base}${vip}auth = { type = "pass", password = "s3cr3t" }\n`;
    const shown = withoutSecrets(planNode(configOf(pass), "lb1", { cores: 1 })).vrrp.instances;
    expect(shown.map(({ password }) => password)).toEqual(["…"]);
  });
});

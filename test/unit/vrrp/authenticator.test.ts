import { describe, expect, test } from "bun:test";
import { fromHex } from "../../../src/base/bytes.ts";
import type { HmacPlan } from "../../../src/config/node-plan.ts";
import { Authenticator } from "../../../src/vrrp/authenticator.ts";
import { hmacSha256 } from "../../../src/vrrp/hmac-sha256.ts";
import { decodeAdvert } from "../../../src/vrrp/packet.ts";

const noon = Date.UTC(2026, 10, 21, 12);
const one = { id: 1, hex: "0123456789abcdef0123456789abcdef" };
const two = { id: 2, hex: "fedcba9876543210fedcba9876543210" };
const plan: HmacPlan = { keys: [one], activeKey: 1, timeWindowMs: 30_000, mode: "enforce" };
const both: HmacPlan = { ...plan, keys: [one, two] };
const source = "192.0.2.11";
const message = fromHex("3133c801 0019a1b2 c0000264");

interface Parts {
  readonly message: Uint8Array;
  readonly trailer: Uint8Array | null;
  readonly source: string;
}

function parts(packet: Uint8Array): Parts {
  const decoded = decodeAdvert(packet, { source, destination: "224.0.0.18", ttl: 255 });
  if (decoded.kind === "malformed") throw new Error(decoded.explanation);
  return { message: decoded.message, trailer: decoded.trailer, source };
}

function signed(hmac: HmacPlan = plan, wallMs = noon): Parts {
  return parts(new Authenticator(hmacSha256).sign(hmac, { message, source }, wallMs));
}

/** What a router that has heard nothing yet makes of it. */
function verdict(received: Parts, hmac: HmacPlan | null = plan, wallMs = noon): string {
  const result = new Authenticator(hmacSha256).judge(hmac, received, wallMs);
  return result.kind === "valid" ? "valid" : `${result.remark.kind}: ${result.remark.explanation}`;
}

describe("Authenticator", () => {
  test("believes what was signed with a key it knows", () => {
    expect(verdict(signed())).toBe("valid");
    expect(verdict(signed({ ...both, activeKey: 2 }), both)).toBe("valid");
    expect(verdict(signed({ ...both, activeKey: 1 }), { ...both, activeKey: 2 })).toBe("valid");
  });

  test("refuses what is not signed, unless it is permissive", () => {
    expect(verdict(parts(message))).toBe(
      "authMissing: it is not signed: either its router has no keys, and both become active, or somebody forges advertisements",
    );
    expect(verdict(parts(message), { ...plan, mode: "permissive" })).toBe(
      'unsigned: it is not signed, which mode = "permissive" lets pass',
    );
  });

  test("refuses a wrong signature, permissive or not", () => {
    const other = { ...plan, keys: [{ id: 1, hex: two.hex }] };
    const text =
      "authFailed: its signature does not fit key 1: either its router has another key under this number, and both become active, or somebody forges advertisements";
    expect(verdict(signed(other))).toBe(text);
    expect(verdict(signed(other), { ...plan, mode: "permissive" })).toBe(text);
  });

  test("refuses a key id it does not know, and a type", () => {
    expect(verdict(signed({ ...both, activeKey: 2 }))).toBe(
      "authUnknownKey: it is signed with key 2, and only 1 is known here: add the key, or both routers become active",
    );
    const { trailer, ...rest } = signed();
    expect(verdict({ ...rest, trailer: trailer?.with(0, 7) ?? null })).toBe(
      "authFailed: its signature is of type 7, and 1 is the one known here",
    );
  });

  test("refuses what it has heard before, also after a reload with other keys", () => {
    const judge = new Authenticator(hmacSha256);
    const captured = signed();
    expect(judge.judge(plan, captured, noon).kind).toBe("valid");
    for (const hmac of [plan, both, { ...both, activeKey: 2 }]) {
      expect(judge.judge(hmac, captured, noon + 1000)).toMatchObject({ remark: { kind: "authReplay" } });
    }
  });

  test("refuses a clock that is too far off, naming the difference and the cure", () => {
    expect(verdict(signed(plan, noon - 45_000))).toStartWith(
      "authStale: its timestamp is 45 s behind our clock, and 30 s are allowed: check NTP on both routers",
    );
    expect(verdict(signed(plan, noon + 3_600_000))).toStartWith(
      "authStale: its timestamp is 3600 s ahead of our clock",
    );
    expect(verdict(signed(plan, 0), { ...plan, timeWindowMs: null })).toBe("valid");
  });

  test("learns no time from what is not genuine", () => {
    const judge = new Authenticator(hmacSha256);
    const { trailer, ...rest } = signed(plan, noon + 20_000);
    const forged = { ...rest, trailer: trailer?.with(27, (trailer[27] ?? 0) ^ 1) ?? null };
    expect(judge.judge(plan, forged, noon)).toMatchObject({ remark: { kind: "authFailed" } });
    expect(judge.judge(plan, signed(), noon).kind).toBe("valid");
  });

  test("believes a router again that was restarted, as its clock has gone on", () => {
    const judge = new Authenticator(hmacSha256);
    expect(judge.judge(plan, signed(plan, noon), noon).kind).toBe("valid");
    expect(judge.judge(plan, signed(plan, noon + 5), noon + 5).kind).toBe("valid");
  });

  test("signs many advertisements of one moment so that each is believed", () => {
    const sender = new Authenticator(hmacSha256);
    const judge = new Authenticator(hmacSha256);
    for (let count = 0; count < 100; count++) {
      const next = parts(sender.sign(plan, { message, source }, noon));
      expect(judge.judge(plan, next, noon).kind).toBe("valid");
    }
  });

  test("without keys believes everything, and remarks on signatures", () => {
    expect(verdict(parts(message), null)).toBe("valid");
    expect(verdict(signed(), null)).toBe("signed: it is signed, and this router has no keys to tell by whom");
  });

  test("signs nothing without the key it should sign with", () => {
    expect(() => signed({ ...plan, activeKey: 9 })).toThrow("there is no key 9 to sign with");
  });
});

import { describe, expect, test } from "bun:test";
import { type Advert, authenticationOf, noAuthentication } from "../../../src/vrrp/packet.ts";
import { judgeAdvert, type ReceiveRules } from "../../../src/vrrp/receive.ts";

const version3: Advert = {
  family: 4,
  version: 3,
  vrid: 51,
  priority: 100,
  intervalMs: 1000,
  addresses: ["192.0.2.100", "192.0.2.101"],
  auth: noAuthentication,
};
const version2: Advert = { ...version3, version: 2 };
const rules: ReceiveRules = {
  version: 3,
  advertIntervalMs: 1000,
  password: null,
  addresses: ["192.0.2.101", "192.0.2.100"],
  source: "192.0.2.10",
  wantsLinkLocal: false,
};

function verdict(advert: Advert, more: Partial<ReceiveRules> = {}, source = "192.0.2.11"): string {
  const judged = judgeAdvert({ ...rules, ...more }, advert, source, () => ({ kind: "valid" }));
  if (judged.kind === "dropped") return `dropped ${judged.remark.kind}: ${judged.remark.explanation}`;
  return ["accepted", ...judged.oddities.map(({ kind, explanation }) => `${kind}: ${explanation}`)].join(
    "; ",
  );
}

describe("judgeAdvert", () => {
  test("accepts an advertisement as it should be, the addresses in any order", () => {
    expect(verdict(version3)).toBe("accepted");
    expect(verdict(version2, { version: 2 })).toBe("accepted");
  });

  test("drops our own advertisement when a bridge hands it back", () => {
    expect(verdict(version3, {}, "192.0.2.10")).toStartWith("dropped reflected");
  });

  test("RFC 9568 §7.1: drops another version than the instance's", () => {
    expect(verdict(version2)).toBe("dropped version: its version is 2, ours is 3");
    expect(verdict(version3, { version: 2 })).toStartWith("dropped version");
  });

  test("RFC 2338 §7.1: drops another authentication type, and another password", () => {
    const withPassword = { ...version2, auth: authenticationOf("s3cr3t") };
    expect(verdict(withPassword, { version: 2 })).toBe(
      "dropped auth: its authentication type is 1, ours is 0",
    );
    expect(verdict(version2, { version: 2, password: "s3cr3t" })).toStartWith("dropped auth");
    expect(verdict(withPassword, { version: 2, password: "other" })).toBe(
      "dropped auth: its password is not ours",
    );
    expect(verdict(withPassword, { version: 2, password: "s3cr3t" })).toBe("accepted");
  });

  test("RFC 3768 §5.3.7: ignores the authentication data of type 0", () => {
    const auth = { type: 0, data: new Uint8Array(8).fill(7) };
    expect(verdict({ ...version2, auth }, { version: 2 })).toBe("accepted");
  });

  test("RFC 3768 §7.1: drops another interval in version 2", () => {
    expect(verdict({ ...version2, intervalMs: 2000 }, { version: 2 })).toBe(
      "dropped interval: its interval is 2 s, ours is 1 s",
    );
  });

  test("RFC 9568 §7.1: accepts another interval in version 3, and remarks on it", () => {
    expect(verdict({ ...version3, intervalMs: 250 })).toBe(
      "accepted; interval: its interval is 250 ms, ours is 1 s",
    );
  });

  test("accepts another list of addresses in either version, and remarks on it", () => {
    const other = { addresses: ["192.0.2.100"] };
    const remark = "accepted; addressList: it lists 192.0.2.100, we have 192.0.2.101, 192.0.2.100";
    expect(verdict({ ...version3, ...other })).toBe(remark);
    expect(verdict({ ...version2, ...other }, { version: 2 })).toBe(remark);
  });

  test("does not look at the list of addresses without one to compare it with", () => {
    expect(verdict({ ...version3, addresses: ["192.0.2.100"] }, { addresses: null })).toBe("accepted");
  });

  test("RFC 9568 §5.2.9: accepts an IPv6 list that does not begin with a link-local address, and remarks on it", () => {
    const addresses = ["2001:db8::100", "fe80::100"];
    const other: Advert = { ...version3, family: 6, addresses };
    expect(verdict(other, { addresses, source: "fe80::1" }, "fe80::2")).toBe(
      "accepted; linkLocal: its first address 2001:db8::100 is not link-local",
    );
    const right = { ...other, addresses: addresses.toReversed() };
    expect(verdict(right, { addresses, source: "fe80::1" }, "fe80::2")).toBe("accepted");
    const multicast = { addresses, source: "fe80::1", wantsLinkLocal: true };
    expect(verdict(right, multicast, "fe80::2")).toBe("accepted");
    expect(verdict(right, multicast, "2001:db8::2")).toBe(
      "accepted; source: its source 2001:db8::2 is not link-local",
    );
  });
});

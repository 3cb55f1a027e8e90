import { describe, expect, test } from "bun:test";
import { desiredTable, readVip, requiredSysctls } from "../../../src/real-server/table.ts";

describe("desiredTable()", () => {
  test("gives lo:0, lo:1 … in the order of the VIPs when nothing is there", () => {
    expect(desiredTable({ vips: ["192.0.2.10", "192.0.2.11"], tunnels: [] }, []).vips).toEqual([
      { address: "192.0.2.10", label: "lo:0" },
      { address: "192.0.2.11", label: "lo:1" },
    ]);
  });

  test("keeps the label a VIP has, and takes the lowest free one for another", () => {
    const known = [
      { address: "192.0.2.11", label: "lo:0" },
      { address: "127.0.0.1", label: "lo" },
      { address: "203.0.113.5", label: "lo:1" },
    ];
    expect(desiredTable({ vips: ["192.0.2.10", "192.0.2.11"], tunnels: [] }, known).vips).toEqual([
      { address: "192.0.2.10", label: "lo:2" },
      { address: "192.0.2.11", label: "lo:0" },
    ]);
  });

  test("names a VIP once when it is given twice", () => {
    expect(desiredTable({ vips: ["192.0.2.10", "192.0.2.10"], tunnels: [] }, []).vips).toHaveLength(1);
  });

  test("asks for arp_ignore 1 and arp_announce 2 on all and lo", () => {
    expect(requiredSysctls.map(({ path, value }) => `${path}=${value}`)).toEqual([
      "net/ipv4/conf/all/arp_ignore=1",
      "net/ipv4/conf/all/arp_announce=2",
      "net/ipv4/conf/lo/arp_ignore=1",
      "net/ipv4/conf/lo/arp_announce=2",
    ]);
  });
});

describe("readVip()", () => {
  test.each(["192.0.2.10", "192.0.2.10/32"])("takes %s", (text) => {
    expect(readVip(text)).toEqual({ kind: "vip", address: "192.0.2.10" });
  });

  test.each(["2001:db8::10", "2001:0DB8:0::10/128"])("takes %s", (text) => {
    expect(readVip(text)).toEqual({ kind: "vip", address: "2001:db8::10" });
  });

  test.each([
    ["192.0.2.300", "write one such as 192.0.2.10"],
    ["2001:db8::10/64", "write 2001:db8::10"],
    ["::1", "write the unicast address that clients connect to"],
    ["::", "write the unicast address that clients connect to"],
    ["::ffff:192.0.2.10", "write the unicast address that clients connect to"],
    ["fe80::10", "write the unicast address that clients connect to"],
    ["ff02::12", "write the unicast address that clients connect to"],
    ["192.0.2.10%eth0", "write one such as 192.0.2.10"],
    ["shop.example", "write one such as 192.0.2.10"],
    ["192.0.2.10/24", "write 192.0.2.10"],
    ["127.0.0.1", "write the unicast address that clients connect to"],
    ["0.0.0.0", "write the unicast address that clients connect to"],
    ["224.0.0.18", "write the unicast address that clients connect to"],
    ["255.255.255.255", "write the unicast address that clients connect to"],
  ])("refuses %s and says what to write", (text, cure) => {
    expect(readVip(text)).toEqual({ kind: "wrong", problem: expect.stringContaining(cure) });
  });
});

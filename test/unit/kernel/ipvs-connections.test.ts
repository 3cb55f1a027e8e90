import { expect, test } from "bun:test";
import { parseConnection } from "../../../src/kernel/ipvs-connections.ts";

test("an IPv4 connection", () => {
  expect(parseConnection("TCP 0A630063 D6F2 0A630065 0050 0A620015 1F90 ESTABLISHED     899")).toEqual({
    protocol: "tcp",
    client: { address: "10.99.0.99", port: 55_026 },
    target: { address: "10.99.0.101", port: 80 },
    server: { address: "10.98.0.21", port: 8080 },
    state: "ESTABLISHED",
    expiresS: 899,
    persistence: null,
    isTemplate: false,
  });
});

test("an IPv6 connection, and one from IPv6 through a tunnel to IPv4", () => {
  const six = "2001:0db8:0099:0000:0000:0000:0000";
  expect(
    parseConnection(`UDP ${six}:0099 D6F2 ${six}:0101 0035 ${six}:0021 0035 UDP             299`),
  ).toMatchObject({
    protocol: "udp",
    client: { address: "2001:db8:99::99", port: 55_026 },
    target: { address: "2001:db8:99::101", port: 53 },
    server: { address: "2001:db8:99::21", port: 53 },
    isTemplate: false,
  });
  expect(
    parseConnection(`TCP ${six}:0099 D6F2 ${six}:0101 0050 0A620015 0050 SYN_RECV         59`),
  ).toMatchObject({ server: { address: "10.98.0.21", port: 80 } });
});

test("what persistence remembers: of an address, of a mark, of a Call-ID", () => {
  expect(parseConnection("TCP 0A630000 0000 0A630065 0050 0A620015 0050 NONE            350")).toMatchObject({
    client: { address: "10.99.0.0", port: 0 },
    isTemplate: true,
  });
  expect(parseConnection("IP  0A630063 0000 00000007 0000 0A620015 0000 ASSURED          42")).toMatchObject({
    protocol: "ip",
    target: { address: "0.0.0.7", port: 0 },
    isTemplate: true,
  });
  expect(
    parseConnection("UDP 0A630063 0000 0A630065 13C4 0A620015 13C4 NONE            300 sip a84b4c76e66710@x"),
  ).toMatchObject({ persistence: { engine: "sip", data: "a84b4c76e66710@x" }, isTemplate: true });
});

test("the header and anything odd are no connection", () => {
  for (const line of [
    "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData",
    "",
    "TCP 0A630063 D6F2 0A630065 0050 0A620015",
    "TCP 0A63 D6F2 0A630065 0050 0A620015 0050 ESTABLISHED 899",
    "TCP 0A630063 D6F2 0A630065 0050 0A620015 0050 ESTABLISHED soon",
  ]) {
    expect(parseConnection(line)).toBeNull();
  }
});

import { expect, test } from "bun:test";
import { parseListeners, portsAnswering } from "../../../src/real-server/listeners.ts";

const header =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

const tcp = `${header}
   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5345 1 0 100 0 0 10 0
   1: 0A0200C0:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5346 1 0 100 0 0 10 0
   2: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5347 1 0 100 0 0 10 0
   3: 0A0200C0:0051 01010101:9C40 01 00000000:00000000 00:00000000 00000000     0        0 5348 1 0 100 0 0 10 0
`;

const tcp6 = `${header}
   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000
   1: 0000000000000000FFFF00000A0200C0:0019 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000
   2: B80D0120000000000000000001000000:0035 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000
`;

test("parseListeners() reads the listening ends and leaves connections out", () => {
  expect(parseListeners(tcp, "tcp")).toEqual([
    { protocol: "tcp", address: "0.0.0.0", port: 80 },
    { protocol: "tcp", address: "192.0.2.10", port: 443 },
    { protocol: "tcp", address: "127.0.0.1", port: 8080 },
  ]);
});

test("parseListeners() reads IPv6 ends word by word", () => {
  expect(parseListeners(tcp6, "tcp").map((one) => one.port)).toEqual([22, 25, 53]);
  expect(parseListeners(tcp6, "tcp")[2]?.address).toBe("2001:db8::1");
});

test("parseListeners() gives nothing when the text is empty", () => {
  expect(parseListeners("", "tcp")).toEqual([]);
});

test("portsAnswering() counts the address itself, both wildcards and the mapped form", () => {
  const listeners = [...parseListeners(tcp, "tcp"), ...parseListeners(tcp6, "tcp")];
  expect(portsAnswering("192.0.2.10", listeners, "tcp")).toEqual([22, 25, 80, 443]);
  expect(portsAnswering("192.0.2.11", listeners, "tcp")).toEqual([22, 80]);
});

test("portsAnswering() counts for IPv6 only what IPv6 reaches", () => {
  const listeners = [...parseListeners(tcp, "tcp"), ...parseListeners(tcp6, "tcp")];
  expect(portsAnswering("2001:db8::1", listeners, "tcp")).toEqual([22, 53]);
});

test("parseListeners() takes sockets of UDP that are not connected", () => {
  const udp = `${header}
   0: 0A0200C0:0035 00000000:0000 07 00000000:00000000 00:00000000
   1: 0A0200C0:0036 630200C0:A000 01 00000000:00000000 00:00000000
`;
  expect(parseListeners(udp, "udp")).toEqual([{ protocol: "udp", address: "192.0.2.10", port: 53 }]);
});

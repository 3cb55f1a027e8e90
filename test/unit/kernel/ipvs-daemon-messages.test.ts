import { expect, test } from "bun:test";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import {
  daemonAttribute,
  daemonKeyAttribute,
  parseDaemon,
  parseTimeouts,
  timeoutAttributes,
  type IpvsSyncDaemon,
} from "../../../src/kernel/ipvs-daemon-messages.ts";
import { parseAttributes } from "../../../src/kernel/netlink/attribute.ts";

/** What ipvsadm 1.31 sends after the netlink and generic headers, as seen on a kernel 6.1 by way of nlmon. */
const ipvsadm = {
  // --start-daemon master --mcast-interface eth9 --syncid 7 --sync-maxlen 1400 --mcast-group 224.0.0.82
  // --mcast-port 8849 --mcast-ttl 2
  master:
    "40000380 0800010001000000 090002006574683900000000 0800030007000000 0600040078050000 0600070091220000" +
    "0500080002000000 08000500e0000052",
  // --start-daemon backup --mcast-interface eth9 --syncid 7
  backup: "20000380 0800010002000000 090002006574683900000000 0800030007000000",
  // --start-daemon master --mcast-interface eth9 --syncid 9 --mcast-group ff02::81
  ipv6:
    "34000380 0800010001000000 090002006574683900000000 0800030009000000" +
    "14000600ff020000000000000000000000000081",
  // --stop-daemon backup
  stop: "1c000380 0800010002000000 0500020000000000 0800030000000000",
  // --set 1000 130 310
  timeouts: "08000400e8030000 0800050082000000 0800060036010000",
};

/** The kernel's answers to --list --daemon while those ran. */
const kernel = {
  master: ipvsadm.master.replace("40000380", "40000300"),
  ipv6:
    "4c000300 0800010001000000 090002006574683900000000 0800030009000000 06000400ac050000 0600070090220000" +
    "0500080001000000 14000600ff020000000000000000000000000081",
};

const hex = (text: string): string => text.replaceAll(" ", "");
const usual = { maxLength: null, group: null, port: null, ttl: null };
const master: IpvsSyncDaemon = {
  role: "master",
  interface: "eth9",
  id: 7,
  maxLength: 1400,
  group: "224.0.0.82",
  port: 8849,
  ttl: 2,
};
const ipv6: IpvsSyncDaemon = { ...usual, role: "master", interface: "eth9", id: 9, group: "ff02::81" };

test("a sync daemon is started with the bytes of ipvsadm", () => {
  expect(toHex(daemonAttribute(master))).toBe(hex(ipvsadm.master));
  expect(toHex(daemonAttribute({ ...usual, role: "backup", interface: "eth9", id: 7 }))).toBe(
    hex(ipvsadm.backup),
  );
  expect(toHex(daemonAttribute(ipv6))).toBe(hex(ipvsadm.ipv6));
});

test("a sync daemon is stopped with the bytes of ipvsadm", () => {
  expect(toHex(daemonKeyAttribute("backup"))).toBe(hex(ipvsadm.stop));
});

test("a sync daemon is read as the kernel tells it, with what that filled in", () => {
  expect(parseDaemon(parseAttributes(fromHex(hex(kernel.master))))).toEqual(master);
  expect(parseDaemon(parseAttributes(fromHex(hex(kernel.ipv6))))).toEqual({
    ...ipv6,
    maxLength: 1452,
    port: 8848,
    ttl: 1,
  });
});

test("a kernel that tells only the oldest attributes leaves the others unknown", () => {
  expect(parseDaemon(parseAttributes(fromHex(hex(ipvsadm.backup))))).toEqual({
    ...usual,
    role: "backup",
    interface: "eth9",
    id: 7,
  });
});

test("an answer without a daemon, or with one of no known role, is none", () => {
  expect(parseDaemon(parseAttributes(new Uint8Array()))).toBeNull();
  expect(
    parseDaemon(parseAttributes(fromHex(hex(ipvsadm.backup.replace("0100020000", "0100030000"))))),
  ).toBeNull();
});

test("timeouts are written with the bytes of ipvsadm, and read back", () => {
  const timeouts = { tcp: 1000, tcpFin: 130, udp: 310 };
  const bytes = timeoutAttributes(timeouts);
  expect(bytes.map(toHex).join("")).toBe(hex(ipvsadm.timeouts));
  expect(parseTimeouts(parseAttributes(fromHex(hex(ipvsadm.timeouts))))).toEqual(timeouts);
  expect(timeoutAttributes({ tcp: null, tcpFin: 60, udp: null }).map(toHex)).toEqual([
    "0800040000000000",
    "080005003c000000",
    "0800060000000000",
  ]);
});

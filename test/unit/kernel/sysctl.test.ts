import { expect, test } from "bun:test";
import { readSysctl, writeSysctl } from "../../../src/kernel/sysctl.ts";

test("readSysctl() gives the value without the line feed", () => {
  expect(readSysctl("kernel/ostype")).toBe("Linux");
});

test("a setting that does not exist throws ENOENT with its file", () => {
  const expected = { name: "SystemError", code: "ENOENT", about: "/proc/sys/net/ipv4/no_such_setting" };
  expect(() => readSysctl("net/ipv4/no_such_setting")).toThrow(expect.objectContaining(expected));
});

test("a path that leaves the settings is a programming error", () => {
  for (const path of ["../net/dev", "net/../../cmdline", "/kernel/ostype", "net//ipv4", "net/ ipv4", ""]) {
    expect(() => readSysctl(path)).toThrow("assertion failed");
    expect(() => writeSysctl(path, "1")).toThrow("assertion failed");
  }
});

test("an interface's name may hold anything but a slash and white space", () => {
  expect(() => readSysctl("net/ipv4/conf/br+lan~1.7@x/arp_ignore")).toThrow("ENOENT");
});

import { expect, test } from "bun:test";
import { silentLog } from "../../../src/base/log.ts";
import { SystemError } from "../../../src/base/system-error.ts";
import { Secondaries } from "../../../src/vrrp/secondaries.ts";

const eth0 = { index: 2, name: "eth0" };
const pathOf = (link: string): string => `net/ipv4/conf/${link}/promote_secondaries`;

function bench(
  own: string,
  all = "0",
): { readonly settings: Map<string, string>; readonly writes: string[]; readonly secondaries: Secondaries } {
  const settings = new Map([
    [pathOf("eth0"), own],
    [pathOf("all"), all],
  ]);
  const writes: string[] = [];
  const host = {
    settings: {
      read(path: string): string {
        const value = settings.get(path);
        if (value === undefined) throw new SystemError("open", "ENOENT");
        return value;
      },
      write(path: string, value: string): void {
        if (!settings.has(path)) throw new SystemError("open", "ENOENT");
        writes.push(value);
        settings.set(path, value);
      },
    },
  };
  return { settings, writes, secondaries: new Secondaries({ host, log: silentLog }) };
}

test("the setting is made once, and put back with the last address", () => {
  const { writes, secondaries } = bench("0");
  secondaries.protect(eth0);
  secondaries.protect(eth0);
  secondaries.release(eth0.index, eth0.name);
  secondaries.release(eth0.index, eth0.name);
  expect(writes).toEqual(["1", "0"]);
  secondaries.protect(eth0);
  expect(writes).toEqual(["1", "0", "1"]);
});

test("what the administrator has set stays as it is", () => {
  for (const { writes, secondaries } of [bench("1"), bench("0", "1")]) {
    secondaries.protect(eth0);
    secondaries.release(eth0.index, eth0.name);
    expect(writes).toEqual([]);
  }
});

test("an interface that is gone is nobody's fault", () => {
  const { settings, secondaries } = bench("0");
  secondaries.protect(eth0);
  settings.delete(pathOf("eth0"));
  secondaries.release(eth0.index, eth0.name);
  secondaries.protect({ index: 3, name: "eth1" });
  secondaries.release(3, "eth1");
  expect(settings.size).toBe(1);
});

test("a renamed interface is put back under its new name, and another of the old name is seen to", () => {
  const { settings, secondaries } = bench("0");
  secondaries.protect(eth0);
  settings.set(pathOf("lan0"), "1");
  settings.set(pathOf("eth0"), "0");
  secondaries.protect({ index: 9, name: "eth0" });
  secondaries.release(eth0.index, "lan0");
  expect([settings.get(pathOf("lan0")), settings.get(pathOf("eth0"))]).toEqual(["0", "1"]);
});

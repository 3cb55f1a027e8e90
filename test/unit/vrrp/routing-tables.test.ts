import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseTables, tableNumbers } from "../../../src/vrrp/routing-tables.ts";

const administrators = "/etc/iproute2/rt_tables";
const distributions = "/usr/share/iproute2/rt_tables";

describe("parseTables", () => {
  test("reads numbers and names, and nothing else", () => {
    const text =
      "# reserved\n255\tlocal\n100 uplink # to the provider\n0x65 hex\n 7  spaced\n\n0 unspec\nno number\n12\n-3 x\n";
    expect(parseTables(text)).toEqual([
      ["local", 255],
      ["uplink", 100],
      ["hex", 101],
      ["spaced", 7],
    ]);
  });

  test("takes any text at all", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const [name, number] of parseTables(text)) {
          expect(name).not.toBe("");
          expect(Number.isInteger(number) && number > 0 && number <= 0xffff_ffff).toBe(true);
        }
      }),
    );
  });
});

describe("tableNumbers", () => {
  const files = new Map<string, string>();
  const host = { readFile: (path: string): string | null => files.get(path) ?? null };
  const named = { name: "public-1", tables: ["uplink", "main", 100] };

  test("finds the administrator's names before the distribution's, and those every host has", () => {
    files.set(distributions, "100 uplink\n101 other\n");
    expect(tableNumbers([named], host).get("uplink")).toBe(100);
    files.set(administrators, "200 uplink\n");
    const numbers = tableNumbers([named], host);
    expect([numbers.get("uplink"), numbers.get("other"), numbers.get("main")]).toEqual([200, 101, 254]);
  });

  test("reads no file where every table is a number, and refuses a name that nobody knows", () => {
    const untouched = {
      readFile: (path: string): string | null => {
        throw new Error(`reads ${path}`);
      },
    };
    expect(tableNumbers([{ name: "public-1", tables: [100, 254] }], untouched).size).toBe(0);
    files.clear();
    expect(() => tableNumbers([named], host)).toThrow(
      'public-1: this node knows no routing table named "uplink"; add it to /etc/iproute2/rt_tables on this node, or write its number',
    );
  });
});

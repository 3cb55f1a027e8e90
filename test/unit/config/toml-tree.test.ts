import { describe, expect, test } from "bun:test";
import { locator } from "../../../src/config/finding.ts";
import { parseToml, plainValue } from "../../../src/config/toml-tree.ts";

const text = `# première
[[vip]]
  name = "ä" # x
  check = { type = "tcp", "odd key" = [1, { deep = true }],
    late = 2.5 }
[[vip]]
name = "b"
[node.address]
eth1 = '10.0.0.1'
a.b.c = 1
[[site]]
[[site.route]]
path = "/"
upstream = "u"
[[site.route]]
path = "/x"
`;

function places(source: string): (path: readonly (string | number)[], pointsAtKey?: boolean) => string {
  const { tree } = parseToml(source);
  if (tree === null) throw new Error("not TOML");
  const places = locator(tree, source);
  return (path, pointsAtKey = false) => {
    const found = places.locate({ severity: "error", path, what: "", remedy: "", pointsAtKey });
    return `${found.line}:${found.column} ${found.key}`;
  };
}

describe("parseToml", () => {
  test("keeps the place of every key and value", () => {
    const at = places(text);
    expect(at(["vip"])).toBe("2:1 vip");
    expect(at(["vip", 0])).toBe('2:1 vip "ä"');
    expect(at(["vip", 0, "name"])).toBe('3:10 vip "ä".name');
    expect(at(["vip", 0, "name"], true)).toBe('3:3 vip "ä".name');
    expect(at(["vip", 0, "check"])).toBe('4:11 vip "ä".check');
    expect(at(["vip", 0, "check", "odd key"], true)).toBe('4:27 vip "ä".check."odd key"');
    expect(at(["vip", 0, "check", "odd key", 0])).toBe('4:40 vip "ä".check."odd key"[0]');
    expect(at(["vip", 0, "check", "odd key", 1, "deep"])).toBe('4:52 vip "ä".check."odd key"[1].deep');
    expect(at(["vip", 0, "check", "late"])).toBe('5:12 vip "ä".check.late');
    expect(at(["vip", 1, "name"])).toBe('7:8 vip "b".name');
    expect(at(["node", "address", "eth1"])).toBe("9:8 node.address.eth1");
    expect(at(["node", "address", "a", "b", "c"])).toBe("10:9 node.address.a.b.c");
    expect(at(["site", 0, "route", 1])).toBe("15:1 site[0].route[1]");
    expect(at(["site", 0, "route", 0, "path"])).toBe('13:8 site[0].route "/".path');
  });

  test("gives a missing key the place of the table it is missing from", () => {
    const at = places(text);
    expect(at(["vip", 1, "address"])).toBe('6:1 vip "b".address');
    expect(at(["vip", 0, "check", "interval"])).toBe('4:11 vip "ä".check.interval');
    expect(at(["cluster", "name"])).toBe("1:1 cluster.name");
  });

  test("counts columns in characters, over CRLF and signs outside the BMP", () => {
    const at = places('a = "😀"\r\nb = { x = "😀", y = 1 }\r\n');
    expect(at(["b", "y"])).toBe("2:20 b.y");
  });

  test("gives plain values without a prototype", () => {
    const { tree } = parseToml('__proto__ = { x = 1 }\nn = [1, "a", false, 2020-01-01]');
    if (tree === null) throw new Error("not TOML");
    const plain = plainValue(tree) as Record<string, unknown>;
    expect(Object.keys(plain)).toEqual(["__proto__", "n"]);
    expect(plain["n"]).toEqual([1, "a", false, expect.any(Date)]);
  });

  test.each([
    ["a = \n", "1:5 the line ends too early"],
    ["a = [1,", "1:8 the file ends too early"],
    ["a = x", '1:5 unexpected "x"'],
    ["a = 1\n a = 2", '2:2 the key "a" is given twice'],
    ["[a]\n[a]", '2:1 the key "a" is given twice'],
    ["a = 2020-13-01", "1:5 invalid date: month 13 out of range"],
    [`a = ${"[".repeat(40)}`, "1:37 maximum nesting depth of 32 exceeded"],
    [
      "a = 99999999999999999999",
      "1:5 integer literal is outside the 64-bit signed integer range required by TOML",
    ],
  ])("says where %j is no TOML", (source, expected) => {
    const result = parseToml(source);
    if (result.tree !== null) throw new Error("TOML after all");
    expect(`${result.at.line}:${result.at.column} ${result.what}`).toBe(expected);
  });
});

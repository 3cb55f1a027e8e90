import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, nat, property, record } from "fast-check";
import { scanToml } from "../../../src/config/toml-scanner.ts";
import { parseByLibrary, parseToml, plainValue, type TomlNode } from "../../../src/config/toml-tree.ts";

/** Pieces of files, good and bad, that a wrong reader would put together wrongly. */
const pieces = [
  "\n",
  "\n\n",
  " ",
  "\t",
  "\r\n",
  ",",
  "=",
  "#",
  "# a comment\n",
  "=1\n",
  " = ",
  "{",
  "}",
  "[",
  "]",
  ".",
  "-",

  "[a]\n",
  "[a.b]\n",
  "[[a]]\n",
  "[[a.b]]\n",
  "[ a . b ]\n",
  "[b]\n",
  "[[b]] # x\n",
  "[a]",
  "[[ b ]]",

  "a = 1\n",
  "b = 2\n",
  "a.b = 3\n",
  '"a" = 1\n',
  "a = {}\n",
  "a = []\n",
  "a=-0\n",
  "a = 007\n",
  "a = +5\n",

  "c = { a = 1, b = [true, false] }\n",
  "c = { a = 1,\n b = 2, }\n",
  "d = [1,\n # x\n 2,\n]\n",
  "d = [ , ]\n",
  "d = [{ a = 1 }, { a = 2 }]\n",
  'd = [{ a = "x", b = true }, { a = "y", b = -3 }] # x\n',
  "{ a = 1 }, ",
  "{ b = 1, a = 2 }",
  ", b = 2 }",
  " }]",

  '"',
  "'",
  '""',
  "''",
  '"""',
  "'''",
  '"x"',
  "'x'",
  '"\\"\\n\\\\"',
  '"\\u00e9"',
  '"\\q"',
  '"ä😀"',
  "'\\'",

  "1",
  "-12",
  "1_000",
  "1.5",
  "0x1f",
  "1979-05-27",
  "true",
  "truely",
  "inf",
  "123456789012345678901",
  "__proto__ = 1\n",

  "e = 1 f = 2\n",
  'e = "x" # y\n',
  "[a.b.c]\n",
  "[[a.b.c]]\n",
  "\u0001",
  "\ufeff",
  "\ud800",
  "a",
  "b",
];

/** A tree with the places that are looked up only when asked for. */
function whole(node: TomlNode): TomlNode {
  const { offset } = node;
  if (node.kind === "scalar") return node;
  if (node.kind === "array") return { kind: "array", offset, items: node.items.map(whole) };
  const entries = [...node.entries].map(
    ([key, entry]) => [key, { keyOffset: entry.keyOffset, node: whole(entry.node) }] as const,
  );
  return { kind: "table", offset, shift: node.shift, entries: new Map(entries) };
}

/** What both readers make of a text: the scanner's tree has to be the library's; it may always decline. */
function compare(text: string): "same" | "declined" {
  const scanned = scanToml(text);
  if (scanned === null) return "declined";
  const { tree } = parseByLibrary(text);
  if (tree === null) throw new Error(`the library refuses ${JSON.stringify(text)}`);
  expect(whole(scanned)).toEqual(tree);
  // What was read for its value alone is the same as what its nodes come to.
  expect(plainValue(scanned)).toEqual(plainValue(tree));
  return "same";
}

const common = `# a cluster
[cluster]
name = "big"   # its name
[[vip]]
name = 'v'
addresses = ["10.0.0.1/24", "10.0.0.2/24",
  # the last
  "10.0.0.3/24",
]
[[service]]
port = 80
is = true
check = { type = "http", body = "\\"ok\\"\\t", deep = { a = [1, -2], b = {} } }
servers = [
  { address = "10.98.0.21", weight = 3 },
  { address = "10.98.0.22" }, # spare
]
backups = [{ address = "10.98.0.23", weight = 3 }, { address = "", weight = 0 }]
others = [{ is = true, name = "{ is" }, { is = false, name = "}, {" }]
[service.check]
[[service]]
  [service.slow]
  a = 1
  [[site.route]]
  b = ""
  [[site.route]]
`;

function section(index: number): string {
  return (
    `[[service]]\nname = "s${index}"\nport = 80\nis = true\naddresses = ["10.0.0.1", "10.0.0.2"]\n` +
    'check = { type = "http", path = "/a b", port = -8 }\n' +
    `servers = [{ address = "10.1.0.1", weight = 1 },\n  { address = "", weight = ${index} }]\n`
  );
}

describe("scanToml", () => {
  test("gives the library's tree with the library's places for what configurations are written in", () => {
    expect(compare(common.replace("[service.check]\n", ""))).toBe("same");
  });

  test("leaves to the library what the library refuses, and what is rare", () => {
    for (const text of [common, "a = 1\na = 2\n", "a = 1.5\n", "a.b = 1\n", "a = 1\r\n", 'a = """x"""\n']) {
      expect(compare(text)).toBe("declined");
    }
  });

  test("what it declines is read, or refused, as ever", () => {
    expect(parseToml("a = 1.5\n")).toEqual(parseByLibrary("a = 1.5\n"));
    expect(parseToml("a = 1\na = 2\n")).toMatchObject({ tree: null, at: { line: 2, column: 1 } });
  });

  test("reads long lists of tables with the same keys, whatever the one that differs", () => {
    const servers = Array.from({ length: 200 }, (_, index) => `{ address = "10.0.0.9", weight = ${index} }`);
    expect(compare(`servers = [${servers.join(", ")}]\n`)).toBe("same");
    const ways = ['{ address = "x" }', '{ weight = 1, address = "x" }', "1", "[]", '{address="x", weight=1}'];
    for (const way of ways)
      for (const at of [0, 1, 63, 64, 127, 199])
        expect(compare(`servers = [${servers.with(at, way).join(", ")}]\n`)).toBe("same");
    for (const way of [
      '{ address = "x", address = "y" }',
      '{ address = "x", weight = 007 }',
      "{ __proto__ = 1 }",
    ])
      for (const at of [0, 64])
        expect(compare(`servers = [${servers.with(at, way).join(", ")}]\n`)).toBe("declined");
  });

  test("reads tables that are written like one before them, whatever the one that differs", () => {
    const sections = Array.from({ length: 12 }, (_, index) => section(index));
    expect(compare(sections.join(""))).toBe("same");
    const ways = [
      ["port = 80\n", "port = 81\n\n"],
      ["port = 80\n", "port = 81 # other\n"],
      ["port = 80\n", "# other\nport = 81\n"],
      ["port = 80\nis = true\n", "is = false\nport = 80\n"],
      ["port = 80\n", ""],
      ['name = "s5"', 'name = "s\\n5"'],
      ['name = "s5"', "name = 's5'"],
      ['"10.0.0.2"]', '"10.0.0.2", ]'],
      ['"10.0.0.2"]', "7]"],
      ['path = "/a b"', 'path = "{ x = 1 }"'],
      ['path = "/a b"', 'path = ", port = -8"'],
      ['path = "/a b"', "deep = { path = 1 }"],
      ['"", weight', '"x y", weight'],
      ["[{ address", "[ { address"],
      ["[[service]]\n", "[[ service ]]\n"],
      ["[[service]]\n", "[[other]]\n"],
      ["[[service]]\n", "[other]\n[[service]]\n"],
      ["}]\n", "}]\n[service.slow]\na = 1\n"],
      ["}]\n", "}]\n[cluster]\na = 1\n[service.slow]\na = 1\n[[service.list]]\n"],
      ["}]\n", "}]"],
    ] as const;
    for (const [from, to] of ways)
      for (const at of [0, 1, 5, 11]) {
        const changed = section(at).replace(from.replace("s5", `s${at}`), to);
        expect(compare(sections.with(at, changed).join(""))).toBe(
          changed.endsWith("\n") || at === 11 ? "same" : "declined",
        );
      }
    for (const [from, to] of [
      ["port = 80\n", "port = 080\n"],
      ["port = 80\n", "port = 80\nport = 80\n"],
      ["port = 80\n", "port = 80 is = 1\n"],
      ["is = true", "is = truely"],
      ['name = "', 'name = "\n'],
      ["weight = 1 }", "weight = 1, weight = 1 }"],
      ["weight = 1 }", "weight = 1, }, { }, 5 5"],
      ["}]\n", "}]\n[service.check]\n"],
    ] as const)
      for (const at of [1, 5, 11])
        expect(compare(sections.with(at, section(at).replace(from, to)).join(""))).toBe("declined");
  });

  test("nor another for tables of the same name, in whatever order their lines come", () => {
    const lines = [
      ["a = 1\n", 'a = "x"\n', 'a = "\\""\n', "a = -0\n", "a = 1.5\n"],
      ['b = "x"\n', "b = [1, 2]\n", 'b = ["x", true]\n', 'b = ""\n', 'b = """"""\n'],
      ["c = { a = 1, b = 2 }\n", "c = [{ a = 1 },\n { a = 2 }]\n", "c = [{}]\n"],
      ['c = [{ a = 1, b = "}" }, { a = 2, b = "{" }]\n', "\n", "# x\n"],
      ["[[s]]\na = 1\n", "[[s]]\n", "[[s]]\na = 2\nb = []\n", "[s.t]\n", "[[s.t]]\n", "[t]\n"],
    ].flat();
    assert(
      property(
        array(constantFrom(...lines), { maxLength: 16 }),
        (parts) => void compare(`[[s]]\na = 1\n${parts.join("")}`),
      ),
      { numRuns: 4_000 },
    );
  });

  test("never gives another tree than the library, and none where that refuses", () => {
    const files = array(constantFrom(...pieces), { maxLength: 14 }).map((parts) => parts.join(""));
    assert(
      property(files, (text) => void compare(text)),
      { numRuns: 4_000 },
    );
  });

  test("nor for a file that is all but right", () => {
    const change = record({
      at: nat({ max: common.length }),
      gone: nat({ max: 3 }),
      put: constantFrom("", ...pieces),
    });
    assert(
      property(array(change, { maxLength: 3 }), (changes) => {
        const whole = common.replace("[service.check]\n", "");
        const text = changes.reduce(
          (before, { at, gone, put }) => before.slice(0, at) + put + before.slice(at + gone),
          whole,
        );
        compare(text);
      }),
      { numRuns: 2_000 },
    );
  });
});

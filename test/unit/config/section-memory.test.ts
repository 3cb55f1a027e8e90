import { describe, expect, test } from "bun:test";
import { planNode } from "../../../src/config/plan.ts";
import { readConfig } from "../../../src/config/read.ts";
import { SectionMemory } from "../../../src/config/section-memory.ts";
import { parseToml } from "../../../src/config/toml-tree.ts";
import { readSections } from "../../../src/config/sections.ts";

const file = (weight: string, extra = ""): string => `[cluster]
name = "c"
${extra}
[[node]]
name = "lb1"
address = { eth0 = "10.99.0.11/24" }
[[vip]]
name = "v"
address = "10.99.0.101/24"
interface = "eth0"
vrid = 51
prefer = ["lb1"]
[[service]]
name = "web"
vips = ["v"]
port = 80
forward = "dr"
servers = [{ address = "10.99.0.21", weight = ${weight} }]
`;

function serviceWith(remark: string, name: string, weight: string): string {
  return (
    `[[service]]\nname = "${name}"\nvips = ["v"]\nport = ${80 + Number(name)}${remark}\nforward = "dr"\n` +
    `servers = [\n { address = "10.99.0.2${name}", weight = ${weight} },\n]\n`
  );
}

describe("SectionMemory", () => {
  test("makes no difference to what a file comes to, or to what is wrong with it", () => {
    const memory = new SectionMemory();
    expect(readConfig(file("1"), "f").config).not.toBeNull();
    for (const weight of ["1", "2", "1", "-1", '"x"', "1979-05-27", "nan", "1"]) {
      const text = file(weight, weight === "2" ? "# a line more" : "");
      expect(readConfig(text, "f", undefined, memory)).toEqual(readConfig(text, "f"));
    }
  });

  // Without a remark all but the first are read as that one was written.
  test.each([" # a port", ""])("finds what moved, and names its new place (remark %j)", (remark) => {
    const service = (name: string, weight: string): string => serviceWith(remark, name, weight);
    const memory = new SectionMemory();
    const site = '[[site]]\nhosts = ["a.example"]\nlisteners = ["nobody"]\n';
    const route = '[[site.route]]\npath = "/"\nupstream = "nothing"\n';
    const head = file("1");
    const texts = [
      [service("1", "1"), service("2", "1"), service("3", "1")],
      [service("1", "10"), service("2", "1"), service("3", "1")],
      [service("2", "0"), "# moved\n", service("3", "-1"), service("2", "1")],
      [service("3", "1"), site, service("2", "0")],
      [service("3", "1"), site, route, service("2", "0")],
      [service("3", "1"), site, route.replace("/", "/a"), service("2", "0"), "[proxy]\n"],
      [service("3", "1"), site, service("2", "0").trimEnd()],
      [service("3", "1"), site, service("2", "0"), 'forward = "nat"\n'],
      [service("2", "0"), "sorry = 1"],
      [service("2", "0")],
    ].map((parts) => head + parts.join(""));
    for (const text of texts) {
      expect(readConfig(text, "f", undefined, memory)).toEqual(readConfig(text, "f"));
    }
  });

  test("plans what stayed as the very same entries", () => {
    const memory = new SectionMemory();
    const more =
      '[[service]]\nname = "more"\nvips = ["v"]\nport = 81\nforward = "dr"\nservers = [{ address = "10.99.0.22" }]\n';
    const plan = (weight: string) => {
      const { config } = readConfig(file(weight) + more, "f", undefined, memory);
      if (config === null) throw new Error("no configuration");
      return planNode(config, "lb1", { cores: 1 }).director.services;
    };
    const [first, second] = [plan("1"), plan("2")];
    expect(second.map((service) => first.includes(service))).toEqual([false, true]);
    expect(second[0]?.servers[0]?.weight).toBe(2);
  });

  test.each([
    ["in plain text", "\n"],
    ["that only the library reads", "\r\n"],
  ])(
    "keeps no text of long ago: a table that never changed is read anew in the end, of files %s",
    (_, end) => {
      const memory = new SectionMemory();
      const text = (extra: string): string => file("1", extra).replaceAll("\n", end);
      const first = readConfig(text(""), "f", undefined, memory).config?.services[0];
      const others = Array.from({ length: 16 }, (__, index) => {
        const { config } = readConfig(text(`# ${index}`), "f", undefined, memory);
        return config?.services[0];
      });
      expect(others.map((one) => one?.servers === first?.servers)).toEqual([
        ...Array.from({ length: 15 }, () => true),
        false,
      ]);
      expect(others.at(-1)).toEqual(first);
    },
  );

  test("holds only the tables that changed against their schema", () => {
    const memory = new SectionMemory();
    const read = (weight: string) => {
      const { tree } = parseToml(file(weight));
      if (tree === null) throw new Error("no TOML");
      return readSections(tree, [], memory);
    };
    const [first, second] = [read("1"), read("2")];
    expect(second.vips[0]?.value).toBe(first.vips[0]?.value);
    expect(second.services[0]?.value).not.toBe(first.services[0]?.value);
  });
});

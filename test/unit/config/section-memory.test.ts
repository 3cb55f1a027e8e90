import { describe, expect, test } from "bun:test";
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

describe("SectionMemory", () => {
  test("makes no difference to what a file comes to, or to what is wrong with it", () => {
    const memory = new SectionMemory();
    expect(readConfig(file("1"), "f").config).not.toBeNull();
    for (const weight of ["1", "2", "1", "-1", '"x"', "1979-05-27", "nan", "1"]) {
      const text = file(weight, weight === "2" ? "# a line more" : "");
      expect(readConfig(text, "f", undefined, memory)).toEqual(readConfig(text, "f"));
    }
  });

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

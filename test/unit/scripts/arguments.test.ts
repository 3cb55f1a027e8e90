import { describe, expect, test } from "bun:test";
import { numberOf, parseArguments, type Form } from "../../../scripts/arguments.ts";

const form: Form = {
  usage: "scripts/bench it [PACE [EVENT]] [--rounds N] [--library]",
  words: { pace: { in: ["v2 1 s", "v3 10 ms"] }, event: { oneOf: ["cut", "stop"] } },
  options: { rounds: "number", library: "flag" },
};

describe("parseArguments()", () => {
  test("gives what was given, by name", () => {
    const given = parseArguments(form, ["v3", "--rounds", "5", "stop", "--library"]);
    expect(Object.fromEntries(given)).toEqual({ event: "stop", library: "", pace: "v3", rounds: "5" });
    expect(numberOf(given, "rounds", 3)).toBe(5);
    expect(numberOf(parseArguments(form, []), "rounds", 3)).toBe(3);
  });

  test.each([
    [["--round", "5"], "Unknown option '--round'"],
    [["--rounds"], "--rounds"],
    [["--rounds", "many"], 'rounds: "many" is no number above 0'],
    [["--rounds", "0"], 'rounds: "0" is no number above 0'],
    [["v4"], 'pace: "v4" is in none of "v2 1 s", "v3 10 ms"'],
    [["v3", "halt"], 'event: "halt" is none of cut, stop'],
    [["v3", "cut", "more"], '"more" is one argument too many'],
  ])("refuses %j, and tells how it is written", (written, complaint) => {
    expect(() => parseArguments(form, written)).toThrow(complaint);
    expect(() => parseArguments(form, written)).toThrow(`\nusage: ${form.usage}`);
  });
});

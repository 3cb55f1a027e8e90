import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { readFileSync } from "node:fs";
import { formatDiagnostic, hasErrors } from "../../../src/config/diagnostic.ts";
import { planNode } from "../../../src/config/plan.ts";
import { readConfig } from "../../../src/config/read.ts";

const folder = `${import.meta.dir}/../../support`;
const texts = ["examples/product.toml", "topologies/dual-net-sync-dual-active.toml"].map((file) =>
  readFileSync(`${folder}/${file}`, "utf8"),
);

const scraps = [
  "[",
  "]",
  "{",
  "}",
  '"',
  "=",
  ",",
  "\n",
  ".",
  "0",
  "-1",
  "true",
  "[[vip]]\n",
  "[cluster]\n",
  "__proto__ = 1\n",
  "1979-05-27",
  "inf",
  "é",
  "\u0000",
];

/** One edit: cut a piece out, put a scrap in, or repeat a line elsewhere. */
const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.nat({ max: 40 }),
  put: fc.oneof(fc.constantFrom(...scraps), fc.string({ maxLength: 6 }), fc.constant(null)),
});

function apply(text: string, { at, cut, put }: { at: number; cut: number; put: string | null }): string {
  const start = Math.floor(at * text.length);
  if (put !== null) return text.slice(0, start) + put + text.slice(start + (cut % 4));
  const lines = text.split("\n");
  const from = Math.floor(at * lines.length);
  return [...lines.slice(0, from), lines[(from + cut) % lines.length] ?? "", ...lines.slice(from)].join("\n");
}

describe("readConfig", () => {
  test("gives a configuration or errors with places inside the text, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.array(edit, { minLength: 1, maxLength: 6 }),
        (text, edits) => {
          const mutated = edits.reduce(apply, text);
          const lines = mutated.split("\n");
          const { config, diagnostics } = readConfig(mutated, "f");
          expect(config === null).toBe(hasErrors(diagnostics));
          for (const one of diagnostics) {
            expect(one.line).toBeGreaterThanOrEqual(1);
            expect(one.line).toBeLessThanOrEqual(lines.length);
            expect(one.column).toBeGreaterThanOrEqual(1);
            expect(one.column).toBeLessThanOrEqual((lines[one.line - 1]?.length ?? 0) + 2);
            expect(one.what).not.toBe("");
            expect(one.remedy).not.toBe("");
            expect(formatDiagnostic("f", one)).not.toContain("\n");
          }
          for (const node of config?.nodes ?? []) {
            if (config !== null) planNode(config, node.name, { cores: 1 });
          }
        },
      ),
      { numRuns: 1500 },
    );
  }, 120_000);

  test("sorts by place", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        (text, edits) => {
          const { diagnostics } = readConfig(edits.reduce(apply, text), "f");
          const places = diagnostics.map(({ line, column }) => line * 100_000 + column);
          expect(places).toEqual([...places].sort((a, b) => a - b));
        },
      ),
      { numRuns: 300 },
    );
  }, 120_000);

  test("refuses a text that is longer than any configuration", () => {
    const { config, diagnostics } = readConfig(`# ${"x".repeat(4 * 1024 ** 2)}`, "big.toml");
    expect(config).toBeNull();
    expect(diagnostics.map(({ what }) => what)).toEqual(["big.toml is longer than 4 MiB"]);
  });
});

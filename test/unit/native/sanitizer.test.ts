import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../support/native-addon.ts";

/** The addon under AddressSanitizer and UBSan, inside the very runtime it is made for. */

const directory = mkdtempSync(join(tmpdir(), "edge-ha-sanitizer-"));
const warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"];
const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];

const run = (
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { readonly exitCode: number | null; readonly output: string } => {
  const result = Bun.spawnSync([...command], { cwd: root, env: { ...process.env, ...env } });
  return { exitCode: result.exitCode, output: result.stdout.toString() + result.stderr.toString() };
};

const build = (name: string, sources: readonly string[]): string => {
  const file = join(directory, name);
  const include = ["-I", "node_modules/node-api-headers/include"];
  const flags = ["-std=gnu11", "-O1", "-g", "-fPIC", "-shared", ...warnings, ...sanitizers, ...include];
  const result = run(["gcc", ...flags, "-o", file, ...sources, "-lpthread", "-lm"]);
  if (result.exitCode !== 0) throw new Error(result.output);
  return file;
};

const runSanitized = (addon: string): ReturnType<typeof run> => {
  const libraries = ["libasan.so", "libubsan.so"].map((name) =>
    run(["gcc", `-print-file-name=${name}`]).output.trim(),
  );
  return run([process.execPath, "test/unit/native/exercise.ts", addon], {
    LD_PRELOAD: libraries.join(":"),
    // The runtime itself frees little when it ends, and has its own way with signals.
    ASAN_OPTIONS: "detect_leaks=0:handle_segv=0:abort_on_error=0:exitcode=99",
  });
};

describe("under AddressSanitizer and UBSan", () => {
  let addon = "";

  beforeAll(() => {
    const sources = readdirSync(join(root, "native")).filter((name) => name.endsWith(".c"));
    addon = build(
      "edge_ha.node",
      sources.map((name) => join("native", name)),
    );
  });

  afterAll(() => rmSync(directory, { recursive: true }));

  test("every function runs clean, with fit and unfit arguments", () => {
    expect(runSanitized(addon)).toEqual({ exitCode: 0, output: "exercised\n" });
  }, 60_000);

  test("heads are looked for in nothing but what was read", () => {
    const file = join(directory, "heads");
    const flags = ["-std=gnu11", "-O1", "-g", ...warnings, ...sanitizers];
    const built = run(["gcc", ...flags, "-o", file, "test/unit/native/heads.c", "native/heads.c"]);
    expect(built).toEqual({ exitCode: 0, output: "" });
    const { exitCode, output } = run([file]);
    expect(output).toMatch(/^[1-9][0-9]{3,} heads\n$/);
    expect(exitCode).toBe(0);
  }, 60_000);

  test("an addon that writes behind its memory is stopped", () => {
    const { exitCode, output } = runSanitized(build("overflow.node", ["test/unit/native/overflow.c"]));
    expect(output).toContain("heap-buffer-overflow");
    expect(exitCode).toBe(99);
  }, 60_000);
});

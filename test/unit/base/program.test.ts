import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "edge-ha-program-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a name service that hangs holds nobody up for long, and is what the error is about", () => {
  writeFileSync(join(folder, "id"), "#!/bin/sh\nexec sleep 60\n");
  chmodSync(join(folder, "id"), 0o755);
  const program = join(import.meta.dir, "../../../src/base/program.ts");
  const code = `import { resolveUser } from ${JSON.stringify(program)}; resolveUser("deploy", 50);`;
  const { stderr } = Bun.spawnSync([process.execPath, "-e", code], {
    env: { ...process.env, PATH: `${folder}:${process.env["PATH"] ?? ""}` },
  });
  expect(stderr.toString()).toContain("the host's name service does not say within 50 ms who deploy is");
});

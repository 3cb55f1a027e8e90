import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "edge-ha-notifier-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the name service is asked once who the script's user is, however many plans name him", () => {
  const asked = join(folder, "asked");
  writeFileSync(join(folder, "id"), `#!/bin/sh\necho "$1" >> ${asked}\necho 7\n`);
  chmodSync(join(folder, "id"), 0o755);
  const entry = join(import.meta.dir, "../../../src/director/service-notifier.ts");
  const code = `
    import { ServiceNotifier } from ${JSON.stringify(entry)};
    const log = { debug() {}, notice() {}, warning() {}, error() {} };
    const notifier = new ServiceNotifier(log);
    const script = { command: ["/bin/true"], user: "deploy", timeoutMs: 1000 };
    for (let plan = 0; plan < 3; plan++) {
      const refusal = notifier.configure({ node: "lb1", fifo: null, script });
      if (refusal !== null) throw new Error(refusal);
    }`;
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, "-e", code], {
    env: { ...process.env, PATH: `${folder}:${process.env["PATH"] ?? ""}` },
  });
  expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
  expect(readFileSync(asked, "utf8")).toBe("-u\n-g\n");
});

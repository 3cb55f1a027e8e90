import { expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ScriptResult } from "../../../src/vrrp/host.ts";
import { resolveUser } from "../../../src/base/program.ts";
import { runScript } from "../../../src/vrrp/script.ts";
import { waitFor } from "../../support/lab.ts";

const shell = (text: string): readonly string[] => ["/bin/sh", "-c", text];

test("a script's exit status is its result", async () => {
  expect(await runScript({ command: shell("exit 0"), timeoutMs: 5000, user: null })).toEqual({
    hasSucceeded: true,
    text: "exit status 0",
  });
  expect(await runScript({ command: shell("exit 3"), timeoutMs: 5000, user: null })).toEqual({
    hasSucceeded: false,
    text: "exit status 3",
  });
});

test("a script that does not end is killed with all it started", async () => {
  const directory = mkdtempSync(join(tmpdir(), "edge-ha-script-"));
  const pidFile = join(directory, "pid");
  const command = shell(`sleep 1000 & echo $! >${pidFile}; wait`);
  // On a busy machine it may come to its end before it has started anything.
  for (let timeoutMs = 300; !/\d\n/.test(readQuietly(pidFile)); timeoutMs += 300) {
    const result = await runScript({ command, timeoutMs, user: null });
    expect(result.hasSucceeded).toBe(false);
    expect(result.text).toMatch(/^not finished after [\d.]+ m?s$/);
  }
  const pid = Number(readQuietly(pidFile));
  rmSync(directory, { recursive: true });
  await waitFor("the child of the script is dead", () => isDead(pid));
});

test("a script that is called off is killed with all it started", async () => {
  const directory = mkdtempSync(join(tmpdir(), "edge-ha-script-"));
  const pidFile = join(directory, "pid");
  const command = shell(`sleep 1000 & echo $! >${pidFile}; wait`);
  const called = new AbortController();
  const result = runScript({ command, timeoutMs: 3_600_000, user: null, signal: called.signal });
  await waitFor("the script has started its child", () => /\d\n/.test(readQuietly(pidFile)));
  called.abort();
  expect(await result).toEqual({ hasSucceeded: false, text: "ended by SIGKILL" });
  const pid = Number(readQuietly(pidFile));
  rmSync(directory, { recursive: true });
  await waitFor("the child of the script is dead", () => isDead(pid));
});

test("a script that cannot be run fails, and says why", async () => {
  const result = await runScript({ command: ["/nonexistent/check"], timeoutMs: 1000, user: null });
  expect(result.hasSucceeded).toBe(false);
  expect(result.text).toStartWith("cannot be run: ");
});

test("a script runs as the user that was asked for, with none of root's groups", async () => {
  const user = resolveUser("nobody");
  const isNobody = shell('test "$(id -u)" = "$(id -u nobody)" && ! id -G | grep -qw 0');
  expect(await runScript({ command: isNobody, timeoutMs: 5000, user })).toMatchObject({ hasSucceeded: true });
  expect(() => resolveUser("no-such-user")).toThrow("there is no user no-such-user");
});

test("a script that gets a signal fails", async () => {
  const result = await runScript({ command: shell("kill -9 $$"), timeoutMs: 5000, user: null });
  expect(result).toEqual({ hasSucceeded: false, text: "ended by SIGKILL" });
});

function readQuietly(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not written yet.
    return "";
  }
}

/** Gone, or a zombie that nobody has collected yet. */
function isDead(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}

test("root runs only what nobody else can change", async () => {
  const directory = mkdtempSync(join(tmpdir(), "edge-ha-script-"));
  const path = join(directory, "check");
  writeFileSync(path, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  const run = (): Promise<ScriptResult> =>
    runScript({ command: [path], timeoutMs: 5000, user: resolveUser("root") });
  expect(await run()).toEqual({ hasSucceeded: true, text: "exit status 0" });
  chmodSync(directory, 0o777);
  const text = `not run by root: ${directory} is writable by everybody`;
  expect(await run()).toEqual({ hasSucceeded: false, text });
  rmSync(directory, { recursive: true });
});

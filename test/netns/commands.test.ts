import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";

setDefaultTimeout(180_000);

const root = join(import.meta.dir, "../..");

async function run(command: readonly string[]): Promise<{ status: number; text: string }> {
  const child = Bun.spawn([...command], { cwd: root, stdout: "pipe", stderr: "pipe" });
  const [out, error] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { status: await child.exited, text: out + error };
}

/** Names of namespaces and folders of labs whose process has ended: a lab says in its names whose it is. */
async function leftovers(): Promise<string[]> {
  const { text } = await run(["ip", "netns", "list"]);
  const names = [...text.split("\n"), ...readdirSync(tmpdir())];
  return names.filter((name) => {
    const pid = /^edge-ha-lab-(\d+)-/.exec(name)?.[1];
    return pid !== undefined && !existsSync(`/proc/${pid}`);
  });
}

test("scripts/demo shows a failover, says what happened, and leaves nothing behind", async () => {
  const before = await leftovers();
  const { status, text } = await run(["scripts/demo"]);
  expect(text).toContain("loses its power");
  expect(text).toMatch(
    /192\.0\.2\.100, which lb1 held: \d+ requests, (none|\d+) failed.*longest silence \d+ ms/,
  );
  expect(text).toContain("gets its power back");
  expect(status).toBe(0);
  expect((await leftovers()).filter((name) => !before.includes(name))).toEqual([]);
});

test("scripts/bench http measures the peers beside us and prints the ratio", async () => {
  const { text } = await run(["scripts/bench", "http", "--rounds", "1", "--seconds", "1"]);
  expect(text).toMatch(/nginx +[\d.]+ µs\/request +ratio 1\.00/);
  expect(text).toMatch(/edge-ha +[\d.]+ µs\/request +ratio \d+\.\d\d/);
});

test("scripts/bench footprint prints memory and start time", async () => {
  const { status, text } = await run(["scripts/bench", "footprint"]);
  expect(text).toMatch(/vrrp/);
  expect(text).toMatch(/edge-ha version/);
  expect(status).toBe(0);
});

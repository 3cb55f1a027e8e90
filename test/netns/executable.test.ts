import { expect, test } from "bun:test";
import { chmodSync, cpSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { executable } from "../support/edge-ha.ts";
import { runCommand } from "../support/lab-command.ts";
import { type CommandResult, type Host, Lab } from "../support/lab.ts";

/** Makes a root directory that holds the executable, the C library it is linked to, and nothing else. */
async function bareRoot(lab: Lab): Promise<string> {
  const root = join(lab.directory, "bare");
  for (const directory of ["proc", "tmp"]) mkdirSync(join(root, directory), { recursive: true });
  const { stdout } = await runCommand(["ldd", executable]);
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? "");
  for (const path of libraries) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    cpSync(path, join(root, path), { dereference: true });
  }
  const names = new Set(libraries.map((path) => path.split("/").at(-1) ?? ""));
  expect([...names].sort((a, b) => a.localeCompare(b))).toEqual([
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libpthread.so.0",
  ]);
  cpSync(executable, join(root, "edge-ha"));
  chmodSync(join(root, "edge-ha"), 0o755);
  return root;
}

/** Runs the executable in the bare root; the kernel's own /proc is all that is mounted there. */
function runBare(host: Host, root: string, ...words: readonly string[]): Promise<CommandResult> {
  const script = 'mount -t proc proc "$0/proc" && exec env -i /usr/sbin/chroot "$0" /edge-ha "$@"';
  return host.run(["unshare", "--mount", "sh", "-c", script, root, ...words]);
}

test("the executable says its version in a root directory with nothing but the C library", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("bare", {});
  const root = await bareRoot(lab);
  const { stdout, stderr, exitCode } = await runBare(host, root, "version");
  expect({ stdout, stderr, exitCode }).toEqual({
    stdout: `edge-ha ${packageJson.version}\n`,
    stderr: "",
    exitCode: 0,
  });
}, 60_000);

test("the native addon inside the executable works in a root directory with nothing but the C library", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("bare", {});
  const root = await bareRoot(lab);
  const start = await runBare(host, root, "rs", "start", "--vip", "192.0.2.100");
  expect(start).toMatchObject({ stderr: "", exitCode: 0 });
  expect(await host.ip(["address", "show", "dev", "lo"])).toContain("192.0.2.100/32 scope global lo:0");
  const status = await runBare(host, root, "rs", "status");
  expect(status.stdout).toContain("started: 192.0.2.100");
  expect(await runBare(host, root, "rs", "stop")).toMatchObject({ stderr: "", exitCode: 0 });
  expect(await host.ip(["address", "show", "dev", "lo"])).not.toContain("192.0.2.100");
}, 60_000);

test("the executable takes no orders from files in its working directory", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("strange", {});
  await Bun.write(join(host.directory, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
  await Bun.write(join(host.directory, "evil.ts"), 'console.log("preloaded");\n');
  await Bun.write(join(host.directory, ".env"), "EDGE_HA_STATE_DIRECTORY=misled\n");
  await Bun.write(join(host.directory, "misled/rs.json"), "makes no sense");
  const version = await host.run([executable, "version"], { cwd: host.directory });
  expect(version).toEqual({ stdout: `edge-ha ${packageJson.version}\n`, stderr: "", exitCode: 0 });
  const status = await host.run([executable, "rs", "status", "--vip", "192.0.2.100"], {
    cwd: host.directory,
  });
  expect(status.stderr).toBe("");
  expect(status.stdout).toContain("not started");
});

test("the executable writes all of a long answer to a slow reader, and none to one that has left", async () => {
  await using lab = await Lab.create();
  const host = await lab.host("slow", {});
  const config = join(lab.directory, "long.toml");
  const vips = Array.from(
    { length: 250 },
    (_, index) => `[[vip]]
name = "v${index}"
address = "192.0.2.${index + 1}/24"
interface = "eth0"
vrid = ${index + 1}
prefer = ["lb251", "lb252"]
`,
  );
  const nodes = ["251", "252"].map(
    (last) => `[[node]]
name = "lb${last}"
address = { eth0 = "192.0.2.${last}/24" }
`,
  );
  await Bun.write(config, `[cluster]\nname = "long"\n${nodes.join("")}${vips.join("")}`);
  const check = `'${executable}' check --plan --json --node lb251 --config '${config}'`;
  const whole = await host.run(["sh", "-c", `${check} | { sleep 0.2; cat; }`]);
  expect(JSON.parse(whole.stdout)).toMatchObject({ isUsable: true });
  expect(whole.stdout.length).toBeGreaterThan(65_536);
  const begun = await host.run(["sh", "-c", `${check} | head -c 2`]);
  expect(begun).toMatchObject({ stdout: "{\n", exitCode: 0 });
});

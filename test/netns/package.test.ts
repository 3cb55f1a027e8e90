import { beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { type CommandResult, runCommand } from "../support/lab-command.ts";
import { Lab } from "../support/lab.ts";

const repository = resolve(import.meta.dir, "../..");
const debianPackage = join(repository, `dist/edge-ha_${packageJson.version}_amd64.deb`);
const units = ["edge-ha.service", "edge-ha-rs.service"];

async function outputOf(...command: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await runCommand(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}: ${stdout}${stderr}`);
  return stdout;
}

/** Runs a shell script in a copy of this machine's root that is thrown away, without a network. */
async function runInCopy(lab: Lab, script: string): Promise<CommandResult> {
  const place = join(lab.directory, "copy");
  mkdirSync(place);
  const setUp = `
    set -e
    mount -t tmpfs -o size=1g tmpfs ${place}
    cd ${place}
    mkdir upper work root
    mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
    mount -t proc proc root/proc
    mount -t tmpfs tmpfs root/run
    mount -t tmpfs -o mode=1777 tmpfs root/tmp
    cp ${debianPackage} root/run/edge-ha.deb
    exec env -u TMPDIR chroot root sh -euxc "$0"`;
  const unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"];
  return runCommand([...unshare, "sh", "-c", setUp, script], { timeoutMs: 120_000 });
}

beforeAll(async () => {
  await outputOf(join(repository, "appliance/build-deb"));
}, 120_000);

describe("the Debian package", () => {
  test("holds the executable, the units and the documentation, all root's, and no configuration file", async () => {
    const listing = await outputOf("dpkg-deb", "--contents", debianPackage);
    const lines = listing.trim().split("\n");
    for (const line of lines) expect(line).toContain(" root/root ");
    const files = lines.filter((line) => !line.startsWith("d")).map((line) => line.split(/\s+/)[5]);
    expect(files).toEqual([
      "./usr/bin/edge-ha",
      "./usr/lib/systemd/system/edge-ha-rs.service",
      "./usr/lib/systemd/system/edge-ha.service",
      "./usr/share/doc/edge-ha/README.md",
      "./usr/share/doc/edge-ha/changelog.gz",
      "./usr/share/doc/edge-ha/copyright",
      "./usr/share/doc/edge-ha/examples/edge-ha-rs",
      "./usr/share/doc/edge-ha/examples/edge-ha.toml",
      "./usr/share/doc/edge-ha/operating.md",
      "./usr/share/doc/edge-ha/real-server.md",
    ]);
  });

  test("depends on nothing but the C library and what makes its user", async () => {
    const fields = await outputOf("dpkg-deb", "--field", debianPackage, "Package", "Version", "Depends");
    expect(fields).toMatch(/^Package: edge-ha\nVersion: (\S+)\nDepends: libc6 \(>= 2\.\d+\), passwd\n$/);
    expect(fields).toContain(`Version: ${packageJson.version}\n`);
  });

  test("installs, runs, removes and purges without a trace but its user", async () => {
    await using lab = await Lab.create();
    const { stdout, stderr, exitCode } = await runInCopy(
      lab,
      `dpkg --install /run/edge-ha.deb
       getent passwd edge-ha
       stat -c '%n %U %a' /etc/edge-ha /usr/bin/edge-ha
       edge-ha version
       edge-ha check --config /usr/share/doc/edge-ha/examples/edge-ha.toml --node lb1
       ip link set lo up
       edge-ha rs start --vip 192.0.2.100
       dpkg --install /run/edge-ha.deb
       ip -oneline address show dev lo
       dpkg --purge edge-ha
       ip -oneline address show dev lo
       ls -d /etc/edge-ha /var/lib/edge-ha /usr/share/doc/edge-ha || true`,
    );
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stdout).toMatch(
      /^edge-ha:x:\d+:\d+:edge-ha proxies and checks:\/nonexistent:\/usr\/sbin\/nologin$/m,
    );
    expect(stdout).toContain("/etc/edge-ha root 750\n/usr/bin/edge-ha root 755\n");
    expect(stdout).toContain(`edge-ha ${packageJson.version}\n`);
    // Once after the start and the installation over it; the removal puts the machine back to what it was.
    expect(stdout.split("192.0.2.100/32 scope global lo:0")).toHaveLength(2);
    for (const path of ["/etc/edge-ha", "/var/lib/edge-ha", "/usr/share/doc/edge-ha"]) {
      expect(stderr).toContain(`cannot access '${path}'`);
    }
  }, 120_000);
});

describe("the systemd units", () => {
  test("are sound in the eyes of systemd", async () => {
    await using lab = await Lab.create();
    const { stdout, stderr, exitCode } = await runInCopy(
      lab,
      `dpkg --install /run/edge-ha.deb
       systemd-analyze verify --man=no ${units.join(" ")} 2>&1`,
    );
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stdout.split("\n").filter((line) => units.some((unit) => line.includes(unit)))).toEqual([]);
  }, 120_000);

  test.each([
    ["edge-ha.service", 4],
    ["edge-ha-rs.service", 2.5],
  ])("%s is exposed no more than %p of 10", async (unit, most) => {
    const path = join(repository, "systemd", unit);
    const judged = await outputOf("systemd-analyze", "security", "--offline=true", "--no-pager", path);
    const score = /Overall exposure level for \S+: ([\d.]+)/.exec(judged)?.[1];
    console.log(`systemd-analyze security ${unit}: ${score}`);
    expect(Number(score)).toBeLessThanOrEqual(most);
  });
});

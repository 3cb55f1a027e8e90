import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { type CommandResult, Lab } from "../../support/lab.ts";
import { RealServer } from "./rs.ts";

const vip = "192.0.2.100";
const other = "192.0.2.101";

/** Everything that `rs` asks of the kernel and the disk goes through one of these calls. */
const calls = ["sendto", "write", "fsync", "rename"];

/** Runs `rs` with something happening at its `count`th system call of one name. */
function runWith(server: RealServer, injection: string, ...words: readonly string[]): Promise<CommandResult> {
  const call = injection.split(":")[0] ?? "";
  const strace = [
    "strace",
    "-f",
    "-qq",
    "-o",
    "/dev/null",
    "-e",
    `trace=${call}`,
    "-e",
    `inject=${injection}`,
  ];
  return server.host.run([...strace, ...server.command(...words)]);
}

describe("edge-ha rs", () => {
  test.each(calls)(
    "is whole again after being killed at any of its calls to %s",
    async (call) => {
      await using lab = await Lab.create();
      const server = await RealServer.plug(lab);
      const before = await server.snapshot();
      for (let count = 1; ; count += 1) {
        // Killed while it starts, while it exchanges one VIP for another, and while it stops.
        const kill = `${call}:signal=SIGKILL:when=${count}`;
        const start = await runWith(server, kill, "start", "--vip", vip);
        const change = await runWith(server, kill, "start", "--vip", other);
        const stop = await runWith(server, kill, "stop");
        await server.expect("stop");
        expect(await server.snapshot()).toEqual(before);
        expect(existsSync(server.statePath)).toBe(false);
        if ([start, change, stop].every((one) => one.exitCode === 0)) return;
      }
    },
    120_000,
  );

  test("takes everything back when the kernel refuses any one step of a start", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const before = await server.snapshot();
    const reasons: string[] = [];
    for (let count = 1; ; count += 1) {
      const start = await runWith(server, `sendto:error=EPERM:when=${count}`, "start", "--vip", vip);
      if (start.exitCode === 0) break;
      expect(start.exitCode).toBe(1);
      reasons.push(start.stderr);
      expect(await server.snapshot()).toEqual(before);
      expect(existsSync(server.statePath)).toBe(false);
    }
    const refusals = reasons.filter((reason) => reason.includes("could not"));
    expect(refusals).toEqual([
      expect.stringContaining(`could not add ${vip}/32 to lo as lo:0: `),
      expect.stringContaining(`could not add the host route to ${vip} on lo: `),
    ]);
    for (const reason of refusals) expect(reason).toContain("EPERM");
    for (const reason of refusals) expect(reason).toContain("everything is as it was");
  }, 120_000);

  test("keeps ARP quiet and says what is still in force when the VIP cannot be removed", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const before = await server.snapshot();
    await server.expect("start", [vip]);
    const failures: string[] = [];
    for (let count = 1; ; count += 1) {
      const stop = await runWith(server, `sendto:error=EPERM:when=${count}`, "stop");
      if (stop.exitCode === 0) break;
      failures.push(stop.stderr);
      expect(await server.loopback()).toContain(`${vip}/32 lo:0`);
      expect(await server.sysctls()).toMatchObject({ "net.ipv4.conf.all.arp_ignore": "1" });
      expect(existsSync(server.statePath)).toBe(true);
      await server.expect("start", [vip]);
    }
    expect(failures.join("")).toContain(`could not remove ${vip}/32 from lo`);
    expect(await server.snapshot()).toEqual(before);
  }, 120_000);
});

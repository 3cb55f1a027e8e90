import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { ip } from "../support/lab-command.ts";
import { Lab, waitFor, type Host } from "../support/lab.ts";

async function pair(lab: Lab): Promise<[Host, Host]> {
  await lab.bridge("lan");
  const a = await lab.host("a", { eth0: { bridge: "lan", address: "10.1.0.1/24" } });
  const b = await lab.host("b", { eth0: { bridge: "lan", address: "10.1.0.2/24" } });
  return [a, b];
}

async function answers(from: Host, address: string): Promise<boolean> {
  return (await from.run(["arping", "-q", "-c", "1", "-w", "1", "-I", "eth0", address])).exitCode === 0;
}

async function hasCarrier(host: Host): Promise<boolean> {
  return (await host.ip(["-brief", "link", "show", "eth0"])).includes("LOWER_UP");
}

describe("Lab", () => {
  test("connects hosts on one bridge and takes everything away when disposed", async () => {
    const names: string[] = [];
    {
      await using lab = await Lab.create();
      const [a, b] = await pair(lab);
      names.push(a.netns, b.netns);
      expect(await answers(a, "10.1.0.2")).toBe(true);
      const child = b.spawn(["sleep", "1000"]);
      // It enters the namespace before it becomes the command.
      await waitFor("it runs there", async () => Bun.deepEquals(await b.pids(), [child.pid]));
      names.push(lab.directory);
    }
    const left = await ip(["netns", "list"]);
    for (const name of names) expect(left).not.toContain(name);
    expect(existsSync(names[2]!)).toBe(false);
  });

  test("loses the carrier of a cut link and has it again when the link is restored", async () => {
    await using lab = await Lab.create();
    const [a, b] = await pair(lab);
    await b.cutLink("eth0");
    await waitFor("the carrier is gone", async () => !(await hasCarrier(b)), 5_000);
    expect(await answers(a, "10.1.0.2")).toBe(false);
    await b.restoreLink("eth0");
    await waitFor("the carrier is back", () => hasCarrier(b), 5_000);
    expect(await answers(a, "10.1.0.2")).toBe(true);
  });

  test("drops frames with the carrier kept when a link is blocked", async () => {
    await using lab = await Lab.create();
    const [a, b] = await pair(lab);
    await b.blockLink("eth0");
    expect(await answers(a, "10.1.0.2")).toBe(false);
    expect(await hasCarrier(b)).toBe(true);
    await b.unblockLink("eth0");
    expect(await answers(a, "10.1.0.2")).toBe(true);
  });

  test("kills every process and forgets added addresses when a host loses its power", async () => {
    await using lab = await Lab.create();
    const [a, b] = await pair(lab);
    const child = b.spawn(["sh", "-c", "sleep 1000 & wait"]);
    await b.ip(["address", "add", "10.1.0.9/24", "dev", "eth0"]);
    await b.powerOff();
    expect(await child.exited).toBe(137);
    expect(await b.pids()).toEqual([]);
    await b.powerOn();
    expect(await b.holds("10.1.0.9")).toBe(false);
    await waitFor("the host answers again", () => answers(a, "10.1.0.2"), 5_000);
  });

  test("collects the output and the exit status of a spawned command", async () => {
    await using lab = await Lab.create();
    const host = await lab.host("a", {});
    const child = host.spawn(["sh", "-c", "echo out; echo err >&2; exit 7"]);
    expect(await child.exited).toBe(7);
    expect(child.output()).toContain("out\n");
    expect(child.output()).toContain("err\n");
  });

  test("removes the leftovers of a process that was killed", async () => {
    const library = `${import.meta.dir}/../support/lab.ts`;
    const program = `import { Lab } from ${JSON.stringify(library)};
      const lab = await Lab.create(); await lab.host("x", {}); console.log(lab.directory); await Bun.sleep(1e6);`;
    const other = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" });
    const first = await other.stdout.getReader().read();
    const directory = new TextDecoder().decode(first.value).trim();
    other.kill("SIGKILL");
    await other.exited;
    expect(existsSync(directory)).toBe(true);
    await using lab = await Lab.create();
    expect(existsSync(lab.directory)).toBe(true);
    expect(existsSync(directory)).toBe(false);
    expect(await ip(["netns", "list"])).not.toContain(`lab-${other.pid}-`);
  });
});

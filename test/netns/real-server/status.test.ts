import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../../../src/real-server/finding.ts";
import { executable } from "../../support/edge-ha.ts";
import { Lab, waitFor } from "../../support/lab.ts";
import { clusterFile, RealServer } from "./rs.ts";

const vip = "192.0.2.100";

interface Status {
  readonly isFit: boolean;
  readonly isStarted: boolean;
  readonly vips: readonly string[];
  readonly findings: readonly Finding[];
}

async function listenOn(server: RealServer, address: string): Promise<void> {
  server.host.spawn(["python3", "-m", "http.server", "80", "--bind", address]);
  await waitFor("the server listens", async () => {
    const { stdout } = await server.host.run(["cat", "/proc/net/tcp"]);
    const end = address
      .split(".")
      .toReversed()
      .map((part) => Number(part).toString(16).padStart(2, "0"));
    return stdout.includes(`${end.join("").toUpperCase()}:0050 00000000:0000 0A`);
  });
}

async function statusOf(server: RealServer): Promise<Status> {
  const { stdout } = await server.run("status", [vip], "--json");
  return JSON.parse(stdout) as Status;
}

function unfit(status: Status): readonly string[] {
  return status.findings.filter((one) => one.verdict === "unfit").map((one) => `${one.subject} ${one.text}`);
}

describe("edge-ha rs status", () => {
  test("says fit and ends with 0 when the VIP is on lo, ARP is quiet and a server listens", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    await server.expect("start", [vip]);
    await listenOn(server, vip);
    const { exitCode, stdout } = await server.run("status");
    expect(stdout).toContain(`started: ${vip}`);
    expect(stdout).toContain("TCP port 80: listened on");
    expect(stdout).toEndWith("\nfit for direct routing\n");
    expect(exitCode).toBe(0);
  });

  test("names everything that is missing on a machine that was not started, and ends with 1", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const { exitCode, stdout } = await server.run("status", [vip]);
    expect(exitCode).toBe(1);
    expect(stdout).toEndWith("\nnot fit for direct routing\n");
    const status = await statusOf(server);
    expect(status).toMatchObject({ isFit: false, isStarted: false, vips: [vip] });
    expect(unfit(status)).toEqual([
      expect.stringContaining(`${vip} is not on lo`),
      expect.stringContaining(`${vip} nothing listens`),
      expect.stringContaining("eth0 answers ARP for the VIP"),
      expect.stringContaining("eth0 may name the VIP in ARP requests"),
    ]);
  });

  test("finds what spoils a machine after the start", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    await listenOn(server, "0.0.0.0");
    await server.expect("start", [vip]);
    expect(await statusOf(server)).toMatchObject({ isFit: true, isStarted: true });
    await server.setSysctl("net.ipv4.conf.eth0.arp_ignore", "3");
    await server.host.ip(["address", "add", `${vip}/24`, "dev", "eth0"]);
    await server.setSysctl("net.ipv4.conf.eth0.rp_filter", "1");
    const status = await statusOf(server);
    expect(unfit(status)).toEqual([
      expect.stringContaining(`${vip} is on eth0 too`),
      expect.stringContaining("set net.ipv4.conf.eth0.arp_ignore to 1 or 0"),
    ]);
    expect(status.findings.some((one) => one.verdict === "note" && one.text.includes("rp_filter"))).toBe(
      true,
    );
    expect((await server.run("start", [vip])).stdout).toContain("note: 192.0.2.100 is on eth0 too");
  });

  test("judges by what was started when the configuration names no VIP of direct routing", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const config = join(server.host.directory, "edge-ha.toml");
    writeFileSync(config, clusterFile);
    await server.expect("start", [vip]);
    const { stdout } = await server.run("status", [], "--config", config);
    expect(stdout).toContain(`started: ${vip}`);
    const start = await server.run("start", [], "--config", config);
    expect(start.exitCode).toBe(2);
    expect(start.stderr).toContain("names no VIP");
  });

  test("asks for a VIP and ends with 1 when none is known", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const { exitCode, stdout } = await server.run("status", [], "--config", "/nonexistent.toml");
    expect(exitCode).toBe(1);
    expect(stdout).toContain("--vip ADDRESS");
  });
});

describe("edge-ha rs", () => {
  test("refuses VIPs that cannot be, all at once, with 2, and changes nothing", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const before = await server.snapshot();
    const { exitCode, stderr } = await server.run("start", [vip, "192.0.2.300", "192.0.2.7/24"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("192.0.2.300 is not an IP address");
    expect(stderr).toContain("write 192.0.2.7");
    expect((await server.run("stop", [vip], "--tunnel", "ipip")).stderr).toContain(
      "unknown option '--tunnel'",
    );
    expect(await server.snapshot()).toEqual(before);
  });

  test("ends with 2 when there is neither --vip nor a configuration", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const { exitCode, stderr } = await server.run("start", [], "--config", "/nonexistent.toml");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("/nonexistent.toml");
    expect(stderr).toContain("--vip ADDRESS");
  });

  test("takes the VIPs of the services with direct routing from the configuration", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const config = join(server.host.directory, "edge-ha.toml");
    writeFileSync(config, serviceFile);
    const { exitCode, stdout, stderr } = await server.run("start", [], "--config", config);
    expect(stderr).toBe("");
    expect(stdout).toContain(`started: ${vip}`);
    expect(exitCode).toBe(0);
    expect(await server.loopback()).toEqual(["127.0.0.1/8 lo", `${vip}/32 lo:0`]);
    const status = async (): Promise<string> => (await server.run("status", [], "--config", config)).stdout;
    expect(await status()).toContain("nothing listens on its TCP port 80");
    await listenOn(server, "192.0.2.8");
    expect(await status()).toContain("nothing listens on its TCP port 80");
    await listenOn(server, vip);
    expect(await status()).toContain("TCP port 80: listened on");
    writeFileSync(config, `${serviceFile}\nnonsense = 1\n`);
    const refused = await server.run("start", [], "--config", config);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain(`${config}:`);
    // Stopping asks no configuration, broken or not.
    expect((await server.run("stop", [], "--config", config)).exitCode).toBe(0);
  });

  test("says EPERM and what was not done when it is not root, and ends with 1", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const before = await server.snapshot();
    const state = join(server.host.directory, "rs.json");
    const nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
    const { exitCode, stderr } = await server.host.run(
      [...nobody, executable, "rs", "start", "--vip", vip, "--state", state],
      { env: { TMPDIR: "/tmp" } },
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain("EPERM");
    expect(stderr).toContain(`add ${vip}/32 to lo`);
    expect(await server.snapshot()).toEqual(before);
  });

  test("names a state file that makes no sense, and changes nothing", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    await server.expect("start", [vip]);
    writeFileSync(server.statePath, '{"version": 9}');
    const before = await server.snapshot();
    const { exitCode, stderr } = await server.run("stop");
    expect(exitCode).toBe(1);
    expect(stderr).toContain(server.statePath);
    expect(stderr).toContain("nothing was changed");
    expect(await server.snapshot()).toEqual(before);
  });

  test("prints steps and outcome as one JSON document with --json", async () => {
    await using lab = await Lab.create();
    const server = await RealServer.plug(lab);
    const { stdout } = await server.run("start", [vip], "--json");
    const report = JSON.parse(stdout) as { steps: unknown[]; outcome: unknown };
    expect(report.outcome).toEqual({ kind: "done" });
    expect(report.steps).toHaveLength(6);
  });
});

const serviceFile = `${clusterFile}[[vip]]
name = "relayed"
address = "192.0.2.200/24"
interface = "eth0"
vrid = 52
prefer = ["lb2", "lb1"]
[[service]]
name = "web"
vips = ["web"]
port = 80
forward = "dr"
servers = [{ address = "192.0.2.8" }]
`;

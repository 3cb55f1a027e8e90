import { existsSync, readdirSync, rmSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Host, signalQuietly } from "./lab-host.ts";
import { ip, runCommand } from "./lab-command.ts";

export { Host } from "./lab-host.ts";
export type { Child, CommandResult, RunOptions, SpawnOptions } from "./lab-command.ts";

/**
 * Hosts and the networks between them, as network namespaces. Every bridge lives in a namespace of the lab's
 * own, the switch, so the machine's own network is never touched. Names carry the pid of the process that made
 * them: a later lab removes what a killed one left behind.
 */

/** Where a host's interface is plugged in, and its address with prefix. */
export interface LinkPlan {
  readonly bridge: string;
  readonly address: string;
}

const namePattern = /^edge-ha-lab-(\d+)-/;
const openLabs = new Set<Lab>();
let labCount = 0;
let isWatchingExit = false;

/** A set of hosts on bridges; gone, with every process in it, when disposed of or when this process ends. */
export class Lab {
  /** A folder for this lab's files, removed with it. */
  readonly directory: string;
  readonly #prefix: string;
  readonly #switch: string;
  readonly #hosts: Host[] = [];
  #portCount = 0;

  private constructor(prefix: string) {
    this.#prefix = prefix;
    this.#switch = `${prefix}-switch`;
    this.directory = join(tmpdir(), prefix);
  }

  /** Makes an empty lab; needs root. */
  static async create(): Promise<Lab> {
    removeLeftovers();
    watchExit();
    labCount += 1;
    const lab = new Lab(`edge-ha-lab-${process.pid}-${labCount}`);
    openLabs.add(lab);
    await mkdir(lab.directory);
    // Processes without privileges write their logs here too.
    await chmod(lab.directory, 0o755);
    await ip(["netns", "add", lab.#switch]);
    await setSysctls(lab.#switch, { "net/ipv6/conf/default/disable_ipv6": "1" });
    return lab;
  }

  /** Adds a bridge that forwards from its first moment on and floods all multicast. */
  async bridge(name: string): Promise<void> {
    const kind = ["type", "bridge", "forward_delay", "0", "mcast_snooping", "0"];
    await ip(["-n", this.#switch, "link", "add", name, ...kind]);
    await ip(["-n", this.#switch, "link", "set", name, "up"]);
  }

  /** Adds a host with the named interfaces; bridges must exist already. */
  async host(name: string, links: Readonly<Record<string, LinkPlan>>): Promise<Host> {
    const netns = `${this.#prefix}-${name}`;
    await ip(["netns", "add", netns]);
    await setSysctls(netns, {
      // Duplicate address detection would keep IPv6 addresses unusable for a second.
      "net/ipv6/conf/all/accept_dad": "0",
      "net/ipv6/conf/default/accept_dad": "0",
    });
    await ip(["-n", netns, "link", "set", "lo", "up"]);
    const directory = join(this.directory, name);
    await mkdir(directory);
    await chmod(directory, 0o755);
    const host = new Host({ name, netns, switchNetns: this.#switch, directory });
    this.#hosts.push(host);
    for (const [ifname, link] of Object.entries(links)) await this.#plug(host, ifname, link);
    return host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.killAll()));
    this.disposeNow();
  }

  /** Does what disposing does without yielding, for the end of the process. */
  disposeNow(): void {
    if (!openLabs.delete(this)) return;
    for (const netns of [...this.#hosts.map((host) => host.netns), this.#switch]) removeNetns(netns);
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #plug(host: Host, ifname: string, link: LinkPlan): Promise<void> {
    this.#portCount += 1;
    const port = `p${this.#portCount}`;
    const peer = ["type", "veth", "peer", "name", ifname, "netns", host.netns];
    await ip(["-n", this.#switch, "link", "add", port, ...peer]);
    await ip(["-n", this.#switch, "link", "set", port, "master", link.bridge, "up"]);
    await host.attach(ifname, { port, ...link });
  }
}

/** Waits until `holds` gives true; throws naming `claim` when that takes longer than `timeoutMs`. */
export async function waitFor(
  claim: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (await holds()) return;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain until ${claim}`);
    await Bun.sleep(10);
  }
}

async function setSysctls(netns: string, values: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(values).map(([path, value]) => `echo ${value} >/proc/sys/${path}`);
  const { exitCode, stderr } = await runCommand([
    "ip",
    "netns",
    "exec",
    netns,
    "sh",
    "-ec",
    lines.join("\n"),
  ]);
  if (exitCode !== 0) throw new Error(`cannot set up ${netns}: ${stderr}`);
}

/** Kills whatever still runs in a namespace and deletes it; says nothing when it is gone already. */
function removeNetns(netns: string): void {
  const listing = Bun.spawnSync(["ip", "netns", "pids", netns], { stderr: "ignore" });
  for (const pid of listing.stdout.toString().split("\n").filter(Boolean))
    signalQuietly(Number(pid), "SIGKILL");
  Bun.spawnSync(["ip", "netns", "delete", netns], { stderr: "ignore" });
}

/** Removes namespaces and folders of labs whose process is dead. */
function removeLeftovers(): void {
  const listing = existsSync("/run/netns") ? readdirSync("/run/netns") : [];
  for (const netns of listing.filter(isLeftover)) removeNetns(netns);
  for (const entry of readdirSync(tmpdir()).filter(isLeftover)) {
    rmSync(join(tmpdir(), entry), { recursive: true, force: true });
  }
}

function isLeftover(name: string): boolean {
  const pid = namePattern.exec(name)?.[1];
  return pid !== undefined && !existsSync(`/proc/${pid}`);
}

function disposeAllNow(): void {
  for (const lab of openLabs) lab.disposeNow();
}

function watchExit(): void {
  if (isWatchingExit) return;
  isWatchingExit = true;
  process.once("exit", disposeAllNow);
  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    process.once(signal, () => {
      disposeAllNow();
      process.exit(exitCode);
    });
  }
}

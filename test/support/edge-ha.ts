import { existsSync, readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Role } from "../../src/ipc/messages.ts";
import type { InstanceStatus, NodeStatus } from "../../src/ipc/status.ts";
import type { Child, CommandResult, Host } from "./lab.ts";
import { waitFor } from "./lab.ts";

/** The executable under test; `scripts/build` makes it. */
export const executable: string = resolve(import.meta.dir, "../../dist/edge-ha");

/** What to start. */
export interface EdgeHaOptions {
  /** Text of the configuration file. */
  readonly config: string;
  /** The node's name in the file. */
  readonly node: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The file to run; a copy can be replaced by a test. */
  readonly program?: string;
}

/** A running `edge-ha serve`. */
export interface EdgeHa {
  readonly pid: number;
  readonly socket: string;
  readonly configPath: string;
  readonly exited: Promise<number>;
  /** Asks for the node's status through the admin socket. */
  status(): Promise<NodeStatus>;
  /** Runs any command of the executable against this node. */
  command(...args: readonly string[]): Promise<CommandResult>;
  /** Runs `edge-ha reload`, after replacing the configuration file if a new text is given. */
  reload(config?: string): Promise<CommandResult>;
  /** Sends SIGTERM and waits for the exit status. */
  stop(): Promise<number>;
  kill(signal: NodeJS.Signals): void;
  /** Gives everything that the node logged so far. */
  log(): string;
}

/** Starts `edge-ha serve` on a host without waiting for anything; for starts that are meant to fail. */
export async function spawnEdgeHa(host: Host, o: EdgeHaOptions): Promise<EdgeHa> {
  if (!existsSync(executable)) throw new Error(`${executable} is missing: run scripts/build`);
  const directory = await mkdtemp(join(host.directory, "edge-ha-"));
  const configPath = join(directory, "edge-ha.toml");
  const socket = join(directory, "admin.sock");
  await Bun.write(configPath, o.config);
  const serve = ["serve", "--config", configPath, "--node", o.node];
  const child = host.spawn(
    [o.program ?? executable, "--socket", socket, ...serve],
    o.env ? { env: o.env } : {},
  );
  return attach(host, child, { configPath, socket });
}

/** Starts `edge-ha serve` on a host and waits until it is up; throws with its log if it gives up before. */
export async function startEdgeHa(host: Host, o: EdgeHaOptions): Promise<EdgeHa> {
  const node = await spawnEdgeHa(host, o);
  let exitCode: number | null = null;
  void node.exited.then((code) => {
    exitCode = code;
  });
  await waitFor(`edge-ha on ${host.name} is up`, () => {
    if (exitCode !== null) throw new Error(`edge-ha on ${host.name} ended with ${exitCode}:\n${node.log()}`);
    return /^.*edge-ha: node .* is up$/m.test(node.log());
  });
  return node;
}

function attach(host: Host, child: Child, paths: { configPath: string; socket: string }): EdgeHa {
  const command = (...args: readonly string[]): Promise<CommandResult> =>
    host.run([executable, "--socket", paths.socket, ...args]);
  return {
    ...paths,
    pid: child.pid,
    exited: child.exited,
    command,
    async status() {
      const { stdout, stderr, exitCode } = await command("status", "--json");
      if (exitCode !== 0) throw new Error(`edge-ha status on ${host.name}: ${stderr}\n${child.output()}`);
      return JSON.parse(stdout) as NodeStatus;
    },
    async reload(config) {
      if (config !== undefined) await Bun.write(paths.configPath, config);
      return command("reload");
    },
    stop() {
      child.kill("SIGTERM");
      return child.exited;
    },
    kill: (signal) => child.kill(signal),
    log: () => child.output(),
  };
}

/** Gives one virtual router as a node sees it; throws if the node has none of that name. */
export async function instanceOf(node: EdgeHa, name: string): Promise<InstanceStatus> {
  const { instances } = await node.status();
  const found = instances.find((instance) => instance.name === name);
  if (found === undefined)
    throw new Error(`no instance ${name} among ${instances.map((i) => i.name).join()}`);
  return found;
}

/** Gives the pids of a host's processes that run in a role; empty while there is none. */
export async function rolePids(host: Host, role: Role): Promise<number[]> {
  const pids = await host.pids();
  return pids.filter((pid) => commandLine(pid).endsWith(`\0__role\0${role}\0`));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    // It ended meanwhile.
    return "";
  }
}

import { existsSync, readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { CommandResult, Host } from "./lab.ts";
import { waitFor } from "./lab.ts";
import { executable, type EdgeHaOptions } from "./edge-ha.ts";

/** An `edge-ha serve` under a service manager that keeps its listening sockets. */
export interface ManagedNode {
  readonly configPath: string;
  /** Gives what the node has said to its manager, and to its log. */
  output(): string;
  /** Gives the names of what the manager keeps at present. */
  stored(): readonly string[];
  /** Gives an order to the manager, as service-manager.py says. */
  order(word: "restart" | "crash" | "add" | "stop"): Promise<void>;
  /** Runs any command of the executable against this node. */
  command(...args: readonly string[]): Promise<CommandResult>;
}

/** Starts `edge-ha serve` under a manager and waits until it is up. */
export async function startManaged(host: Host, o: EdgeHaOptions): Promise<ManagedNode> {
  const directory = await mkdtemp(join(host.directory, "managed-"));
  const configPath = join(directory, "edge-ha.toml");
  const notify = join(directory, "notify");
  const socket = join(directory, "admin.sock");
  await Bun.write(configPath, o.config);
  const serve = [executable, "--socket", socket, "serve", "--config", configPath, "--node", o.node];
  const script = join(import.meta.dir, "service-manager.py");
  const manager = host.spawn(["/usr/bin/python3", script, notify, ...serve], o.env ? { env: o.env } : {});
  const output = (): string => manager.output();
  await waitFor(`edge-ha on ${host.name} is up`, () => {
    if (/^STOPPING|^exited|: is missing;|Traceback/m.test(output())) throw new Error(output());
    return output().includes("\nREADY=1\n");
  });
  return {
    configPath,
    output,
    stored: () =>
      existsSync(`${notify}.stored`)
        ? readFileSync(`${notify}.stored`, "utf8")
            .split(" ")
            .filter((name) => name !== "")
        : [],
    order: async (word) => void (await Bun.write(`${notify}.orders`, `${word}\n`)),
    command: (...args) => host.run([executable, "--socket", socket, ...args]),
  };
}

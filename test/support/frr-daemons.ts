import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { asElsewhere, runCommand } from "./lab-command.ts";
import { type Child, type Host, waitFor } from "./lab.ts";

/** FRR's zebra and one more of its daemons on a host, with sockets and files of their own. */
export class FrrDaemons {
  readonly #host: Host;
  readonly #directory: string;
  readonly #name: string;
  readonly #daemons: readonly Child[];

  private constructor(host: Host, place: { directory: string; name: string }, daemons: readonly Child[]) {
    this.#host = host;
    this.#directory = place.directory;
    this.#name = place.name;
    this.#daemons = daemons;
  }

  /** Starts both with the daemon's configuration file; `name` is as FRR's commands have it, such as `vrrp`. */
  static async start(
    host: Host,
    daemon: { readonly name: string; readonly configuration: string; readonly options?: readonly string[] },
  ): Promise<FrrDaemons> {
    const { name, configuration, options = [] } = daemon;
    const directory = join(host.directory, "frr");
    // What killed daemons left behind would pass for living ones.
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory);
    const file = (base: string): string => join(directory, base);
    await Bun.write(file("zebra.conf"), "");
    await Bun.write(file(`${name}d.conf`), configuration);
    // vtysh complains without its own file, and the daemons give their privileges up to be this user.
    await Bun.write(file("vtysh.conf"), "");
    await must(["chown", "-R", "frr:frr", directory]);
    const user = ["-u", "frr", "-g", "frr"];
    const start = (program: string, more: readonly string[] = []): Child => {
      const own = ["-f", file(`${program}.conf`), "-i", file(`${program}.pid`), "--log", "stdout"];
      const shared = ["--vty_socket", directory, "-P", "0", "-z", file("zserv.api")];
      const command = [`/usr/lib/frr/${program}`, ...user, ...own, ...shared, ...more];
      return host.spawn(asElsewhere(command), { cwd: directory });
    };
    const zebra = start("zebra");
    await waitFor("zebra is up", () => existsSync(file("zserv.api")) && existsSync(file("zebra.vty")));
    return new FrrDaemons(host, { directory, name }, [start(`${name}d`, options), zebra]);
  }

  /** Types commands; throws if one is refused. */
  async vtysh(...commands: readonly string[]): Promise<string> {
    const place = ["--vty_socket", this.#directory, "--config_dir", this.#directory];
    const typed = commands.flatMap((command) => ["-c", command]);
    const daemon = ["-d", `${this.#name}d`];
    const { stdout, stderr, exitCode } = await this.#host.run(["vtysh", ...place, ...daemon, ...typed]);
    if (exitCode !== 0 || stdout.startsWith("%"))
      throw new Error(`vtysh ${commands.join("; ")}: ${stdout}${stderr}`);
    return stdout;
  }

  /** Types a command that shows something as JSON; null while the daemon is not there yet, or busy: ask again. */
  async show(command: string): Promise<unknown> {
    try {
      return JSON.parse(await this.vtysh(command));
    } catch {
      return null;
    }
  }

  /** Stops the daemon, which says farewell as it does, and then zebra. */
  async stop(): Promise<void> {
    for (const daemon of this.#daemons) {
      daemon.kill("SIGTERM");
      await daemon.exited;
    }
  }

  /** Kills both at once; nobody can say farewell. */
  async kill(): Promise<void> {
    for (const daemon of this.#daemons) daemon.kill("SIGKILL");
    await Promise.all(this.#daemons.map(({ exited }) => exited));
  }

  /** Gives what the daemon logged so far. */
  log(): string {
    return this.#daemons[0]?.output() ?? "";
  }
}

async function must(command: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runCommand(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
}

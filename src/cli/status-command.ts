import type { Command } from "commander";

/** What the command line says of `status`. */
interface StatusWords {
  readonly connections: boolean;
  readonly service?: string;
  readonly server?: string;
  readonly client?: string;
  readonly limit: string;
  readonly json: boolean;
}

/** Adds `edge-ha status` to the command line. */
export function addStatus(
  top: Command,
  finish: (status: Promise<number>) => void,
  socketOf: () => string,
): void {
  top
    .command("status")
    .description("show what the running service does, and why")
    .option("--connections", "the connections that the kernel balances, with service and server", false)
    .option("--service <name>", "of the connections, those of this service")
    .option("--server <address>", "those that go to this server, with or without its port")
    .option("--client <address>", "those from this address or network")
    .option("--limit <number>", "so many at most, 0 for all", "1000")
    .option("--json", "as one JSON document; connections as one object a line", false)
    .action((options: StatusWords, command: Command) => {
      const run = async (): Promise<number> => {
        if (options.connections) {
          const { runConnections } = await import("./connections.ts");
          const { service = null, server = null, client = null, json } = options;
          return runConnections({
            socket: socketOf(),
            json,
            service,
            server,
            client,
            limit: Number(options.limit),
          });
        }
        const lost = ["service", "server", "client", "limit"].find(
          (word) => command.getOptionValueSource(word) === "cli",
        );
        if (lost !== undefined) {
          process.stderr.write(`--${lost} goes with --connections\n`);
          return 2;
        }
        const { runStatus } = await import("./status.ts");
        return runStatus({ socket: socketOf(), json: options.json });
      };
      finish(run());
    });
}

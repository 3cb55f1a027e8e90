import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { askAdmin } from "../admin/client.ts";
import { formatEndpoint } from "../base/address.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import type { NodeStatus, ServerStatus, ServiceStatus } from "../ipc/status.ts";
import { parseConnection, type IpvsConnection } from "../kernel/ipvs-connections.ts";
import { isShown, parseConnectionFilter, type ConnectionFilter } from "./connection-filter.ts";
import { connectionNames, type ConnectionNames } from "./connection-names.ts";
import { LineWriter } from "./line-writer.ts";

/** How `edge-ha status --connections` was called. */
export interface ConnectionsOptions {
  readonly socket: string;
  readonly json: boolean;
  readonly service: string | null;
  readonly server: string | null;
  readonly client: string | null;
  /** How many are shown at most; 0 is all. */
  readonly limit: number;
}

/** Shows the connections that the kernel balances, as they come out of it; 0 shown, 1 failed, 2 wrong command line. */
export async function runConnections(options: ConnectionsOptions): Promise<number> {
  const filter = parseConnectionFilter(options);
  if (typeof filter === "string" || !Number.isInteger(options.limit) || options.limit < 0) {
    const problem = typeof filter === "string" ? filter : "--limit: must be a whole number, or 0 for all";
    process.stderr.write(`${problem}\n`);
    return 2;
  }
  try {
    // The service on the other end is this very version's `serveAdmin`.
    const status = (await askAdmin(options.socket, "GET", "/status")) as NodeStatus;
    if (filter.service !== null && !status.services.some(({ name }) => name === filter.service)) {
      const names = [...new Set(status.services.map(({ name }) => name))].join(", ");
      process.stderr.write(
        `--service ${filter.service}: there is none of this name; there are: ${names || "none"}\n`,
      );
      return 2;
    }
    await show(status, filter, options);
    return 0;
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`);
    return 1;
  }
}

/** The table is the one of the network namespace that the service runs in, which need not be ours. */
async function show(
  status: NodeStatus,
  filter: ConnectionFilter,
  options: ConnectionsOptions,
): Promise<void> {
  const writer = new LineWriter(1);
  const view = new ConnectionView(connectionNames(status.services), filter, { ...options, writer });
  const stream = createReadStream(`/proc/${status.pid}/net/ip_vs_conn`);
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      if (!view.take(line)) break;
    }
  } catch (error) {
    // A kernel without the module has no connections.
    if (!hasCode(error, "ENOENT")) throw error;
  } finally {
    stream.destroy();
  }
  view.finish();
}

/** What is written of each connection, for programs. */
interface ConnectionObject extends Omit<IpvsConnection, "client" | "target" | "server"> {
  readonly client: string;
  readonly target: string;
  readonly server: string;
  /** Null if it cannot be told. */
  readonly service: string | null;
  readonly isForeign: boolean;
  /** Null where it is not checked. */
  readonly isUp: boolean | null;
  readonly drain: ServerStatus["drain"];
}

const header = ["SERVICE", "PROTO", "CLIENT", "TO", "SERVER", "HEALTH", "STATE", "EXPIRES", "PERSISTENCE"];
/** Lines are written as they come, so that columns have the width of what mostly stands in them. */
const widths = [16, 5, 21, 21, 21, 8, 11, 8, 0];

type ConnectionWriter = Pick<LineWriter, "write" | "isBroken">;

/** Writes connections down as they come, up to the limit. */
export class ConnectionView {
  readonly #names: ConnectionNames;
  readonly #filter: ConnectionFilter;
  readonly #options: { readonly json: boolean; readonly limit: number; readonly writer: ConnectionWriter };
  #shown = 0;
  #isCut = false;

  constructor(
    names: ConnectionNames,
    filter: ConnectionFilter,
    options: { readonly json: boolean; readonly limit: number; readonly writer: ConnectionWriter },
  ) {
    this.#names = names;
    this.#filter = filter;
    this.#options = options;
    if (!options.json) options.writer.write(columns(header));
  }

  /** Takes a line of the kernel's; tells whether more are wanted. */
  take(line: string): boolean {
    const { json, limit, writer } = this.#options;
    const connection = parseConnection(line);
    if (connection === null) return true;
    const service = this.#names.serviceOf(connection);
    if (!isShown(this.#filter, connection, service?.name ?? null)) return true;
    if (limit > 0 && this.#shown === limit) {
      this.#isCut = true;
      return false;
    }
    this.#shown += 1;
    const server = service === null ? null : this.#names.serverOf(service, connection.server);
    writer.write(
      json
        ? JSON.stringify(objectOf(connection, service, server))
        : columns(cellsOf(connection, service, server)),
    );
    return !writer.isBroken;
  }

  /** Says what was left out. */
  finish(): void {
    if (!this.#isCut) return;
    process.stderr.write(
      `only the first ${this.#options.limit} are shown: narrow it down with --service, --server or --client, or say --limit 0\n`,
    );
  }
}

function columns(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(widths[index] ?? 0))
    .join("  ")
    .trimEnd();
}

function targetText({ protocol, target }: IpvsConnection, service: ServiceStatus | null): string {
  return protocol === "ip" && service !== null ? `fwmark ${service.mark}` : formatEndpoint(target);
}

function cellsOf(
  connection: IpvsConnection,
  service: ServiceStatus | null,
  server: ServerStatus | null,
): readonly string[] {
  const { protocol, client, state, expiresS, isTemplate, persistence } = connection;
  const name = service === null ? "?" : service.isForeign ? "(foreign)" : service.name;
  const health = server === null ? "gone" : (server.drain ?? healthText(server.isUp));
  const kept = persistence === null ? "" : ` by ${persistence.engine} ${persistence.data}`;
  return [
    name,
    protocol,
    isTemplate ? client.address : formatEndpoint(client),
    targetText(connection, service),
    formatEndpoint(connection.server),
    service === null ? "" : health,
    state,
    duration(expiresS),
    isTemplate ? `client${kept}` : kept.trimStart(),
  ];
}

function healthText(isUp: boolean | null): string {
  if (isUp === null) return "";
  return isUp ? "up" : "down";
}

function objectOf(
  connection: IpvsConnection,
  service: ServiceStatus | null,
  server: ServerStatus | null,
): ConnectionObject {
  return {
    ...connection,
    client: formatEndpoint(connection.client),
    target: targetText(connection, service),
    server: formatEndpoint(connection.server),
    service: service?.name ?? null,
    isForeign: service?.isForeign ?? false,
    isUp: server?.isUp ?? null,
    drain: server?.drain ?? null,
  };
}

/** Minutes and seconds, as ipvsadm writes them. */
function duration(seconds: number): string {
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
}

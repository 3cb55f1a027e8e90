import { hostname } from "node:os";
import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { LogSink } from "./access-log.ts";
import { timeIso8601 } from "./access-log-line.ts";
import { connectTo, type ServerSocket } from "./datagram-socket.ts";

/** Facility local7, severity informational (RFC 5424 §6.2.1), as nginx has them. */
const priority = 23 * 8 + 6;
/** Lines kept while there is no socket yet, or it takes no more. */
const mostWaiting = 4096;

/** An access log that goes to a syslog server over UDP, a datagram a line (RFC 5424, 5426); what it does not take is lost. */
export class SyslogLog implements LogSink {
  private readonly endpoint: Endpoint;
  private readonly log: Log;
  private readonly tail: string;
  private socket: ServerSocket | null = null;
  private waiting: string[] = [];
  private hasFailed = false;
  private isClosed = false;

  constructor(endpoint: Endpoint, tag: string, log: Log) {
    this.endpoint = endpoint;
    this.log = log;
    this.tail = `${hostname()} ${tag} ${process.pid} - - `;
    connectTo(endpoint, { data: () => undefined, failed: (error) => this.report(error) })
      .then((socket) => {
        this.socket = socket;
        this.flush();
        if (this.isClosed) socket.close();
      })
      .catch((error: unknown) => this.report(error));
  }

  add(line: string): void {
    if (this.waiting.length < mostWaiting) this.waiting.push(line);
    if (this.waiting.length === 64) this.flush();
  }

  flush(): void {
    const { socket } = this;
    if (socket === null) return;
    const start = `<${priority}>1 ${timeIso8601(Date.now())} ${this.tail}`;
    for (const line of this.waiting.splice(0)) {
      socket.send(Buffer.from(`${start}${line.trimEnd()}`, "latin1"));
    }
  }

  reopen(): void {
    this.flush();
  }

  close(): void {
    this.isClosed = true;
    this.flush();
    this.socket?.close();
    this.socket = null;
  }

  private report(error: unknown): void {
    if (!this.hasFailed) {
      const where = formatEndpoint(this.endpoint);
      this.log.error(`access log to syslog ${where}: ${errorText(error)}; lines are lost`);
    }
    this.hasFailed = true;
  }
}

import { hostname } from "node:os";
import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { LogSink } from "./access-log.ts";
import { timeIso8601 } from "./access-log-line.ts";
import { connectTo, type ServerSocket } from "./datagram-socket.ts";
import type { LineRoom } from "./main-line.ts";
import { TextRoom } from "./text-room.ts";
import { LostLines } from "./lost-lines.ts";

/** Facility local7, severity informational, as nginx has them: by their names, and as RFC 5424 §6.2.1 counts them. */
export const syslogPriority: { readonly name: string; readonly number: number } = {
  name: "local7.info",
  number: 23 * 8 + 6,
};

/** Lines kept while there is no socket yet. */
const mostWaiting = 4096;
/** A datagram takes no more, and the kernel refuses more: 65,535 bytes with the heads of IPv4 and UDP. */
const mostBytes = 65_507;

/** An access log that goes to a syslog server over UDP, a datagram a line (RFC 5424, 5426); what it does not take is lost. */
export class SyslogLog implements LogSink {
  readonly room: LineRoom = new TextRoom(this);
  private readonly endpoint: Endpoint;
  private readonly lost: LostLines;
  private readonly tail: string;
  private socket: ServerSocket | null = null;
  private waiting: string[] = [];
  private isConnecting = false;
  private isClosed = false;

  constructor(endpoint: Endpoint, tag: string, log: Log) {
    this.endpoint = endpoint;
    this.lost = new LostLines(formatEndpoint(endpoint), log);
    this.tail = `${hostname()} ${tag} ${process.pid} - - `;
    void this.connect();
  }

  add(line: string): void {
    if (this.waiting.length < mostWaiting) this.waiting.push(line);
    else this.lost.add();
    if (this.waiting.length === 64) this.flush();
  }

  flush(): void {
    const { socket } = this;
    if (socket === null) {
      // At a start there may be no way to it yet.
      void this.connect();
      return;
    }
    const start = `<${syslogPriority.number}>1 ${timeIso8601(Date.now())} ${this.tail}`;
    for (const line of this.waiting.splice(0)) this.send(socket, `${start}${line.trimEnd()}`);
  }

  reopen(): void {
    this.flush();
  }

  close(): void {
    this.flush();
    this.isClosed = true;
    this.socket?.close();
    this.socket = null;
  }

  private async connect(): Promise<void> {
    if (this.isConnecting || this.isClosed) return;
    this.isConnecting = true;
    try {
      const failed = (error: Error): void => this.lost.tell(errorText(error));
      this.socket = await connectTo(this.endpoint, { data: () => undefined, failed });
      this.flush();
      if (this.isClosed) this.close();
    } catch (error) {
      this.lost.tell(errorText(error));
    }
    this.isConnecting = false;
  }

  private send(socket: ServerSocket, line: string): void {
    try {
      socket.send(Buffer.from(line, "latin1").subarray(0, mostBytes));
    } catch (error) {
      this.lost.add();
      this.lost.tell(errorText(error));
    }
  }
}

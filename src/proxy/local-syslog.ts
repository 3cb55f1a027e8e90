import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { LogSink } from "./access-log.ts";
import type { LineRoom } from "./main-line.ts";
import { TextRoom } from "./text-room.ts";
import { LostLines } from "./lost-lines.ts";
import { syslogPriority } from "./syslog.ts";

/** Lines are kept up to this while the daemon, or what passes them on, is slow or away. */
const mostBytes = 1024 * 1024;
const writtenBytes = 64 * 1024;
/** One that ends is started again after this. */
const restartMs = 1_000;
/** Longest line in one piece; heads may be longer, and come as several messages then. */
const mostLine = 16_384;

type Logger = Bun.Subprocess<"pipe", "ignore", "pipe">;

/**
 * An access log that goes to a datagram socket of this host, as `/dev/log` is one. The runtime has no such sockets, and of the
 * addon proxies use streams only: `logger` of util-linux, which is everywhere, reads lines from a pipe and finds the socket again when the daemon was
 * started anew. Lines that it does not take are lost, counted, and told of.
 */
export class LocalSyslogLog implements LogSink {
  readonly room: LineRoom = new TextRoom(this);
  private readonly path: string;
  private readonly tag: string;
  private readonly lost: LostLines;
  private child: Logger | null = null;
  private waiting: string[] = [];
  private waitingBytes = 0;
  private isWriting = false;
  private isClosed = false;

  constructor(path: string, tag: string, log: Log) {
    this.path = path;
    this.tag = tag;
    this.lost = new LostLines(path, log);
    this.start();
  }

  add(line: string): void {
    if (this.waitingBytes + line.length > mostBytes) {
      this.lost.add();
      return;
    }
    this.waiting.push(line);
    this.waitingBytes += line.length;
    if (this.waitingBytes >= writtenBytes) this.flush();
  }

  flush(): void {
    if (this.lost.hasAny) this.lost.tell("it is too slow");
    const { child } = this;
    if (child === null || this.isWriting || this.waiting.length === 0) return;
    this.isWriting = true;
    void this.write(child, this.take());
  }

  reopen(): void {
    this.flush();
  }

  close(): void {
    this.isClosed = true;
    const { child } = this;
    this.child = null;
    if (child === null) return;
    // It reads what is in the pipe, and ends.
    void this.pass(child, this.take())
      .then(() => child.stdin.end())
      .catch(() => undefined);
    child.unref();
  }

  private take(): Buffer {
    this.waitingBytes = 0;
    return Buffer.from(this.waiting.splice(0).join(""), "latin1");
  }

  private async write(child: Logger, bytes: Buffer): Promise<void> {
    await this.pass(child, bytes);
    this.isWriting = false;
    if (this.waitingBytes >= writtenBytes) this.flush();
  }

  private async pass({ stdin }: Logger, bytes: Buffer): Promise<void> {
    try {
      // In this turn, which may be the process's last.
      await Promise.all([stdin.write(bytes), stdin.flush()]);
    } catch {
      // It has ended, and is started again.
    }
  }

  private start(): void {
    if (this.isClosed) return;
    const words = ["--socket", this.path, "--priority", syslogPriority.name, "--tag", this.tag];
    const more = [`--id=${process.pid}`, `--size=${mostLine}`, "--socket-errors=off"];
    // A stop of the service asks every process to end: this one is to pass on what its proxy still has to say. The other two
    // are for the service too, and would end it with what is in the pipe.
    const script = 'trap "" TERM HUP USR1; exec logger "$@"';
    try {
      const child = Bun.spawn(["sh", "-c", script, "sh", ...words, ...more], {
        stdio: ["pipe", "ignore", "pipe"],
        onExit: () => this.ended(),
      });
      this.child = child;
      void this.listen(child);
    } catch (error) {
      this.lost.tell(errorText(error));
      this.ended();
    }
  }

  private ended(): void {
    this.child = null;
    if (!this.isClosed) setTimeout(() => this.start(), restartMs);
  }

  /** Passes its complaints on. */
  private async listen(child: Logger): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of child.stderr) {
      const [line = ""] = decoder.decode(bytes).trim().split("\n");
      this.lost.tell(line);
    }
  }
}

import { executable } from "../../support/edge-ha.ts";
import { type Child, type Host, waitFor } from "../../support/lab.ts";

/** One line of `edge-ha watch --json`; only what a test looks at. */
export interface WatchLine {
  readonly kind: string;
  readonly code?: string;
  readonly text?: string;
  readonly vrid?: number;
  readonly vlans?: readonly number[];
  readonly source?: string;
  readonly [key: string]: unknown;
}

/** An `edge-ha watch` that listens on a host's eth0. */
export class Watching {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  /** Starts it on eth0, and waits until it listens. */
  static start(host: Host, ...args: readonly string[]): Promise<Watching> {
    return Watching.startOn(host, "eth0", ...args);
  }

  /** Starts it on an interface, or with `--all`, and waits until it listens. */
  static async startOn(host: Host, target: string, ...args: readonly string[]): Promise<Watching> {
    const child = host.spawn([executable, "watch", target, "--json", ...args]);
    await waitFor("it watches", () => child.output().includes("edge-ha watch: watching"));
    return new Watching(child);
  }

  /** Gives what it wrote so far, whole lines only. */
  lines(): readonly WatchLine[] {
    return linesOf(this.#child.output());
  }

  /** Gives all lines of a kind that fit. */
  all(kind: string, fields: Readonly<Record<string, unknown>> = {}): readonly WatchLine[] {
    return this.lines().filter(
      (line) =>
        line.kind === kind &&
        Object.entries(fields).every(([key, value]) => Bun.deepEquals(line[key], value)),
    );
  }

  /** Waits for a line, and gives it. */
  async sees(kind: string, fields: Readonly<Record<string, unknown>> = {}): Promise<WatchLine> {
    await waitFor(`it says ${kind} ${JSON.stringify(fields)}`, () => this.all(kind, fields).length > 0).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}; it said ${this.#child.output().slice(-3_000)}`);
      },
    );
    const [line] = this.all(kind, fields);
    if (line === undefined) throw new Error("not seen");
    return line;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Presses Ctrl-C; gives the exit status and the summary. */
  stop(): Promise<{ readonly status: number; readonly summary: WatchLine }> {
    this.#child.kill("SIGINT");
    return this.ended();
  }

  /** Waits until it ends; gives the exit status and the summary. */
  async ended(): Promise<{ readonly status: number; readonly summary: WatchLine }> {
    const status = await this.#child.exited;
    const summary = this.lines().findLast(({ kind }) => kind === "summary");
    if (summary === undefined) throw new Error(`no summary: ${this.#child.output().slice(-2_000)}`);
    return { status, summary };
  }
}

/** Reads the JSON lines among what a command wrote. */
export function linesOf(output: string): readonly WatchLine[] {
  const whole = output.slice(0, output.lastIndexOf("\n") + 1);
  return whole
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as WatchLine);
}

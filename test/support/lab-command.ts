/** How a finished command ended. */
export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** How to start a process. */
export interface SpawnOptions {
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** How to run a command to its end. */
export interface RunOptions extends SpawnOptions {
  /** What the command reads on standard input. */
  readonly input?: string;
  /** After this the command is killed; 60 s unless told. */
  readonly timeoutMs?: number;
}

/**
 * A command of a peer's or a client's that runs as on a machine of its own, where it is not held up by what else runs on this
 * one: what it does and says is to show what happens on the wire. Our elections go before it.
 */
export function asElsewhere(command: readonly string[]): string[] {
  return ["chrt", "--rr", "10", ...command];
}

/** A process that goes on. */
export interface Child {
  readonly pid: number;
  /** Gives standard output and standard error so far, as they came in. */
  output(): string;
  /** Sends a signal, SIGTERM unless told; does nothing if the process has ended. */
  kill(signal?: NodeJS.Signals): void;
  /** Resolves with the exit status (128 + signal when killed) once the process has ended. */
  readonly exited: Promise<number>;
}

/** Runs a command to its end; never throws because of its exit status. */
export async function runCommand(command: readonly string[], o: RunOptions = {}): Promise<CommandResult> {
  const subprocess = Bun.spawn([...command], {
    ...placeOf(o),
    stdin: o.input === undefined ? "ignore" : new TextEncoder().encode(o.input),
    stdout: "pipe",
    stderr: "pipe",
    timeout: o.timeoutMs ?? 60_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    subprocess.stdout.text(),
    subprocess.stderr.text(),
    subprocess.exited,
  ]);
  return { stdout, stderr, exitCode };
}

/** Starts a process and collects what it writes. */
export function spawnCommand(command: readonly string[], o: SpawnOptions = {}): Child {
  const subprocess = Bun.spawn([...command], {
    ...placeOf(o),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let collected = "";
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) collected += decoder.decode(chunk, { stream: true });
  };
  const collecting = Promise.all([collect(subprocess.stdout), collect(subprocess.stderr)]);
  const end = async (): Promise<number> => {
    const exitCode = await subprocess.exited;
    // Grandchildren that outlive the process may hold the pipes open. What it wrote itself is in them, and has been read once
    // several looks have brought nothing: a time alone may be over before this process has looked at all.
    for (let empty = 0, isRead = false; empty < 5 && !isRead;) {
      const before = collected.length;
      isRead = await Promise.race([collecting.then(() => true), Bun.sleep(20).then(() => false)]);
      empty = collected.length === before ? empty + 1 : 0;
    }
    return exitCode;
  };
  return {
    pid: subprocess.pid,
    output: () => collected,
    kill: (signal = "SIGTERM") => subprocess.kill(signal),
    exited: end(),
  };
}

/** Runs `ip`; throws with its message when it fails. */
export async function ip(args: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await runCommand(["ip", ...args]);
  if (exitCode !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr.trim()}`);
  return stdout;
}

function placeOf(o: SpawnOptions): { env: Record<string, string | undefined>; cwd?: string } {
  const env = { ...process.env, ...o.env };
  return o.cwd === undefined ? { env } : { env, cwd: o.cwd };
}

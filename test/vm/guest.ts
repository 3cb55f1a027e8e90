import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a command in the guest did. */
export interface GuestResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** What a guest is started with. */
export interface GuestOptions {
  /** Files that the guest finds under `/share`, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Debian's own unless this names the newer one, for what has come into Linux since. */
  readonly kernel?: "debian" | "6.12";
  /** Whether systemd brings the guest up, as on an operator's machine; otherwise nothing runs in it but what is asked for. */
  readonly hasSystemd?: boolean;
}

const cache = process.env["EDGE_HA_VM_CACHE"] ?? "/var/tmp/edge-ha-vm";

/**
 * A machine with a kernel that has IPVS: QEMU without hardware help, a stock Debian kernel, one processor. The hosts
 * of a test are network namespaces inside it. Its root file system is shared read-only below a throw-away layer, so
 * that nothing has to be cleaned up.
 */
export class Guest {
  readonly #qemu: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #directory: string;
  readonly #agent: Socket;
  readonly #waiting = new Map<number, (result: GuestResult) => void>();
  #lastRequest = 0;
  #received = "";

  private constructor(qemu: Bun.Subprocess<"ignore", "pipe", "pipe">, directory: string, agent: Socket) {
    this.#qemu = qemu;
    this.#directory = directory;
    this.#agent = agent;
  }

  /** Prepares what is needed, once for all guests, then boots one. */
  static async boot(options: GuestOptions = {}): Promise<Guest> {
    await prepare();
    const directory = await mkdtemp(join(tmpdir(), "edge-ha-guest-"));
    const share = join(directory, "share");
    await mkdir(share);
    await cp(join(import.meta.dir, "guest"), join(share, "guest"), { recursive: true });
    for (const [name, path] of Object.entries(options.files ?? {})) await cp(path, join(share, name));
    const agent = Promise.withResolvers<Socket>();
    const server = createServer((socket) => agent.resolve(socket));
    const socketPath = join(directory, "agent.sock");
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    const qemu = Bun.spawn(["qemu-system-x86_64", ...machine(options, share, socketPath)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = [lastWords(qemu.stdout), lastWords(qemu.stderr)];
    const failed = qemu.exited.then(async (status) => {
      throw new Error(`guest ended with ${status}: ${(await Promise.all(said)).join("\n")}`);
    });
    failed.catch(() => undefined);
    const guest = new Guest(qemu, directory, await Promise.race([agent.promise, failed]));
    server.close();
    await Promise.race([guest.#ready(), failed]);
    return guest;
  }

  /** Runs a bash script in the guest; several run side by side if they are not awaited in between. */
  run(script: string): Promise<GuestResult> {
    this.#lastRequest += 1;
    const number = this.#lastRequest;
    return new Promise((resolve) => {
      this.#waiting.set(number, resolve);
      this.#agent.write(`${number} ${Buffer.from(script).toString("base64")}\n`);
    });
  }

  /** Runs a script that has to succeed and gives what it wrote; throws with everything it said otherwise. */
  async text(script: string): Promise<string> {
    const { stdout, stderr, exitCode } = await this.run(script);
    if (exitCode !== 0)
      throw new Error(`in the guest: ${script}\nended with ${exitCode}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** Waits until a claim about the guest holds; throws with the claim's name when it never does. */
  async waitFor(claim: string, holds: () => Promise<boolean>, timeoutMs = 180_000): Promise<void> {
    const end = performance.now() + timeoutMs;
    while (!(await holds())) {
      if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain: ${claim}`);
      await Bun.sleep(200);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    this.#qemu.kill("SIGKILL");
    await this.#qemu.exited;
    await rm(this.#directory, { recursive: true, force: true });
  }

  #ready(): Promise<void> {
    return new Promise((resolve) => {
      this.#agent.setEncoding("utf8");
      this.#agent.on("data", (text: string) => {
        this.#received += text;
        const lines = this.#received.split("\n");
        this.#received = lines.pop() ?? "";
        for (const line of lines) {
          if (line.startsWith("ready ")) resolve();
          else this.#answered(line);
        }
      });
    });
  }

  #answered(line: string): void {
    const [number, exitCode, stdout = "-", stderr = "-"] = line.trim().split(" ");
    const resolve = this.#waiting.get(Number(number));
    this.#waiting.delete(Number(number));
    resolve?.({ exitCode: Number(exitCode), stdout: decode(stdout), stderr: decode(stderr) });
  }
}

function decode(field: string): string {
  return field === "-" ? "" : Buffer.from(field, "base64").toString();
}

/** Reads a stream as it comes, so that its writer never waits, and gives the last of it at its end. */
async function lastWords(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) text = (text + decoder.decode(chunk, { stream: true })).slice(-20_000);
  return text;
}

async function prepare(): Promise<void> {
  const script = Bun.spawn([join(import.meta.dir, "prepare.sh"), cache], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if ((await script.exited) !== 0) throw new Error("test/vm/prepare.sh failed");
}

/** The processor is named: the runtime needs SSE 4.2, and emulating more makes everything slower. */
function machine(options: GuestOptions, share: string, agentSocket: string): string[] {
  const boot = join(cache, "kernels", options.kernel ?? "debian");
  const kernelArguments = `console=ttyS0 quiet panic=-1 mitigations=off net.ifnames=0 ${options.hasSystemd === true ? "edge-ha.systemd systemd.getty_auto=0" : ""}`;
  return [
    ["-accel", "tcg,tb-size=512", "-cpu", "Nehalem", "-M", "q35", "-m", "1536", "-smp", "1"],
    ["-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"],
    ["-kernel", join(boot, "vmlinux"), "-initrd", join(boot, "initrd.gz"), "-append", kernelArguments],
    shared("root", join(cache, "root")),
    shared("share", share),
    ["-device", "virtio-serial-pci", "-chardev", `socket,id=agent,path=${agentSocket}`],
    ["-device", "virtserialport,chardev=agent,name=edge-ha.agent"],
  ].flat();
}

function shared(tag: string, path: string): string[] {
  const fsdev = `local,id=${tag},path=${path},security_model=none,readonly=on`;
  return ["-fsdev", fsdev, "-device", `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`];
}

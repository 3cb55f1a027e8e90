import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "./lab.ts";
import { isListening } from "./raw-tcp.ts";

/** A HAProxy on the loopback address, with a folder of its own that goes with it. */
export class LocalHaproxy implements AsyncDisposable {
  private readonly folder: string;
  private readonly subprocess: Bun.Subprocess;

  private constructor(folder: string) {
    this.folder = folder;
    this.subprocess = Bun.spawn(["haproxy", "-db", "-f", join(folder, "haproxy.cfg")], {
      stdio: ["ignore", "ignore", "ignore"],
    });
  }

  /** Starts it as a reverse proxy of one server on the loopback address, with a connection for each request. */
  static async start(port: number, origin: number): Promise<LocalHaproxy> {
    const folder = mkdtempSync(join(tmpdir(), "edge-ha-haproxy-"));
    writeFileSync(
      join(folder, "haproxy.cfg"),
      `global
  nbthread 1
  maxconn 1000
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
  http-reuse never
  option http-server-close
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  server s 127.0.0.1:${origin}
`,
    );
    const haproxy = new LocalHaproxy(folder);
    await waitFor(`HAProxy listens on port ${port}`, () => isListening(port));
    return haproxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.subprocess.kill("SIGTERM");
    await this.subprocess.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

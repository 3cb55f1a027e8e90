import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "./lab.ts";
import { isListening } from "./raw-tcp.ts";

/** An nginx on the loopback address, with a folder of its own that goes with it. */
export class LocalNginx implements AsyncDisposable {
  readonly folder: string;
  readonly pid: number;
  private readonly subprocess: Bun.Subprocess;

  private constructor(folder: string) {
    this.folder = folder;
    this.subprocess = Bun.spawn(["nginx", "-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"], {
      stdio: ["ignore", "ignore", "ignore"],
    });
    this.pid = this.subprocess.pid;
  }

  /** Starts it with these lines in its `server`; `FOLDER` in them stands for its folder. */
  static async start(port: number, server: string, http = ""): Promise<LocalNginx> {
    const folder = mkdtempSync(join(tmpdir(), "edge-ha-nginx-"));
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (kind) => `${kind}_temp_path ${kind};`,
    );
    writeFileSync(
      join(folder, "nginx.conf"),
      `daemon off; master_process off; pid nginx.pid; events { worker_connections 1024; }
       http { access_log off; ${temporary.join(" ")} keepalive_requests 10000000; ${http}
         server { listen 127.0.0.1:${port}; ${server.replaceAll("FOLDER", folder)} } }`,
    );
    const nginx = new LocalNginx(folder);
    await waitFor(`nginx listens on port ${port}`, () => isListening(port));
    return nginx;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.subprocess.kill("SIGTERM");
    await this.subprocess.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

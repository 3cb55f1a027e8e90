import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "./lab.ts";

/** Starts HAProxy, which sends what it gets on `port` to `to` behind a header of the PROXY protocol. */
export async function haproxyFront(port: number, to: number, words: string): Promise<AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), "edge-ha-haproxy-"));
  const file = join(folder, "haproxy.cfg");
  writeFileSync(
    file,
    `defaults\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n mode tcp\nlisten l\n bind 127.0.0.1:${port}\n server s 127.0.0.1:${to} ${words}\n`,
  );
  const process = Bun.spawn(["haproxy", "-db", "-f", file], { stdio: ["ignore", "ignore", "ignore"] });
  await waitFor(`HAProxy listens on port ${port}`, async () => {
    try {
      (await Bun.connect({ hostname: "127.0.0.1", port, socket: { data: () => undefined } })).end();
      return true;
    } catch {
      return false;
    }
  });
  return {
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.exited;
      rmSync(folder, { recursive: true });
    },
  };
}

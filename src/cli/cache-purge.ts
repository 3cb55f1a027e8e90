import { askAdmin } from "../admin/client.ts";
import { errorText } from "../base/system-error.ts";
import type { PurgeReport } from "../ipc/purge.ts";

/** Has every proxy process forget stored answers; 0 done, 1 not. */
export async function runCachePurge(socket: string, patterns: readonly string[]): Promise<number> {
  try {
    // The service on the other end is this very version's `serveAdmin`.
    const { processes } = (await askAdmin(socket, "POST", "/cache/purge", { patterns })) as PurgeReport;
    if (processes === 0) {
      process.stderr.write("no proxy process runs here: there is nothing to purge\n");
      return 1;
    }
    process.stdout.write(
      `told ${processes === 1 ? "the proxy process" : `all ${processes} proxy processes`}\n`,
    );
    return 0;
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`);
    return 1;
  }
}

import { closeSync, constants, fstatSync, openSync, readSync, watch } from "node:fs";
import { basename, dirname } from "node:path";

/** The longest content that is looked at: a number with space around it. */
const mostBytes = 256;

/** Reads the beginning of a regular file; null if there is none or it cannot be read. Never waits for a writer. */
export function readFile(path: string): string | null {
  let fd: number | null = null;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!fstatSync(fd).isFile()) return null;
    const bytes = Buffer.alloc(mostBytes);
    return bytes.toString("utf8", 0, readSync(fd, bytes, 0, mostBytes, 0));
  } catch {
    return null;
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** Calls `react` when a file may have changed, come or gone; null if its directory cannot be watched. */
export function watchFile(path: string, react: () => void): (() => void) | null {
  const own = basename(path);
  try {
    // The directory: a file that is replaced or comes later has another inode.
    const watcher = watch(dirname(path), (_event, name) => {
      if (name === null || name === own) react();
    });
    watcher.on("error", () => watcher.close());
    return () => watcher.close();
  } catch {
    return null;
  }
}

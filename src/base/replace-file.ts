import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** How a file is replaced. */
export interface ReplaceOptions {
  /** Permissions of the file; 0o644 unless told. */
  readonly mode?: number;
  /** Whether it is on the disk when this returns, so that a loss of power loses nothing either; not so unless told. */
  readonly isDurable?: boolean;
}

/**
 * Writes a file beside the old one and moves it over, directories included: a crash at any moment leaves the old text or
 * the new one, never half of one. Throws what the file system throws.
 */
export function replaceFile(path: string, text: string, options: ReplaceOptions = {}): void {
  const { mode = 0o644, isDurable = false } = options;
  const fresh = `${path}.new`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(fresh, text, { mode, flush: isDurable });
  renameSync(fresh, path);
  if (isDurable) syncDirectory(dirname(path));
}

/** Removes a file, if it is there, so that it stays removed after a loss of power. */
export function removeDurably(path: string): void {
  rmSync(path, { force: true });
  syncDirectory(dirname(path));
}

function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

import { constants } from "node:fs";
import {
  access,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  unlink,
  utimes,
  type FileHandle,
} from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { cacheTag, cacheTagName } from "../../../base/cache-folder.ts";
import { hasCode } from "../../../base/system-error.ts";
import { decodeHead, headLength, type EntryHead } from "./disk-entry.ts";
import { isEntryFile } from "./disk-files.ts";

/** Read at once; most entries are no longer. */
const firstBytes = 64 * 1024;
/** Longer ones are read and written in pieces of this. */
const pieceBytes = 1024 ** 2;
/** Neither a link nor a pipe of somebody else holds a reader up. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const writeFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Files that are being written; whoever wrote one this long ago is dead. */
const freshFolder = "new";
const abandonedMs = 600_000;

/** What is at the place of an entry. */
export type Found =
  | { readonly kind: "nothing" }
  /** It is no entry, or no whole one. */
  | { readonly kind: "damaged" }
  | { readonly kind: "entry"; readonly head: EntryHead; readonly usedMs: number };

/** A file that was found in the folder. */
export interface ListedFile {
  readonly file: string;
  readonly bytes: number;
  /** When it was written or used last, in milliseconds of Unix time. */
  readonly usedMs: number;
}

/** The folder of a cache. Each function throws what the file system throws, but for files that are not there. */
export class DiskFolder {
  readonly path: string;
  private count = 0;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Throws if the folder is not there, or is none that was made for a cache: nothing in it is touched then. One that cannot
   * be written is of no use, for what has changed could not be removed from it.
   */
  async expectOwn(): Promise<void> {
    await access(this.path, constants.W_OK);
    if ((await readFile(join(this.path, cacheTagName), "utf8")) !== cacheTag)
      throw new Error(`${cacheTagName} is another's`);
  }

  /** Reads what stands before the body of an entry; the body too if `wants` says so of that. */
  async read(
    file: string,
    wants: (head: EntryHead) => boolean,
  ): Promise<Found & { readonly body: Buffer | null }> {
    const handle = await openIfThere(join(this.path, file));
    if (typeof handle === "string") return { kind: handle, body: null };
    try {
      const { isFile, mtimeMs, size } = await stated(handle);
      if (!isFile) return { kind: "damaged", body: null };
      let start = await piece(handle, 0, Math.min(size, firstBytes));
      const length = headLength(start);
      if (length !== null && length > start.length) start = await piece(handle, 0, Math.min(size, length));
      const head = decodeHead(start, size);
      if (head === null) return { kind: "damaged", body: null };
      const body = wants(head) ? await bodyOf(handle, head, start) : null;
      if (body !== null && crc32(body) !== head.bodyChecksum) return { kind: "damaged", body: null };
      return { kind: "entry", head, usedMs: mtimeMs, body };
    } finally {
      await handle.close();
    }
  }

  /** Writes an entry beside the old one and moves it over: nobody ever sees a part of it. */
  async write(file: string, head: Buffer, body: Buffer): Promise<void> {
    const fresh = join(this.path, freshFolder, `${process.pid}-${this.count++}`);
    const handle = await madeOnTheWay(fresh, () => open(fresh, writeFlags, 0o600));
    try {
      try {
        await writeWhole(handle, head);
        await writeWhole(handle, body);
      } finally {
        await handle.close();
      }
      const target = join(this.path, file);
      await madeOnTheWay(target, () => rename(fresh, target));
    } catch (error) {
      await this.removeAt(fresh).catch(() => undefined); // the first error tells more
      throw error;
    }
  }

  /** Removes an entry. */
  async remove(file: string): Promise<void> {
    await this.removeAt(join(this.path, file));
  }

  /** Tells whether there is an entry. */
  async has(file: string): Promise<boolean> {
    return (await listed(this.path, file)) !== null;
  }

  /** Notes in the file itself that it was used just now. */
  async touch(file: string): Promise<void> {
    const now = new Date();
    try {
      await utimes(join(this.path, file), now, now);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
  }

  /** Gives the entries in one of the shards. */
  async list(shard: string): Promise<readonly ListedFile[]> {
    const names = (await namesIn(join(this.path, shard))).filter(isEntryFile);
    const files: ListedFile[] = [];
    for (const name of names) {
      const file = await listed(this.path, `${shard}/${name}`);
      if (file !== null) files.push(file);
    }
    return files;
  }

  /** Removes what processes have left that died while they wrote. */
  async removeAbandoned(): Promise<void> {
    for (const name of await namesIn(join(this.path, freshFolder))) {
      const file = `${freshFolder}/${name}`;
      const found = await listed(this.path, file);
      if (found !== null && Date.now() - found.usedMs > abandonedMs) await this.remove(file);
    }
  }

  private async removeAt(path: string): Promise<void> {
    try {
      await unlink(path);
    } catch (error) {
      if (!hasCode(error, "ENOENT", "ENOTDIR")) throw error;
    }
  }
}

async function openIfThere(path: string): Promise<FileHandle | "nothing" | "damaged"> {
  try {
    return await open(path, readFlags);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return "nothing";
    if (hasCode(error, "ELOOP", "ENXIO")) return "damaged";
    throw error;
  }
}

async function stated(handle: FileHandle): Promise<{ isFile: boolean; size: number; mtimeMs: number }> {
  const stat = await handle.stat();
  return { isFile: stat.isFile(), size: stat.size, mtimeMs: stat.mtimeMs };
}

async function bodyOf(handle: FileHandle, head: EntryHead, start: Buffer): Promise<Buffer> {
  const { bodyLength, bodyStart } = head;
  const end = bodyStart + bodyLength;
  if (start.length >= end) return start.subarray(bodyStart, end);
  const body = Buffer.allocUnsafeSlow(bodyLength);
  let at = start.copy(body, 0, bodyStart);
  while (at < bodyLength) {
    const { bytesRead } = await handle.read(body, at, Math.min(pieceBytes, bodyLength - at), bodyStart + at);
    if (bytesRead === 0) break; // cut off meanwhile: the checksum finds that
    at += bytesRead;
  }
  return body.subarray(0, at);
}

async function piece(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  const { bytesRead } = await handle.read(bytes, 0, length, at);
  return bytes.subarray(0, bytesRead);
}

async function writeWhole(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, at, Math.min(pieceBytes, bytes.length - at));
    at += bytesWritten;
  }
}

/** Does something with a path, and again once the folder of that is made if it was missing. */
async function madeOnTheWay<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    await mkdir(join(path, ".."), { mode: 0o700, recursive: true });
    return await act();
  }
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

async function listed(folder: string, file: string): Promise<ListedFile | null> {
  try {
    const stat = await lstat(join(folder, file));
    return { file, bytes: stat.size, usedMs: stat.mtimeMs };
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return null;
    throw error;
  }
}

import { randomBytes } from "node:crypto";
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
import { wholeBytes, type BodyFile, type StoredBody } from "../body-file.ts";
import { BodySums, sumsBytes } from "./body-sums.ts";
import { encodeAmendment, readAmendments, type Amended } from "./disk-amendment.ts";
import { decodeHead, headLength, type EntryHead } from "./disk-entry.ts";
import { isEntryFile } from "./disk-files.ts";
import { FreshFile } from "./fresh-file.ts";
import type { OpenedFile } from "./open-body.ts";
import { readFully } from "./read-fully.ts";
import { writeFully } from "./write-fully.ts";

/** Read at once; most entries are no longer. */
const firstBytes = 64 * 1024;
/** Neither a link nor a pipe of somebody else holds a reader up. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const amendFlags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;
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
  /** Of files that are being written: another process may have had this one's number, and left something. */
  private readonly freshName = `${process.pid}-${randomBytes(6).toString("hex")}`;
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

  /** Reads what stands before the body of an entry; if `wants` says so of that the body too, or leaves the file open if that is long. */
  async read(
    file: string,
    wants: (head: EntryHead) => boolean,
  ): Promise<Found & { readonly body: Buffer | OpenedFile | null }> {
    const handle = await openIfThere(join(this.path, file));
    if (typeof handle === "string") return { kind: handle, body: null };
    let isToStay = false;
    try {
      const { inode, isFile, mtimeMs, size } = await stated(handle);
      if (!isFile) return { kind: "damaged", body: null };
      const begun = await beginning(handle, size);
      if (begun === null) return { kind: "damaged", body: null };
      const { head, start, sums } = begun;
      if (!wants(head)) return { kind: "entry", head, usedMs: mtimeMs, body: null };
      if (sums !== null) {
        if (crc32(sums) !== head.bodyChecksum) return { kind: "damaged", body: null };
        isToStay = true;
        return { kind: "entry", head, usedMs: mtimeMs, body: { handle, inode, head, sums } };
      }
      const body = await bodyOf(handle, head, start);
      if (body === null) return { kind: "damaged", body: null };
      return { kind: "entry", head, usedMs: mtimeMs, body };
    } finally {
      if (!isToStay) await handle.close();
    }
  }

  /** Begins a file for an entry with this description. */
  async begin(text: Buffer): Promise<FreshFile> {
    const name = join(this.path, freshFolder, `${this.freshName}-${this.count++}`);
    const handle = await madeOnTheWay(name, () => open(name, writeFlags, 0o600));
    return new FreshFile(handle, text, {
      move: (file) => {
        const target = join(this.path, file);
        return madeOnTheWay(target, () => rename(name, target));
      },
      remove: () => this.removeAt(name),
    });
  }

  /** Writes an entry in place of the old one; gives the length of its file. */
  async write(file: string, text: Buffer, body: StoredBody): Promise<number> {
    const amended = Buffer.isBuffer(body) ? null : await this.amend(file, text, body);
    if (amended !== null) return amended;
    const fresh = await this.begin(text);
    try {
      if (Buffer.isBuffer(body)) await fresh.append(body);
      else await copy(body, fresh);
      return await fresh.land(file);
    } catch (error) {
      await fresh.drop().catch(() => undefined); // the first error tells more
      throw error;
    }
  }

  /**
   * Has an entry say something else of the long body that is in its file already, without a copy of that; gives the length of the file. Null if
   * its place has another file by now, or there is no room: then it is to be written anew.
   */
  async amend(file: string, text: Buffer, body: BodyFile): Promise<number | null> {
    const handle = await openIfThere(join(this.path, file), amendFlags);
    if (typeof handle === "string") return null;
    try {
      const { inode, size } = await stated(handle);
      const begun = inode === body.inode ? await beginning(handle, size) : null;
      const bytes = begun === null || begun.sums === null ? null : encodeAmendment(text, begun.head);
      if (begun === null || bytes === null) return null;
      await writeFully(handle, bytes, begun.next);
      return Math.max(size, begun.next + bytes.length);
    } finally {
      await handle.close();
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

async function openIfThere(path: string, flags = readFlags): Promise<FileHandle | "nothing" | "damaged"> {
  try {
    return await open(path, flags);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return "nothing";
    if (hasCode(error, "ELOOP", "ENXIO")) return "damaged";
    throw error;
  }
}

/** What stands around a body. */
interface Beginning extends Amended {
  /** The first octets of the file, the head's all among them. */
  readonly start: Buffer;
  /** The checksums of a long body; null with one that is read as a whole. */
  readonly sums: Buffer | null;
}

/** Reads what stands around the body of a file of `size`; null if that is none of an entry. */
async function beginning(handle: FileHandle, size: number): Promise<Beginning | null> {
  let start = await piece(handle, 0, Math.min(size, firstBytes));
  const length = headLength(start);
  if (length !== null && length > start.length) start = await piece(handle, 0, Math.min(size, length));
  const head = decodeHead(start, size);
  if (head === null) return null;
  const { amendmentsStart, bodyLength, bodyStart } = head;
  if (bodyLength <= wholeBytes) return { head, next: amendmentsStart, start, sums: null };
  const sumsStart = bodyStart + bodyLength;
  const behind = await piece(handle, sumsStart, size - sumsStart);
  const sums = Buffer.from(behind.subarray(0, sumsBytes(bodyLength))); // kept for as long as the body is sent
  return { ...readAmendments(head, behind.subarray(amendmentsStart - sumsStart)), start, sums };
}

interface Stated {
  readonly inode: number;
  readonly isFile: boolean;
  readonly size: number;
  readonly mtimeMs: number;
}

async function stated(handle: FileHandle): Promise<Stated> {
  const stat = await handle.stat();
  return { inode: stat.ino, isFile: stat.isFile(), size: stat.size, mtimeMs: stat.mtimeMs };
}

/** Gives a body as a whole, of which `start` may have some already; null if it is not what was written. */
async function bodyOf(handle: FileHandle, head: EntryHead, start: Buffer): Promise<Buffer | null> {
  const { bodyChecksum, bodyLength, bodyStart } = head;
  const end = bodyStart + bodyLength;
  let body = start.subarray(bodyStart, end);
  if (start.length < end) {
    body = Buffer.allocUnsafeSlow(bodyLength);
    const at = start.copy(body, 0, bodyStart);
    if (!(await readFully(handle, body, at, bodyStart + at))) return null; // cut off meanwhile
  }
  const sums = new BodySums();
  sums.add(body);
  return sums.whole().bodyChecksum === bodyChecksum ? body : null;
}

async function copy(body: BodyFile, fresh: FreshFile): Promise<void> {
  for (let at = 0; at < body.length;) {
    const { bytes, end, start } = await body.read(at, body.length, 1);
    await fresh.append(bytes.subarray(start, end));
    at += end - start;
  }
}

async function piece(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  const { bytesRead } = await handle.read(bytes, 0, length, at);
  return bytes.subarray(0, bytesRead);
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

import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheTag, cacheTagName } from "../../src/base/cache-folder.ts";
import type { CachePlan } from "../../src/config/content-plan.ts";
import type { DiskNote } from "../../src/ipc/disk-note.ts";
import { fileOfBody, type BodyFile, type StoredBody } from "../../src/proxy/cache/body-file.ts";
import { blockBytes } from "../../src/proxy/cache/disk/body-sums.ts";
import { DiskCache } from "../../src/proxy/cache/disk/disk-cache.ts";
import { DiskFolder } from "../../src/proxy/cache/disk/disk-folder.ts";
import type { FieldLine } from "../../src/proxy/http1/field-lines.ts";
import { PurgeMarks } from "../../src/proxy/cache/purge-marks.ts";
import { restored, type StoredResponse } from "../../src/proxy/cache/stored-response.ts";
import { minuteDiskCache, until } from "./cache-plans.ts";
import { recordingLog } from "./recording-log.ts";
import { seededRandom } from "./seeded-random.ts";

const plan: CachePlan = { ...minuteDiskCache, maxObjectBytes: 2 ** 24 };
export const random: () => number = seededRandom(31);
export const noise: Buffer = Buffer.from(
  Array.from({ length: 10 * blockBytes }, () => Math.trunc(random() * 256)),
);
/** Gives another body of some length for each number. */
export function bodyOf(number: number, length: number = 5 * blockBytes + 777): Buffer {
  return Buffer.from(noise.subarray(number, number + length));
}

/** Gives an answer with this body. */
export function entry(path: string, body: StoredBody, lines: readonly FieldLine[] = []): StoredResponse {
  const askedAt = performance.now();
  const described = {
    url: `http://a${path}`,
    upstream: "apps",
    selecting: [],
    statusLine: "HTTP/1.1 200 OK",
    lines,
  };
  return restored(described, body, { plan, bornAt: askedAt, askedAt });
}

/** A cache on disk in a folder of its own. */
export class LongBodies {
  readonly path: string = mkdtempSync(join(tmpdir(), "edge-ha-unit-bodies-"));
  readonly notes: DiskNote[] = [];
  readonly marks: PurgeMarks = new PurgeMarks();
  readonly said: readonly string[];
  readonly cache: DiskCache;

  constructor(make: (path: string) => DiskFolder = (path) => new DiskFolder(path)) {
    writeFileSync(join(this.path, cacheTagName), cacheTag);
    const { log, said } = recordingLog();
    this.said = said;
    const tell = (note: DiskNote): void => void this.notes.push(note);
    this.cache = new DiskCache({ folder: make(this.path), log, marks: this.marks, tell });
    this.cache.configure(1e9, false);
  }

  /** Has a body written; gives its file. */
  async write(path: string, body: Buffer): Promise<string> {
    const before = this.notes.length;
    this.cache.write(entry(path, body));
    await until(() => this.notes.length > before);
    return join(this.path, this.notes[before]?.file ?? "");
  }

  /** Looks for an answer. */
  find(path: string): Promise<StoredResponse | null> {
    return new Promise((resolve) => {
      this.cache.find({ url: `http://a${path}`, source: "apps", value: () => null, plan }, resolve);
    });
  }

  /** Gives the file that a body is found in, which the caller holds. */
  async file(path: string): Promise<BodyFile> {
    const found = await this.find(path);
    const file = found === null ? null : fileOfBody(found.body);
    if (file === null) throw new Error(`${path} is in no file`);
    return file;
  }

  /** How many descriptors are open below the folder. */
  open(): number {
    return readdirSync("/proc/self/fd").filter((number) => linkOf(number).startsWith(this.path)).length;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

function linkOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return "";
  }
}

/** Reads a body from its file, one to four blocks at a time. */
export async function readAll(file: BodyFile, start = 0, end: number = file.length): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let at = start; at < end;) {
    const piece = await file.read(at, end, 1 + (parts.length % 4));
    parts.push(piece.bytes.subarray(piece.start, piece.end));
    at += piece.end - piece.start;
  }
  return Buffer.concat(parts);
}

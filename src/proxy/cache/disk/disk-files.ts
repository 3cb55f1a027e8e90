import { hash } from "node:crypto";

/** The names of entries' files. */

/** How many variants of one URL are kept on a disk; each has a file, and a reader looks at one after the other. */
export const mostSlots = 8;

/** A URL's part of its files' names: 16 hexadecimal digits. Two URLs with the same share their slots, as variants do. */
export function diskName(url: string): string {
  return hash("sha256", url, "hex").slice(0, 16);
}

/** Gives the path below the cache's folder, as in `ab/cdef0123456789.0`. */
export function fileOf(name: string, slot: number): string {
  return `${name.slice(0, 2)}/${name.slice(2)}.${slot}`;
}

/** Gives the name in a path below the cache's folder. */
export function nameIn(file: string): string {
  return file.slice(0, 2) + file.slice(3, 17);
}

/** Tells whether a name in one of the folders is an entry's; others are left alone. */
export function isEntryFile(name: string): boolean {
  return /^[0-9a-f]{14}\.[0-7]$/.test(name);
}

/** The folders that entries are in. */
export const shards: readonly string[] = Array.from({ length: 256 }, (_, index) =>
  index.toString(16).padStart(2, "0"),
);

/** What a proxy process did in the folder of a cache on disk, for the one that keeps it within its bound. */
export interface DiskNote {
  /** The folder. */
  readonly path: string;
  /** `full`: there was no room for a file; the others are about one: written, read after a while, removed. */
  readonly kind: "stored" | "used" | "gone" | "full";
  /** Its path below the folder; of `gone` the URL's name, for all files of that; empty for `full`. */
  readonly file: string;
  /** Of `stored`. */
  readonly bytes: number;
}

/** A cache on disk as one process sees it; counts since it started. */
export interface DiskStatus {
  readonly path: string;
  /** What there is, by the one process that keeps it within its bound; null in the others, and while it looks. */
  readonly files: number | null;
  readonly bytes: number | null;
  /** Answers that were found, and written. */
  readonly found: number;
  readonly stored: number;
  /** Not written because the disk had too much to do, or none of it worked. */
  readonly skipped: number;
  /** Not waited for, as the disk took too long, or not sent from there, as too many long ones were. */
  readonly late: number;
  /** Files that were not what was written. */
  readonly damaged: number;
  /** Errors of the file system, and the last one's text. */
  readonly failed: number;
  readonly failure: string | null;
}

import { formatTable } from "../base/table.ts";
import type { DiskStatus } from "../ipc/disk-note.ts";
import type { ProxyStatus } from "../ipc/status.ts";

/** The caches on disk, for a person to read: what all processes together have done with each. PURE. Null if there is none. */
export function describeDisks(proxies: readonly ProxyStatus[]): string | null {
  const disks = proxies.flatMap((proxy) => proxy.disks);
  const paths = [...new Set(disks.map(({ path }) => path))];
  if (paths.length === 0) return null;
  const rows = paths.map((path) =>
    row(
      path,
      disks.filter((disk) => disk.path === path),
    ),
  );
  return formatTable(["CACHE ON DISK", "FILES", "MIB", "FOUND", "WRITTEN", "LEFT OUT", "TROUBLE"], rows);
}

function row(path: string, disks: readonly DiskStatus[]): readonly string[] {
  const sum = (of: (disk: DiskStatus) => number | null): number =>
    disks.reduce((total, disk) => total + (of(disk) ?? 0), 0);
  const isCounted = disks.some(({ files }) => files !== null);
  const troubles = [
    [sum(({ failed }) => failed), "failed"],
    [sum(({ damaged }) => damaged), "damaged"],
    [sum(({ late }) => late), "late"],
  ] as const;
  const words = troubles.flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}`]));
  const last = disks.find(({ failure }) => failure !== null)?.failure ?? null;
  return [
    path,
    isCounted ? String(sum(({ files }) => files)) : "",
    isCounted ? (sum(({ bytes }) => bytes) / 1024 ** 2).toFixed(1) : "",
    String(sum(({ found }) => found)),
    String(sum(({ stored }) => stored)),
    String(sum(({ skipped }) => skipped)),
    [...words, ...(last === null ? [] : [last])].join(", "),
  ];
}

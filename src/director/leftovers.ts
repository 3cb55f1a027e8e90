import { Ipvs } from "../kernel/ipvs.ts";
import { formatKey } from "../kernel/ipvs-messages.ts";
import { detourTable } from "../kernel/detour-table.ts";
import { Journal } from "../kernel/journal.ts";
import { markTable } from "../kernel/mark-table.ts";
import { removeLeftTable } from "../kernel/nftables.ts";

/**
 * Removes the services that a director which is no more left in the kernel's table, the marks they go by, and the detours
 * of their checks, and names the services; those of others stay. Throws `SystemError` when the kernel refuses.
 */
export function removeServices(directory: string): readonly string[] {
  const journal = Journal.open(directory, "director");
  const { entries: noted } = journal;
  removeLeftTable(detourTable, "netdev");
  if (noted.size === 0) {
    // Marks are made before the services that go by them.
    removeLeftTable(markTable);
    return [];
  }
  const ipvs = Ipvs.open();
  try {
    const ours = ipvs.services().filter(({ key }) => noted.has(formatKey(key)));
    for (const { key } of ours) ipvs.removeService(key);
    removeLeftTable(markTable);
    journal.note(new Set());
    return ours.map(({ key }) => `service ${formatKey(key)}`);
  } finally {
    ipvs.close();
  }
}

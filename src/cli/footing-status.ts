import { formatEndpoint } from "../base/address.ts";
import { formatTable } from "../base/table.ts";
import type { FootingStatus, SyncDaemonStatus } from "../ipc/footing-status.ts";

/** Writes what is changed in the kernel for the services, beside their table, for a person to read; a section each. PURE. */
export function describeFooting(footing: FootingStatus): readonly string[] {
  const { settings, syncDaemons, marks, masquerades, problems } = footing;
  const sections: string[] = [];
  if (syncDaemons.length > 0)
    sections.push(formatTable(["SYNC DAEMON", "INTERFACE", "ID", "GROUP", ""], syncDaemons.map(daemonRow)));
  if (marks.length > 0) {
    const rows = marks.map(({ mark, family, places, isInForce }) => [
      String(mark),
      `IPv${family}`,
      isInForce ? "in force" : "missing",
      places.join(", "),
    ]);
    sections.push(formatTable(["MARK", "FAMILY", "STATE", "PACKETS TO"], rows));
  }
  if (settings.length > 0) {
    const rows = settings.map(({ name, value, before }) => [name, value, before]);
    sections.push(formatTable(["SETTING", "VALUE", "BEFORE"], rows));
  }
  const lines = [
    ...(masquerades.length > 0 ? [`masqueraded: ${masquerades.join(", ")}`] : []),
    ...problems.map((problem) => `not as it should be: ${problem}`),
  ];
  return lines.length === 0 ? sections : [...sections, lines.join("\n")];
}

function daemonRow({ role, interface: on, id, group, port, isForeign }: SyncDaemonStatus): readonly string[] {
  const to = group === null ? "" : port === null ? group : formatEndpoint({ address: group, port });
  return [role, on, String(id), to, isForeign ? "foreign" : ""];
}

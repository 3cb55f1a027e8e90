import { formatEndpoint } from "../../src/base/address.ts";
import type { ServiceStatus, TrafficStatus } from "../../src/ipc/status.ts";

/** The service table as `ipvsadm -Ln` lists it and as `edge-ha status` shows it, in one form that can be compared. */

/** Gives a row for each service and server of ipvsadm's list, sorted; those of servers begin with their service's key. */
export function ipvsadmRows(list: string): readonly string[] {
  let key = "";
  const rows: string[] = [];
  for (const line of list.split("\n")) {
    if (!/^(?:TCP|UDP|FWM| {2}->) /.test(line) || line.includes("RemoteAddress")) continue;
    const words = line.replace("->", "").trim().split(/ +/);
    const isService = !line.startsWith(" ");
    if (isService) key = words.slice(0, 2).join(" ");
    rows.push(isService ? words.join(" ") : `${key} ${words.join(" ")}`);
  }
  return rows.sort();
}

/** Gives the same rows of a status, with these columns behind the names. */
export function statusRows(
  services: readonly ServiceStatus[],
  columns: (traffic: TrafficStatus) => readonly number[],
): readonly string[] {
  const rows = services.flatMap((service) => {
    const key = keyOf(service);
    const servers = service.servers.filter(({ isInTable }) => isInTable);
    const own = servers.map(
      (server) => `${key} ${formatEndpoint(server)} ${columns(server.traffic).join(" ")}`,
    );
    return [`${key} ${columns(service.traffic).join(" ")}`, ...own];
  });
  return rows.sort();
}

function keyOf({ protocol, address, port, mark }: ServiceStatus): string {
  if (protocol === null || address === null || port === null) return `FWM ${mark}`;
  return `${protocol.toUpperCase()} ${formatEndpoint({ address, port })}`;
}

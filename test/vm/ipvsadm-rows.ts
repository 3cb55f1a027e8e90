import { formatEndpoint } from "../../src/base/address.ts";
import type { ServerStatus, ServiceStatus, TrafficStatus } from "../../src/ipc/status.ts";

/** The service table as `ipvsadm -Ln` lists it and as `edge-ha status` shows it, in one form that can be compared. */

/** Gives a row for each service and server of ipvsadm's list, sorted; those of servers begin with their service's key. */
export function ipvsadmRows(list: string): readonly string[] {
  let key = "";
  const rows: string[] = [];
  for (const line of list.split("\n")) {
    if (!/^(?:TCP|UDP|SCTP|FWM| {2}->) /.test(line) || line.includes("RemoteAddress")) continue;
    const words = line.replace("->", "").trim().split(/ +/);
    const isService = !line.startsWith(" ");
    if (isService) key = words.slice(0, 2).join(" ");
    rows.push(isService ? words.join(" ") : `${key} ${words.join(" ")}`);
  }
  return rows.sort();
}

/** Gives the same rows of a status, with these columns of traffic behind the names. */
export function trafficRows(
  services: readonly ServiceStatus[],
  columns: (traffic: TrafficStatus) => readonly number[],
): readonly string[] {
  return statusRows(
    services,
    (service) => columns(service.traffic),
    (server) => columns(server.traffic),
  );
}

const ways = { nat: "Masq", local: "Local", dr: "Route", bypass: "Bypass", tunnel: "Tunnel" } as const;

/** What options of ipvsadm's list show of a server, by the option. */
export const serverColumns: Readonly<Record<string, (server: ServerStatus) => readonly (string | number)[]>> =
  {
    "": ({ forward, weight, activeConnections, inactiveConnections }) => {
      const isTunnel = forward === "ipip" || forward === "gue" || forward === "gre";
      return [ways[isTunnel ? "tunnel" : forward], weight, activeConnections, inactiveConnections];
    },
    "--persistent-conn": ({ weight, persistentConnections, activeConnections, inactiveConnections }) => [
      weight,
      persistentConnections,
      activeConnections,
      inactiveConnections,
    ],
    "--thresholds": ({ upperThreshold, lowerThreshold, activeConnections, inactiveConnections }) => [
      upperThreshold,
      lowerThreshold,
      activeConnections,
      inactiveConnections,
    ],
  };

/** Gives the rows of a status with what an option of ipvsadm's list shows; services with their scheduler and its flags. */
export function listRows(services: readonly ServiceStatus[], option: string): readonly string[] {
  return statusRows(services, schedulingWords, serverColumns[option] ?? (() => []));
}

function schedulingWords(service: ServiceStatus): readonly (string | number)[] {
  const { scheduler, schedulerFlags, isOnePacket, persistence, address } = service;
  const flags = schedulerFlags.map((flag) => `${scheduler}-${flag}`).join(",");
  const { timeoutS, prefix, engine } = persistence;
  const isIpv6 = address?.includes(":") ?? false;
  const isMasked = timeoutS > 0 && prefix < (isIpv6 ? 128 : 32);
  return [
    scheduler,
    ...(flags === "" ? [] : [`(${flags})`]),
    ...(timeoutS > 0 ? ["persistent", timeoutS] : []),
    ...(isMasked ? ["mask", isIpv6 ? prefix : dottedMask(prefix)] : []),
    ...(engine === null ? [] : ["pe", engine]),
    ...(isOnePacket ? ["ops"] : []),
  ];
}

function dottedMask(prefix: number): string {
  return [0, 8, 16, 24].map((at) => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - at)))).join(".");
}

type Cells = readonly (string | number)[];

function statusRows(
  services: readonly ServiceStatus[],
  ofService: (service: ServiceStatus) => Cells,
  ofServer: (server: ServerStatus) => Cells,
): readonly string[] {
  const rows = services.flatMap((service) => {
    const key = keyOf(service);
    const servers = service.servers.filter(({ isInTable }) => isInTable);
    const own = servers.map((server) => [key, formatEndpoint(server), ...ofServer(server)].join(" "));
    return [[key, ...ofService(service)].join(" "), ...own];
  });
  return rows.sort();
}

function keyOf({ protocol, address, port, mark }: ServiceStatus): string {
  if (protocol === null || address === null || port === null) return `FWM ${mark}`;
  return `${protocol.toUpperCase()} ${formatEndpoint({ address, port })}`;
}

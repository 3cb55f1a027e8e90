import { formatEndpoint } from "../base/address.ts";
import { formatTable } from "../base/table.ts";
import type { ServerStatus, ServiceStatus, TrafficStatus } from "../ipc/status.ts";

/** The kernel's service table for a person to read: who is in it, and what passes through. PURE. */

/** Writes how services and servers stand: what `ipvsadm -Ln`, `--persistent-conn` and `--thresholds` show, with names and health. */
export function describeServices(services: readonly ServiceStatus[]): string {
  const isSticky = services.some(({ persistence }) => persistence.timeoutS > 0);
  const isLimited = services.some(({ servers }) => servers.some(isServerLimited));
  const header = ["SERVICE", "ADDRESS", "WAY", "WEIGHT", "STATE", "ACTIVE", "INACTIVE"];
  if (isSticky) header.push("PERSISTENT");
  if (isLimited) header.push("LIMITS");
  const rows = services.flatMap((service) => [
    [service.name, placeOf(service), scheduling(service), "", serviceState(service)],
    ...allServers(service).map((server) => {
      const isSorry = server === service.sorry;
      const counts = [server.activeConnections, server.inactiveConnections, server.persistentConnections];
      const cells = ["", `  ${formatEndpoint(server)}`, server.forward, `${server.weight}`];
      cells.push(isSorry ? "sorry server" : serverState(server), `${counts[0]}`, `${counts[1]}`);
      if (isSticky) cells.push(`${counts[2]}`);
      if (isLimited) cells.push(limits(server));
      return cells;
    }),
  ]);
  return formatTable(header, rows);
}

/** Writes what they have been given since they are there, and of late: what `ipvsadm -Ln --stats` and `--rate` show. */
export function describeTraffic(services: readonly ServiceStatus[]): string {
  const header = [
    ["SERVICE", "ADDRESS", "CONNECTIONS", "PACKETS IN", "OUT", "BYTES IN", "OUT"],
    ["CONN/S", "PACKETS/S IN", "OUT", "BYTES/S IN", "OUT"],
  ].flat();
  const rows = services.flatMap((service) => [
    [service.name, placeOf(service), ...trafficCells(service.traffic)],
    ...allServers(service).map((server) =>
      ["", `  ${formatEndpoint(server)}`].concat(trafficCells(server.traffic)),
    ),
  ]);
  return formatTable(header, rows);
}

/** Writes where a service is reached. */
export function placeOf({ protocol, address, port, mark }: ServiceStatus): string {
  if (address === null || port === null) return `fwmark ${mark}`;
  const endpoint = formatEndpoint({ address, port });
  return protocol === "tcp" ? endpoint : `${protocol} ${endpoint}`;
}

function allServers({ servers, sorry }: ServiceStatus): readonly ServerStatus[] {
  return sorry === null ? servers : [...servers, sorry];
}

function scheduling({ scheduler, schedulerFlags, isOnePacket, persistence }: ServiceStatus): string {
  const words = [[scheduler, ...schedulerFlags].join(",")];
  if (isOnePacket) words.push("one packet");
  const { timeoutS, prefix, engine } = persistence;
  if (timeoutS > 0) {
    const mask = prefix === 32 || prefix === 128 ? "" : `/${prefix}`;
    words.push(`persistent ${timeoutS}s${mask}${engine === null ? "" : ` ${engine}`}`);
  }
  return words.join(" ");
}

function serviceState({ isForeign, usesSorry, hasQuorum }: ServiceStatus): string {
  if (isForeign) return "foreign";
  if (usesSorry) return "sorry server";
  return hasQuorum ? "" : "down";
}

function serverState({ drain, isUp }: ServerStatus): string {
  if (drain !== null) return drain;
  return isUp === null ? "" : isUp ? "up" : "down";
}

function isServerLimited({ upperThreshold, lowerThreshold }: ServerStatus): boolean {
  return upperThreshold > 0 || lowerThreshold > 0;
}

function limits(server: ServerStatus): string {
  return isServerLimited(server) ? `${server.lowerThreshold}–${server.upperThreshold}` : "";
}

function trafficCells(traffic: TrafficStatus): readonly string[] {
  const { connections, inPackets, outPackets, inBytes, outBytes } = traffic;
  const { connectionsPerS, inPacketsPerS, outPacketsPerS, inBytesPerS, outBytesPerS } = traffic;
  const totals = [connections, inPackets, outPackets, inBytes, outBytes];
  const rates = [connectionsPerS, inPacketsPerS, outPacketsPerS, inBytesPerS, outBytesPerS];
  return [...totals, ...rates].map(shortNumber);
}

/** Exact below 100,000, then in thousands, millions and so on; `--json` has every digit. */
export function shortNumber(value: number): string {
  if (value < 100_000) return String(value);
  const power = Math.min(4, Math.floor(Math.log10(value) / 3));
  const short = value / 1_000 ** power;
  return `${short < 100 ? short.toFixed(1) : Math.floor(short)}${["", "k", "M", "G", "T"][power]}`;
}

import { askAdmin, NotRunningError } from "../admin/client.ts";
import { errorText } from "../base/system-error.ts";
import { formatTable } from "../base/table.ts";
import { counted } from "../config/describe-plan.ts";
import { describeBfd } from "./bfd-status.ts";
import { describeDisks } from "./disk-table.ts";
import { describeFooting } from "./footing-status.ts";
import { describeNames } from "./names-table.ts";
import { describeProxied } from "./proxied-table.ts";
import { describeServices, describeTraffic } from "./service-tables.ts";
import { ownEntries } from "../kernel/journal.ts";
import type { InstanceStatus, NodeStatus, PathStatus, SplitBrainStatus } from "../ipc/status.ts";

/** Shows what the running service is doing and why; 0 shown, 1 nobody there. */
export async function runStatus(options: {
  readonly socket: string;
  readonly json: boolean;
}): Promise<number> {
  let status: NodeStatus;
  try {
    // The service on the other end is this very version's `serveAdmin`.
    status = (await askAdmin(options.socket, "GET", "/status")) as NodeStatus;
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`);
    if (error instanceof NotRunningError) process.stderr.write(leftText(ownEntries("director")));
    return 1;
  }
  const isTerminal = process.stdout.isTTY;
  process.stdout.write(options.json ? `${JSON.stringify(status)}\n` : describeStatus(status, isTerminal));
  return 0;
}

/** Says what a service that is not running has left in the kernel's table; empty if that is nothing. */
function leftText(keys: ReadonlySet<string>): string {
  if (keys.size === 0) return "";
  const what = `${counted(keys.size, "service")} of an earlier run may still be in the kernel's table`;
  const shown = [...keys].slice(0, 10).join(", ");
  return `${what}: nobody checks their servers meanwhile (${shown}${keys.size > 10 ? ", …" : ""})\n`;
}

/** Writes a node's status for a person to read. */
export function describeStatus(status: NodeStatus, isTerminal: boolean): string {
  const sections = [describeHead(status), describeInstances(status.instances, isTerminal)];
  const bfd = describeBfd(status.bfd, (word) => paint(word, isTerminal));
  if (bfd !== null) sections.push(bfd);
  if (status.services.length > 0) {
    sections.push(describeServices(status.services), describeTraffic(status.services));
  }
  sections.push(...describeFooting(status.footing));
  if (status.proxied.length > 0) sections.push(describeProxied(status.proxied));
  if (status.names.length > 0) sections.push(describeNames(status.names));
  if (status.probes.length > 0) sections.push(describeProbes(status, isTerminal));
  const disks = describeDisks(status.proxies);
  if (disks !== null) sections.push(disks);
  sections.push(describeProcesses(status));
  return `${sections.join("\n\n")}\n`;
}

function describeHead(status: NodeStatus): string {
  const { config } = status;
  const lines = [
    `node ${status.node} of cluster ${status.cluster}, edge-ha ${status.version}, up since ${status.startedAt}`,
    `configuration ${config.path}, loaded ${config.loadedAt}`,
  ];
  if (config.lastErrors.length > 0) {
    lines.push("the last reload was refused, the configuration above is still in force:");
    lines.push(...config.lastErrors.map((error) => `  ${error}`));
  }
  return lines.join("\n");
}

const colours: Readonly<Record<string, string>> = {
  active: "32",
  up: "32",
  fault: "31",
  "split brain": "31",
  down: "31",
  backup: "36",
};

function paint(word: string, isTerminal: boolean): string {
  const colour = colours[word];
  return isTerminal && colour !== undefined ? `\u001B[${colour}m${word}\u001B[0m` : word;
}

function describeInstances(instances: readonly InstanceStatus[], isTerminal: boolean): string {
  if (instances.length === 0) return "no virtual routers on this node";
  return instances
    .map((instance) => {
      const { name, state, addresses, priority, basePriority, peer } = instance;
      const base = priority === basePriority ? "" : ` (${basePriority} before tracks)`;
      const lines = [
        `${name}  ${paint(state, isTerminal)}  ${addresses.join(" ")}`,
        `  VRID ${instance.vrid} on ${instance.interface}${virtualMacText(instance)}, version ${instance.version}, priority ${priority}${base}`,
        `  since ${instance.since}: ${instance.reason}`,
      ];
      if (state !== "active" && peer !== null)
        lines.push(`  active is ${peer.address} with priority ${peer.priority}`);
      if (instance.splitBrain !== null) lines.push(...splitBrainLines(instance.splitBrain, isTerminal));
      lines.push(...instance.duplicates.map(duplicateText));
      lines.push(...instance.claims.map((claim) => `  ${claim}`));
      // One path is the interface of the second line.
      if (instance.paths.length > 1) lines.push(...instance.paths.map(describePath));
      lines.push(...instance.paths.flatMap(floodLines));
      return lines.join("\n");
    })
    .join("\n");
}

function floodLines({ interface: on, flood }: PathStatus): readonly string[] {
  if (flood === null) return [];
  const many = flood.dropped === null ? "an unknown number of packets" : `${flood.dropped} packets`;
  const when = flood.isOn ? "under way" : "over";
  return [`  flood of VRRP packets on ${on}, ${when}: ${many} dropped unread`];
}

function describePath({ interface: on, transport, problem, heard }: PathStatus): string {
  const routers = heard.map(({ router, address, at, isSilent }) => {
    if (address === null || at === null) return `${router} never heard, though elsewhere`;
    return `${router} (${address}) heard last ${at}${isSilent ? ", silent since, though not elsewhere" : ""}`;
  });
  const told = problem ?? (routers.length === 0 ? "nobody heard yet" : routers.join("; "));
  return `  path ${on}, ${transport}: ${told}`;
}

function splitBrainLines(found: SplitBrainStatus, isTerminal: boolean): readonly string[] {
  const { rival, since, explanation, advice } = found;
  const names = [rival.node, rival.address, rival.mac].filter((name) => name !== null);
  const title = paint("split brain", isTerminal);
  return [
    `  ${title} since ${since}: also active is ${names.join(", ") || "another host"}`,
    `    ${explanation}`,
    `    what to do: ${advice}`,
  ];
}

function duplicateText(address: string): string {
  return `  ${address} is another host's too, and does not answer here: find the host that has it; it is tried again`;
}

function virtualMacText({ virtualMac }: InstanceStatus): string {
  return virtualMac === null ? "" : ` as ${virtualMac.mac} (${virtualMac.interface})`;
}

function describeProbes(status: NodeStatus, isTerminal: boolean): string {
  const rows = status.probes.map((probe) => [
    probe.id,
    probe.isUp ? "up" : "down",
    probe.since,
    probe.lastResult,
  ]);
  const table = formatTable(["CHECK", "STATE", "SINCE", "LAST RESULT"], rows);
  return isTerminal ? table.replaceAll(/\b(up|down)\b(?= {2})/g, (word) => paint(word, true)) : table;
}

function describeProcesses(status: NodeStatus): string {
  const proxies = new Map(status.proxies.map((proxy) => [proxy.pid, proxy]));
  const rows = status.processes.map((process) => {
    const proxy = proxies.get(process.pid);
    const work = proxy === undefined ? "" : `${proxy.connections} connections, ${proxy.requests} requests`;
    return [process.role, String(process.pid), String(process.restarts), process.startedAt, work];
  });
  return formatTable(["PROCESS", "PID", "RESTARTS", "SINCE", "WORK"], rows);
}

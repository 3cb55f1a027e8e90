import { join } from "node:path";
import { asElsewhere } from "./lab-command.ts";
import type { Child, Host } from "./lab.ts";

/** One virtual router of keepalived's, in its own words. */
export interface KeepalivedInstance {
  readonly interface: string;
  readonly version: 2 | 3;
  readonly vrid: number;
  readonly priority: number;
  /** Seconds between advertisements. */
  readonly advertInterval: number;
  /** Addresses with prefix. */
  readonly addresses: readonly string[];
  readonly state?: "MASTER" | "BACKUP";
  /** Simple text password; version 2 only. */
  readonly password?: string;
  readonly preempts?: boolean;
  /** Own address and the others', in place of the multicast group. */
  readonly unicast?: { readonly source: string; readonly peers: readonly string[] };
  /** Gives it a macvlan with the virtual MAC (`use_vmac`). */
  readonly usesVirtualMac?: boolean;
  /** Further lines. */
  readonly lines?: readonly string[];
}

/** Starts keepalived, the VRRP part alone, on a host; `globals` are further lines of its global_defs, `blocks` further blocks. */
export async function startKeepalived(
  host: Host,
  instances: readonly KeepalivedInstance[],
  globals: readonly string[] = [],
  blocks = "",
): Promise<Child> {
  const file = (name: string): string => join(host.directory, `keepalived.${name}`);
  await Bun.write(file("conf"), configuration(host.name, instances, globals) + blocks);
  const pidFiles = ["-p", file("pid"), "-r", file("vrrp.pid")];
  const command = ["keepalived", "-n", "-l", "-D", "-P", "-f", file("conf"), ...pidFiles];
  return host.spawn(asElsewhere(command));
}

function configuration(
  routerName: string,
  instances: readonly KeepalivedInstance[],
  globals: readonly string[],
): string {
  const blocks = instances.map(instanceBlock);
  return `global_defs {\n  router_id ${routerName}\n  dynamic_interfaces\n${globals.map((line) => `  ${line}\n`).join("")}}\n${blocks.join("")}`;
}

function instanceBlock(instance: KeepalivedInstance): string {
  const { password, unicast, preempts = true, usesVirtualMac = false } = instance;
  const peers = unicast?.peers.map((peer) => `    ${peer}\n`).join("") ?? "";
  const transport =
    unicast === undefined ? "" : `  unicast_src_ip ${unicast.source}\n  unicast_peer {\n${peers}  }\n`;
  const authentication = `  authentication {\n    auth_type PASS\n    auth_pass ${password}\n  }\n`;
  return `vrrp_instance V${instance.vrid} {
  state ${instance.state ?? "BACKUP"}
  version ${instance.version}
  interface ${instance.interface}
  virtual_router_id ${instance.vrid}
  priority ${instance.priority}
  advert_int ${instance.advertInterval}
${preempts ? "" : "  nopreempt\n"}${usesVirtualMac ? "  use_vmac\n" : ""}${transport}${password === undefined ? "" : authentication}${(instance.lines ?? []).map((line) => `  ${line}\n`).join("")}  virtual_ipaddress {
${instance.addresses.map((address) => `    ${address}\n`).join("")}  }
}
`;
}

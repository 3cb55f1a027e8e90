import { z } from "zod";
import { familyOf } from "../../base/address.ts";
import { address, complaint, duration, integer, orElse, orNull, table, wants } from "./fields.ts";
import { interfacePerNode, type PerNode } from "./per-node.ts";

/** `[sync_daemon]`: directors tell one another of their connections. */
export interface SyncDaemonEntry {
  /** Null is derived, as is a null id. */
  readonly interface: PerNode<string> | null;
  readonly id: number | null;
  readonly group: string;
  readonly port: number;
  readonly ttl: number;
  readonly max_length: number | null;
}

/** `[ipvs]`: settings of the kernel's services. */
export interface IpvsEntry {
  readonly tcp_timeout: number | null;
  readonly tcp_fin_timeout: number | null;
  readonly udp_timeout: number | null;
  /** Names below `net.ipv4.vs`, and values as the kernel writes them. */
  readonly sysctls: Readonly<Record<string, string>>;
}

const groupExample = 'group = "224.0.0.81"';

const group = address(groupExample).superRefine((value, context) => {
  const first = Number(value.split(".")[0]);
  const isGroup = familyOf(value) === 4 ? first >= 224 && first < 240 : value.startsWith("ff");
  if (isGroup) return;
  context.addIssue(complaint(`${value} is no multicast group`, `write ${groupExample}, or one of ff00::/8`));
});

/** `[sync_daemon]`. The length is that of an Ethernet frame at most, behind the headers of IPv4 and UDP. */
export const syncDaemonSchema: z.ZodType<SyncDaemonEntry> = table(
  {
    interface: orNull(interfacePerNode('interface = "eth1"')),
    id: orNull(integer(0, 255, "id = 51")),
    group: orElse(group, "224.0.0.81"),
    port: orElse(integer(1, 65_535, "port = 8848"), 8848),
    ttl: orElse(integer(1, 255, "ttl = 1"), 1),
    max_length: orNull(integer(1024, 1472, "max_length = 1400")),
  },
  "[sync_daemon]",
);

/** Whole seconds; the kernel counts in ticks, in 31 bits. */
function timeout(example: string): z.ZodType<number> {
  return duration(1000, 24 * 86_400_000, example).superRefine((value, context) => {
    if (value % 1000 === 0) return;
    context.addIssue(complaint("is not in whole seconds", `write ${example}`));
  });
}

/** Documentation/networking/ipvs-sysctl.rst; of these a value is one number, or several. */
export const ipvsSysctls: readonly string[] = [
  "am_droprate",
  "amemthresh",
  "backup_only",
  "cache_bypass",
  "conn_reuse_mode",
  "conntrack",
  "drop_entry",
  "drop_packet",
  "est_cpulist",
  "est_nice",
  "expire_nodest_conn",
  "expire_quiescent_template",
  "ignore_tunneled",
  "nat_icmp_send",
  "pmtu_disc",
  "run_estimation",
  "schedule_icmp",
  "secure_tcp",
  "sloppy_sctp",
  "sloppy_tcp",
  "snat_reroute",
  "sync_persist_mode",
  "sync_ports",
  "sync_qlen_max",
  "sync_refresh_period",
  "sync_retries",
  "sync_sock_size",
  "sync_threshold",
  "sync_version",
];

const sysctlExample = 'sysctls = { sync_threshold = "3 50" }';

const sysctlValue = z
  .union([z.int(), z.string()], { error: wants("a number", sysctlExample) })
  .transform((value, context): string => {
    const text = String(value).trim().replaceAll(/\s+/g, " ");
    if (/^-?\d+(?:[ ,-]\d+)*$/.test(text)) return text;
    context.addIssue(
      complaint(`${JSON.stringify(value)} is no value of a setting`, `write ${sysctlExample}`),
    );
    return z.NEVER;
  });

const sysctls: z.ZodType<Readonly<Record<string, string>>> = z
  .record(z.string(), sysctlValue, { error: wants("a table", sysctlExample) })
  .superRefine((value, context) => {
    for (const key of Object.keys(value)) {
      if (ipvsSysctls.includes(key)) continue;
      const what = `there is no setting net.ipv4.vs.${key}`;
      const remedy = key.includes(".")
        ? "write its last part alone"
        : `write one of ${ipvsSysctls.join(", ")}`;
      context.addIssue({ code: "custom", message: complaint(what, remedy), path: [key] });
    }
  });

/** `[ipvs]`. */
export const ipvsSchema: z.ZodType<IpvsEntry> = table(
  {
    tcp_timeout: orNull(timeout('tcp_timeout = "15m"')),
    tcp_fin_timeout: orNull(timeout('tcp_fin_timeout = "2m"')),
    udp_timeout: orNull(timeout('udp_timeout = "5m"')),
    sysctls: orElse(sysctls, {}),
  },
  "[ipvs]",
);

import type { Log } from "../base/log.ts";
import { HeldSettings, type SettingsPort } from "../kernel/held-settings.ts";
import { Ipvs, type IpvsTimeouts } from "../kernel/ipvs.ts";
import { Journal } from "../kernel/journal.ts";
import { Nftables } from "../kernel/nftables.ts";
import { readSysctl, writeSysctl } from "../kernel/sysctl.ts";
import { Footing } from "./footing.ts";
import { Masquerading } from "./masquerading.ts";
import { SyncDaemons } from "./sync-daemons.ts";

const timeoutPrefix = "ipvs/";
const timeoutKeys = { tcp: "tcp", tcp_fin: "tcpFin", udp: "udp" } as const;

/** Opens this network namespace's footing; nothing is asked of the kernel before it is needed. */
export function openFooting(directory: string, log: Log): Footing {
  let ipvs: Ipvs | null = null;
  const openIpvs = (): Ipvs => (ipvs ??= Ipvs.open());
  return new Footing({
    log,
    settings: new HeldSettings(settingsPort(openIpvs), Journal.open(directory, "settings")),
    daemons: new SyncDaemons(Journal.open(directory, "sync-daemons")),
    masquerading: new Masquerading(() => Nftables.open()),
    openSync: openIpvs,
  });
}

/** Gives the kernel's settings by their paths: IPVS's appear with its module, its timeouts are no sysctls. */
export function settingsPort(openIpvs: () => Ipvs): SettingsPort {
  return {
    read(path) {
      const key = timeoutKey(path);
      if (key !== null) return String(openIpvs().timeouts()[key] ?? "");
      if (path.startsWith("net/ipv4/vs/")) openIpvs();
      return readSysctl(path);
    },
    write(path, value) {
      const key = timeoutKey(path);
      const none: IpvsTimeouts = { tcp: null, tcpFin: null, udp: null };
      if (key === null) writeSysctl(path, value);
      else openIpvs().setTimeouts({ ...none, [key]: Number(value) });
    },
  };
}

function timeoutKey(path: string): keyof IpvsTimeouts | null {
  const name = path.startsWith(timeoutPrefix) ? path.slice(timeoutPrefix.length) : "";
  return name === "tcp" || name === "tcp_fin" || name === "udp" ? timeoutKeys[name] : null;
}

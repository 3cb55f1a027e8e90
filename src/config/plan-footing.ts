import { familyOf } from "../base/address.ts";
import type { Config, InstanceConfig, IpvsConfig } from "./config.ts";
import type {
  FootingPlan,
  MarkMasqueradePlan,
  ServerMasqueradePlan,
  SettingPlan,
  SocketMasqueradePlan,
  SyncDaemonPlan,
} from "./footing-plan.ts";
import { localInstances, localListeners } from "./local.ts";
import { perNodeValue } from "./schema/per-node.ts";
import type { IpvsServicePlan, Scheduler } from "./service-plan.ts";

/** What the kernel's services of a node need beside their table. */

/** Schedulers that lead a client to the same server on every director. */
const agreeing: ReadonlySet<Scheduler> = new Set(["sh", "mh", "dh"]);

/** Gives what the services and listeners of a node stand on; without any nothing is touched. */
export function planFooting(config: Config, node: string, services: readonly IpvsServicePlan[]): FootingPlan {
  const accepting = acceptingSettings(config, node);
  if (services.length === 0) return { syncDaemon: null, settings: accepting, masquerades: [] };
  const syncDaemon = planSyncDaemon(config, node);
  const masqueraded = clientMasquerades(config, services);
  const derived = [
    ...(syncDaemon === null ? [] : syncSettings(config.ipvs)),
    ...schedulingSettings(services, syncDaemon !== null),
    ...forwardingSettings(services, ownInterfaces(config, node)),
    // Without it the packet filter does not see the connections whose clients are to be masqueraded.
    ...(masqueraded.length > 0 ? [ipvs("conntrack")] : []),
  ];
  const written = writtenSettings(config.ipvs);
  const paths = new Set(written.map(({ path }) => path));
  return {
    syncDaemon,
    settings: [...accepting, ...derived.filter(({ path }) => !paths.has(path)), ...written],
    masquerades: [...serverMasquerades(config, node), ...masqueraded],
  };
}

/**
 * Each proxy process has sockets of its own at the same addresses. When there are to be fewer of them, whoever has connected to
 * one that goes and was not accepted yet would be reset; with this he gets to another (Linux 5.14 and later).
 */
function acceptingSettings(config: Config, node: string): readonly SettingPlan[] {
  const accepts =
    localListeners(config, node).length > 0 ||
    localInstances(config, node).some(({ name }) =>
      config.services.some(
        ({ forward, protocol, vips }) => forward === "proxy" && protocol === "tcp" && vips.includes(name),
      ),
    );
  return accepts ? [setting("net/ipv4/tcp_migrate_req", "1", "0")] : [];
}

/** Gives the interface on which a node syncs if none is written: a heartbeat's, or that of its first virtual router. */
export function usualSyncInterface(
  instances: readonly Pick<InstanceConfig, "members">[],
  node: string,
): string | null {
  const members = instances.flatMap((instance) => instance.members.filter((member) => member.node === node));
  const heartbeat = members.flatMap(({ heartbeats }) => heartbeats)[0];
  return heartbeat?.interface ?? members[0]?.interface ?? null;
}

function planSyncDaemon({ syncDaemon, instances }: Config, node: string): SyncDaemonPlan | null {
  if (syncDaemon === null) return null;
  const { interface: written, id, group, port, ttl, maxLength } = syncDaemon;
  const on = written === null ? usualSyncInterface(instances, node) : perNodeValue(written, node);
  if (on === null) return null;
  return { interface: on, id: id ?? instances[0]?.vrid ?? 0, group, port, ttl, maxLength };
}

function setting(path: string, value: string, onlyFrom: string | null = null): SettingPlan {
  return { path, value, onlyFrom };
}

function ipvs(name: string): SettingPlan {
  return setting(`net/ipv4/vs/${name}`, "1");
}

/**
 * By default a connection is told of with every fiftieth packet: a director that was restarted would hear of a slow one
 * after minutes. Whoever writes one of the two has a rhythm of his own.
 */
function syncSettings({ sysctls }: IpvsConfig): readonly SettingPlan[] {
  if ("sync_threshold" in sysctls || "sync_refresh_period" in sysctls) return [];
  return [setting("net/ipv4/vs/sync_threshold", "3 0"), setting("net/ipv4/vs/sync_refresh_period", "3")];
}

function schedulingSettings(services: readonly IpvsServicePlan[], isSynced: boolean): readonly SettingPlan[] {
  // Without it packets of a connection to a server that is gone vanish, until the client gives up.
  const canLoseServers = services.some(({ servers }) => servers.some(({ probe }) => probe !== null));
  // Without it a client with persistence is led to a server with weight 0 again and again.
  const isPersistent = services.some(({ persistenceS }) => persistenceS > 0);
  const isTakenUp = (protocol: "tcp" | "sctp"): boolean =>
    services.some((service) => canTakeUp(service, isSynced) && isOf(service, protocol));
  return [
    ...(canLoseServers ? [ipvs("expire_nodest_conn")] : []),
    ...(isPersistent ? [ipvs("expire_quiescent_template")] : []),
    ...(isTakenUp("tcp") ? [ipvs("sloppy_tcp")] : []),
    ...(isTakenUp("sctp") ? [ipvs("sloppy_sctp")] : []),
  ];
}

/** Tells whether a director can lead a connection that it knows nothing of to the server that has it. */
function canTakeUp(service: IpvsServicePlan, isSynced: boolean): boolean {
  const isAgreed = agreeing.has(service.scheduler) || (isSynced && service.persistenceS > 0);
  return isAgreed && service.servers.some(({ forward }) => forward !== "nat");
}

function isOf({ key }: IpvsServicePlan, protocol: "tcp" | "sctp"): boolean {
  return "mark" in key ? protocol === "tcp" : key.protocol === protocol;
}

/** What servers behind translation send to clients is forwarded here, and is to come this way the next time too. */
function forwardingSettings(
  services: readonly IpvsServicePlan[],
  interfaces: readonly string[],
): readonly SettingPlan[] {
  const translated = new Set(
    services.flatMap(({ servers }) =>
      servers.filter(({ forward }) => forward === "nat").map(({ address }) => familyOf(address)),
    ),
  );
  const ipv4 = [
    ...["all", ...interfaces].map((on) => setting(`net/ipv4/conf/${on}/send_redirects`, "0")),
    setting("net/ipv4/ip_forward", "1"),
  ];
  // A router takes no advertisements of other routers, and with them loses its own way out, unless it is told to.
  const ipv6 = [
    ...interfaces.map((on) => setting(`net/ipv6/conf/${on}/accept_ra`, "2", "1")),
    setting("net/ipv6/conf/all/forwarding", "1"),
  ];
  return [...(translated.has(4) ? ipv4 : []), ...(translated.has(6) ? ipv6 : [])];
}

function ownInterfaces(config: Config, node: string): readonly string[] {
  const own = config.nodes.find(({ name }) => name === node)?.addresses ?? [];
  return [...new Set(own.map(({ interface: on }) => on))];
}

function writtenSettings({
  tcpTimeoutS,
  tcpFinTimeoutS,
  udpTimeoutS,
  sysctls,
}: IpvsConfig): readonly SettingPlan[] {
  const timeouts = { tcp: tcpTimeoutS, tcp_fin: tcpFinTimeoutS, udp: udpTimeoutS };
  return [
    ...Object.entries(timeouts).flatMap(([name, value]) =>
      value === null ? [] : [setting(`ipvs/${name}`, String(value))],
    ),
    ...Object.entries(sysctls).map(([name, value]) => setting(`net/ipv4/vs/${name}`, value)),
  ];
}

/** The servers of a service leave through the interfaces of its virtual addresses. */
function serverMasquerades(config: Config, node: string): readonly ServerMasqueradePlan[] {
  const all = config.services.flatMap((service) => {
    if (service.snat !== "servers") return [];
    const interfaces = config.instances.flatMap(({ name, members }) =>
      service.vips.includes(name) ? members.filter((member) => member.node === node) : [],
    );
    return interfaces.flatMap(({ interface: on }) =>
      service.servers.map(({ address }) => ({ kind: "server" as const, server: address, interface: on })),
    );
  });
  return [...new Map(all.map((one) => [`${one.server} ${one.interface}`, one])).values()];
}

function clientMasquerades(
  config: Config,
  services: readonly IpvsServicePlan[],
): readonly (SocketMasqueradePlan | MarkMasqueradePlan)[] {
  const names = new Set(config.services.filter(({ snat }) => snat === "clients").map(({ name }) => name));
  return services
    .filter(({ name }) => names.has(name))
    .flatMap(({ key, servers, sorry }): readonly (SocketMasqueradePlan | MarkMasqueradePlan)[] => {
      if (!("mark" in key)) {
        const { protocol, address, port } = key;
        return [{ kind: "socket", protocol, address, port }];
      }
      const targets = new Set([...servers, ...(sorry === null ? [] : [sorry])].map(({ address }) => address));
      return [...targets].map((server) => ({ kind: "mark", mark: key.mark, server }));
    });
}

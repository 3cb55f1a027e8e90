import type {
  CheckConfig,
  Config,
  Forward,
  IpvsConfig,
  NodeConfig,
  NotifyConfig,
  ProxyConfig,
  ServiceConfig,
  SyncDaemonConfig,
} from "./config.ts";
import { remembered } from "../base/remembered.ts";
import { deepFreeze } from "./freeze.ts";
import type { Model } from "./model.ts";
import type { NotifyScriptPlan } from "./node-plan.ts";
import type { QuorumPlan, TunnelPlan } from "./service-plan.ts";
import { ownNotify } from "./own-notify.ts";
import {
  type NodeEntry,
  type ProxyEntry,
  usualCacheMemory,
  usualFlows,
  usualProxyDrainMs,
} from "./schema/cluster.ts";
import { listenerConfig, sitePlan, upstreamConfig } from "./build-http.ts";
import type { IpvsEntry, SyncDaemonEntry } from "./schema/ipvs.ts";
import type { NotifyEntry } from "./schema/notify.ts";
import type { ServiceEntry, TunnelEntry } from "./schema/service.ts";
import { checksBehind } from "./checks/proxy-protocol.ts";

const defaultConnectTimeoutMs = 5000;
const defaultScriptTimeoutMs = 30_000;

/** Makes the configuration out of tables that every rule has passed. */
export function buildConfig(model: Model): Config {
  const { sections, tracks } = model;
  const instances = model.instances.map(({ config }) => config);
  const services = sections.services.map(({ value }) => rememberedService(value));
  const nodes = sections.nodes.map(({ value }) => nodeConfig(value));
  return deepFreeze({
    cluster: sections.cluster?.value.name ?? "",
    nodes,
    instances,
    syncGroups: sections.syncGroups.map(({ value: { name, vips, track, notify } }) => ({
      name,
      instances: vips,
      tracks: track ?? [],
      notify: ownNotify(notify),
    })),
    drainTimeoutMs: sections.cluster?.value.drain_timeout ?? 0,
    tracks,
    bfd: model.bfd,
    notify: notifyConfig(sections.notify?.value ?? null),
    notifiesServices: sections.notify?.value.services ?? false,
    services,
    syncDaemon: syncDaemonConfig(sections.syncDaemon?.value ?? null),
    ipvs: ipvsConfig(sections.ipvs?.value ?? null),
    listeners: sections.listeners.map(({ value }) => listenerConfig(value)),
    upstreams: sections.upstreams.map(({ value }) => upstreamConfig(value)),
    sites: sections.sites.map(({ value }) => sitePlan(value)),
    proxy: proxyConfig(sections.proxy?.value ?? null),
    realServer: sections.realServer?.value ?? null,
  });
}

function nodeConfig(entry: NodeEntry): NodeConfig {
  const addresses = Object.entries(entry.address).flatMap(([name, list]) =>
    list.map((own) => ({ interface: name, ...own })),
  );
  return { name: entry.name, addresses };
}

function notifyConfig(entry: NotifyEntry | null): NotifyConfig | null {
  if (entry === null) return null;
  const { script, fifo, user, timeout } = entry;
  return { script: script === null ? null : { command: script, timeoutMs: timeout, user }, fifo };
}

/** Of a file that is read again most tables are those of the last time, and so are the services made of them. */
const rememberedService = remembered((entry: ServiceEntry) => deepFreeze(serviceConfig(entry)));

function proxyConfig(entry: ProxyEntry | null): ProxyConfig {
  return {
    workers: entry?.workers ?? null,
    user: entry?.user ?? "edge-ha",
    mostFlows: entry?.udp_flows ?? usualFlows,
    mostConnections: entry?.max_connections ?? null,
    drainMs: entry?.drain ?? usualProxyDrainMs,
    cacheBytes: entry?.cache_memory ?? usualCacheMemory,
    via: entry?.via ?? null,
  };
}

/** Of the many servers that nothing checks: one list for all. */
const noChecks: readonly CheckConfig[] = [];

function serviceConfig(entry: ServiceEntry): ServiceConfig {
  const { name, vips, addresses, ports, protocol, forward, scheduler, sorry } = entry;
  const { persistence_mask: mask, damping } = entry;
  return {
    name,
    vips,
    addresses,
    ports,
    firewallMark: entry.fwmark,
    protocol,
    forward,
    scheduler,
    schedulerFlags: entry.scheduler_flags,
    isOnePacket: entry.one_packet,
    persistenceS: entry.persistence / 1000,
    persistencePrefix: { ipv4: mask?.ipv4 ?? 32, ipv6: mask?.ipv6 ?? 128 },
    persistenceEngine: entry.persistence_engine,
    sorry,
    quorum: quorumOf(entry),
    startsDown: entry.alpha,
    damping:
      damping === null ? null : { changes: damping.changes, withinMs: damping.within, holdMs: damping.hold },
    snat: entry.snat,
    tunnel: tunnelOf(forward, entry.tunnel),
    connectTimeoutMs: entry.connect_timeout ?? defaultConnectTimeoutMs,
    idleTimeoutMs: entry.idle_timeout,
    proxyProtocol: entry.proxy_protocol,
    servers: entry.servers.map((server) => ({
      address: server.address,
      port: server.port,
      weight: server.weight,
      checks: checksBehind(server.check ?? entry.check ?? noChecks, entry.proxy_protocol),
      forward: server.forward ?? forward,
      tunnel: tunnelOf(server.forward ?? forward, server.tunnel ?? entry.tunnel),
      upperThreshold: server.upper_threshold,
      lowerThreshold: server.lower_threshold,
      inhibits: server.inhibit ?? entry.inhibit,
      slowStartMs: server.slow_start ?? entry.slow_start,
    })),
  };
}

function quorumOf(entry: ServiceEntry): QuorumPlan {
  const user = entry.quorum_user;
  const timeoutMs = entry.quorum_timeout ?? defaultScriptTimeoutMs;
  const script = (command: readonly string[] | null): NotifyScriptPlan | null =>
    command === null ? null : { command, timeoutMs, user };
  return {
    weight: entry.quorum ?? 1,
    hysteresis: entry.hysteresis,
    up: script(entry.quorum_up),
    down: script(entry.quorum_down),
    endsOnStop: entry.omega,
  };
}

function syncDaemonConfig(entry: SyncDaemonEntry | null): SyncDaemonConfig | null {
  if (entry === null) return null;
  const { max_length: maxLength, ...rest } = entry;
  return { ...rest, maxLength };
}

function seconds(ms: number | null | undefined): number | null {
  return typeof ms === "number" ? ms / 1000 : null;
}

function ipvsConfig(entry: IpvsEntry | null): IpvsConfig {
  return {
    tcpTimeoutS: seconds(entry?.tcp_timeout),
    tcpFinTimeoutS: seconds(entry?.tcp_fin_timeout),
    udpTimeoutS: seconds(entry?.udp_timeout),
    sysctls: entry?.sysctls ?? {},
  };
}

function tunnelOf(forward: Forward, tunnel: TunnelEntry | null): TunnelPlan | null {
  if (forward !== "tunnel") return null;
  if (tunnel === null) return { type: "ipip", port: 0, checksum: "none" };
  return { type: tunnel.type, port: tunnel.port ?? 0, checksum: tunnel.checksum };
}

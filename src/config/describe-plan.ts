import { contentWords } from "./describe-content.ts";
import { formatEndpoint } from "../base/address.ts";
import { bfdLine, bfdNotes } from "./describe-bfd.ts";
import { policyWords, routeWords } from "./describe-routing.ts";
import { bodyWords, limitWords, listenerNotes, namedLine, upstreamNotes } from "./describe-http.ts";
import { masqueradeLines, settingLines, syncLines } from "./describe-footing.ts";
import type { ProbePlan } from "./check-plan.ts";
import type {
  HmacPlan,
  NodePlan,
  NotifyPlan,
  NotifyScriptPlan,
  OwnNotifyPlan,
  PeerPlan,
  RelayPlan,
  ServicePlanServer,
  UdpRelayPlan,
  VrrpInstancePlan,
  VrrpPlan,
} from "./node-plan.ts";
import type { LogTargetPlan, RoutePlan, SitePlan, UpstreamPlan } from "./http-plan.ts";
import type { IpvsServerPlan, IpvsServicePlan, IpvsTargetPlan, MarkPlan } from "./service-plan.ts";
import { programText, trackLine, trackNote } from "./describe-tracks.ts";
import { routeText, ruleText } from "./route-text.ts";
import { formatDuration } from "./units.ts";
import { virtualMac } from "./virtual-mac.ts";

/** Says in words what a node will do, a line for each thing, grouped under headings; what there is none of is left out. */
export function describePlan(plan: NodePlan): string {
  const { vrrp, director, proxy } = plan;
  const listeners = proxy.listeners.flatMap((listener) =>
    listener.sockets.map(
      (socket) =>
        `${formatEndpoint(socket)}  listener ${listener.name}${listenerNotes(listener)}${policyWords(listener.policy)}`,
    ),
  );
  const relays = proxy.relays.flatMap(({ name, sockets, udp }) =>
    sockets.map((socket) => `${udp === null ? "" : "udp "}${formatEndpoint(socket)}  relay ${name}`),
  );
  const sections = [
    section(
      "virtual routers",
      vrrp.instances.flatMap((instance) => instanceLines(instance, plan)),
    ),
    section(
      "move together",
      vrrp.syncGroups.map(({ name, instances, tracks }) => {
        const notes = tracks.map((track) => trackNote(track, vrrp.tracks));
        return [`${name}: ${instances.join(", ")}`, ...notes].join("; ");
      }),
    ),
    section("before they are handed over", drainLines(vrrp)),
    section("watched by BFD", vrrp.bfd.map(bfdLine)),
    section("tracks", vrrp.tracks.map(trackLine)),
    section("told of changes", vrrp.notify === null ? [] : notifyLines(vrrp, vrrp.notify)),
    section("told of services and servers", director.notify === null ? [] : commonLines(director.notify)),
    section("kernel services (IPVS)", director.services.flatMap(serviceLines)),
    section("marked for them", director.marks.map(markLine)),
    section("connections told to the other directors", syncLines(director.footing)),
    section("masqueraded", masqueradeLines(director.footing)),
    section("kernel settings while there are services", settingLines(director.footing)),
    section("listening sockets", [...listeners, ...relays]),
    section("sites", proxy.sites.flatMap(siteLines)),
    section("upstreams", proxy.upstreams.flatMap(upstreamLines)),
    section("relayed services", proxy.relays.flatMap(relayLines)),
    section("probes", director.probes.map(probeLine)),
  ];
  const workers =
    proxy.workers === 0
      ? "no proxy process"
      : `${counted(proxy.workers, "proxy process")} as user ${proxy.user}`;
  return [`node ${plan.node} of cluster ${plan.cluster}, ${workers}`, ...sections.flat()].join("\n");
}

/** Writes a number with its noun. */
export function counted(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count} ${noun.endsWith("s") ? `${noun}es` : `${noun}s`}`;
}

function section(heading: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", heading, ...lines.map((line) => `  ${line}`)];
}

function instanceLines(instance: VrrpInstancePlan, plan: NodePlan): readonly string[] {
  const { name, vrid, priority, version, advertIntervalMs, source, heartbeats } = instance;
  const addresses = instance.addresses.map(({ address, length }) => `${address}/${length}`);
  const from = source === null ? "" : ` from ${source}`;
  const notes = [
    ...policyNotes(instance),
    ...(instance.password === null ? [] : ["PASS authentication"]),
    ...(instance.hmac === null ? [] : [hmacNote(instance.hmac)]),
    ...(instance.addresses.some(({ detectsDuplicates }) => detectsDuplicates)
      ? ["duplicate address detection before use"]
      : []),
    ...(instance.checksum === "message-only" ? ["checksum over the message only"] : []),
    ...bfdNotes(instance),
    ...instance.tracks.map((track) => trackNote(track, plan.vrrp.tracks)),
    ...(instance.needsProxy ? ["withdrawn while no proxy process is alive"] : []),
  ];
  return [
    `${name}: ${addresses.join(", ")} on ${placeText(instance)}, VRID ${vrid}, priority ${priority}`,
    `  version ${version}, every ${formatDuration(advertIntervalMs)}${from} to ${destinations(instance, instance.peers)}; ${notes.join("; ")}`,
    ...instance.extraAddresses.map(
      ({ address, length, interface: on, scope }) =>
        `  extra address ${address}/${length} on ${on}${scope === "global" ? "" : `, scope ${scope}`}`,
    ),
    ...instance.routes.map((route) => `  ${routeText(route)}`),
    ...instance.rules.map((rule) => `  ${ruleText(rule)}`),
    ...heartbeats.map(({ interface: on, source: own, peers }) => {
      const nodes = peers.map(({ name: node, address }) => `${node} at ${address}`).join(", ");
      return `  heartbeat on ${on} from ${own} to ${destinations(instance, peers)}; hears ${nodes}`;
    }),
  ];
}

function drainLines({ instances, drainTimeoutMs }: VrrpPlan): readonly string[] {
  const names = instances.filter(({ needsProxy }) => needsProxy).map(({ name }) => name);
  if (names.length === 0) return [];
  const time = drainTimeoutMs === 0 ? "are ended" : `get ${formatDuration(drainTimeoutMs)} to end`;
  return [`${names.join(", ")}: open connections ${time}`];
}

/** Says where the addresses live, and with which MAC if it is not the interface's own. */
function placeText({ interface: below, virtualMac: link, family, vrid }: VrrpInstancePlan): string {
  if (link === null) return below;
  return `${link} (${virtualMac(family, vrid)}) above ${below}`;
}

function policyNotes(instance: VrrpInstancePlan): readonly string[] {
  const { preempts, preemptDelayMs, startupDelayMs, downAfter, garp } = instance;
  const delay = preemptDelayMs === 0 ? "" : ` after ${formatDuration(preemptDelayMs)}`;
  return [
    preempts ? `preempts${delay}` : "does not preempt",
    ...(downAfter === 3 ? [] : [`an active node is gone after ${downAfter} intervals`]),
    ...(startupDelayMs === 0 ? [] : [`claims nothing for ${formatDuration(startupDelayMs)} after the start`]),
    ...(instance.accepts ? [] : ["accepts no packets to its addresses"]),
    ...(instance.isStrict ? ["strict"] : []),
    ...(instance.skipsAddressCheck ? ["compares lists of addresses once only"] : []),
    ...(garp.refreshMs === null ? [] : [`announced again every ${formatDuration(garp.refreshMs)}`]),
  ];
}

function destinations({ unicast, group }: VrrpInstancePlan, peers: readonly PeerPlan[]): string {
  if (unicast === null) return group;
  const { ttl, checksSource } = unicast;
  const notes = [
    ...(ttl === null ? [] : [`TTL ${ttl.min} to ${ttl.max} accepted`]),
    ...(checksSource ? [] : ["any source believed"]),
  ];
  const addresses = peers.map(({ address }) => address).join(", ");
  return notes.length === 0 ? addresses : `${addresses} (${notes.join(", ")})`;
}

/** Names keys by their ids alone: a plan is for reading, and for pasting into a report. */
function hmacNote({ keys, activeKey, mode }: HmacPlan): string {
  const others = keys.filter(({ id }) => id !== activeKey).map(({ id }) => id);
  const also = others.length === 0 ? "" : `, believes key ${others.join(" and ")} too`;
  return `signs with HMAC key ${activeKey}${also}${mode === "permissive" ? ", and what is not signed" : ""}`;
}

function notifyLines({ instances, syncGroups }: VrrpPlan, common: NotifyPlan): readonly string[] {
  return [
    ...[...instances, ...syncGroups].flatMap(({ name, notify }) =>
      notify === null ? [] : ownNotifyLines(name, notify),
    ),
    ...commonLines(common),
  ];
}

function commonLines({ script, fifo }: NotifyPlan): readonly string[] {
  return [
    ...(script === null ? [] : [`script ${notifyText(script)}`]),
    ...(fifo === null ? [] : [`FIFO ${fifo}`]),
  ];
}

function ownNotifyLines(name: string, own: OwnNotifyPlan): readonly string[] {
  return (["master", "backup", "fault", "stop", "script"] as const).flatMap((key) => {
    const program = own[key];
    return program === null ? [] : [`${name}: ${key} ${notifyText(program)}`];
  });
}

function notifyText(program: NotifyScriptPlan): string {
  return `${programText(program)}, timeout ${formatDuration(program.timeoutMs)}`;
}

function serviceLines(service: IpvsServicePlan): readonly string[] {
  const { name, key, scheduler, sorry } = service;
  const place =
    "mark" in key ? `fwmark ${key.mark} (IPv${key.family})` : `${key.protocol} ${formatEndpoint(key)}`;
  return [
    `${[`${place} ${scheduler}`, ...serviceNotes(service)].join(", ")}  service ${name}`,
    ...service.servers.map((server) => `  ${methodText(server)} ${serverText(server)}${limitText(server)}`),
    ...(sorry === null ? [] : [`  ${methodText(sorry)} ${formatEndpoint(sorry)} when every server is down`]),
  ];
}

function markLine({ mark, family, sockets }: MarkPlan): string {
  const places = sockets.map(
    ({ protocol, address, port }) => `${protocol} ${formatEndpoint({ address, port })}`,
  );
  const shown = places.slice(0, 4).join(", ");
  const more = places.length > 4 ? ` and ${places.length - 4} more` : "";
  return `fwmark ${mark} (IPv${family}): ${shown}${more}`;
}

function serviceNotes(service: IpvsServicePlan): readonly string[] {
  const { key, schedulerFlags, isOnePacket, persistenceS, persistencePrefix, persistenceEngine } = service;
  const full = key.family === 4 ? 32 : 128;
  const by = persistencePrefix === full ? "" : ` by /${persistencePrefix}`;
  const engine = persistenceEngine === null ? "" : ` by ${persistenceEngine}`;
  return [
    ...schedulerFlags.map((flag) => `with ${flag}`),
    ...(isOnePacket ? ["each datagram by itself"] : []),
    ...quorumNotes(service),
    ...(persistenceS === 0 ? [] : [`persistent for ${persistenceS}s${by}${engine}`]),
  ];
}

function quorumNotes({ quorum, startsDown, damping }: IpvsServicePlan): readonly string[] {
  const { weight, hysteresis, up, down } = quorum;
  const scripts = [up, down].filter((script) => script !== null).map(programText);
  const spread = hysteresis === 0 ? "" : ` ± ${hysteresis}`;
  return [
    ...(weight === 1 && hysteresis === 0 ? [] : [`quorum ${weight}${spread}`]),
    ...(scripts.length === 0 ? [] : [`tells ${scripts.join(", ")}`]),
    ...(startsDown ? ["down until checked"] : []),
    ...(damping === null
      ? []
      : [
          `out for ${formatDuration(damping.holdMs)} after ${damping.changes} failures in ${formatDuration(damping.withinMs)}`,
        ]),
  ];
}

function methodText({ forward, tunnel }: IpvsTargetPlan): string {
  if (tunnel === null) return forward;
  const port = tunnel.type === "gue" ? `:${tunnel.port}` : "";
  return `${forward} ${tunnel.type}${port}${tunnel.checksum === "none" ? "" : ` checksum ${tunnel.checksum}`}`;
}

function limitText({ inhibits, slowStartMs, ...limits }: IpvsServerPlan): string {
  return [
    thresholdText(limits),
    inhibits ? ", weight 0 while down" : "",
    slowStartMs === 0 ? "" : `, full weight ${formatDuration(slowStartMs)} after it is back`,
  ].join("");
}

function thresholdText({
  upperThreshold,
  lowerThreshold,
}: Pick<IpvsServerPlan, "upperThreshold" | "lowerThreshold">): string {
  const again = lowerThreshold === 0 ? "" : `, again below ${lowerThreshold}`;
  return upperThreshold === 0 ? "" : `, at most ${upperThreshold} connections${again}`;
}

function relayLines(relay: RelayPlan): readonly string[] {
  return [
    [`${relay.name}: ${relay.scheduler}`, ...relay.schedulerFlags, ...persistenceWords(relay)].join(" ") +
      (relay.udp === null ? "" : `, ${flowText(relay.udp)}`),
    ...relay.servers.map((server) => `  ${serverText(server)}${thresholdText(server)}`),
    ...sorryLines(relay),
  ];
}

function flowText({ idleTimeoutMs, isOnePacket }: UdpRelayPlan): string {
  const by = isOnePacket ? "each datagram by itself, " : "";
  return `${by}flows end after ${formatDuration(idleTimeoutMs)} without a datagram`;
}

function persistenceWords({ persistenceS, persistencePrefix: { ipv4, ipv6 } }: RelayPlan): readonly string[] {
  if (persistenceS === 0) return [];
  const by = ipv4 === 32 && ipv6 === 128 ? [] : [`by /${ipv4} and /${ipv6}`];
  return [`persistent for ${persistenceS}s`, ...by];
}

function sorryLines({ sorry }: Pick<RelayPlan, "sorry">): readonly string[] {
  return sorry === null ? [] : [`  ${formatEndpoint(sorry)} when every server is down`];
}

function serverText(server: ServicePlanServer): string {
  const check = server.probe === null ? "not checked" : `up by "${server.probe}"`;
  return `${formatEndpoint(server)} weight ${server.weight}, ${check}`;
}

function logTarget(to: LogTargetPlan): string {
  if (to.kind === "file") return to.path;
  if (to.kind === "local-syslog") return `syslog ${to.path}`;
  return to.kind === "stdout" ? "stdout" : `syslog ${formatEndpoint(to.endpoint)}`;
}

function siteLines(site: SitePlan): readonly string[] {
  const log = site.accessLog === null ? "" : `, log ${logTarget(site.accessLog.to)}`;
  const head = `${site.hosts.join(", ")} on ${site.listeners.join(", ")}${bodyWords(site.routes)}${log}`;
  const ofRoute = (route: RoutePlan): string => (bodyWords(site.routes) === "" ? bodyWords([route]) : "");
  return [
    head,
    ...site.routes.map(
      (route) => `  ${routeWords(route)}${ofRoute(route)}${limitWords(route)}${contentWords(route.content)}`,
    ),
  ];
}

function upstreamLines(upstream: UpstreamPlan): readonly string[] {
  const servers = upstream.servers.map(
    (server) => `  ${serverText(server)}${server.isBackup ? ", backup" : ""}`,
  );
  const { balance, hash, name, sticky } = upstream;
  const by = hash === null ? "" : ` of ${hash.kind}${"name" in hash ? ` ${hash.name}` : ""}`;
  const kept = sticky === null ? "" : `, clients kept by cookie ${sticky.cookie}`;
  return [
    `${name}: ${balance}${by}${kept}${roomText(upstream)}${upstreamNotes(upstream)}`,
    ...servers,
    ...upstream.named.map(namedLine),
  ];
}

function roomText({ ejection, queue }: UpstreamPlan): string {
  const wait =
    queue === null ? "" : `, up to ${queue.length} wait ${formatDuration(queue.timeoutMs)} for a place`;
  if (ejection === null) return wait;
  return `${wait}, ejected after ${counted(ejection.failures, "failure")} for ${formatDuration(ejection.timeMs)}`;
}

function probeLine(probe: ProbePlan): string {
  const { timeoutMs, retries, retryDelayMs, rise, fall } = probe;
  const again =
    retries === 0
      ? "no retry"
      : `${counted(retries, "retry").replace("retrys", "retries")} after ${formatDuration(retryDelayMs)}`;
  return `${probe.id}: timeout ${formatDuration(timeoutMs)}, ${again}, rise ${rise}, fall ${fall}`;
}

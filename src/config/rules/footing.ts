import { familyOf } from "../../base/address.ts";
import type { InstanceConfig } from "../config.ts";
import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import { ownInterface, refuseStrangers } from "../members.ts";
import type { Model } from "../model.ts";
import { usualSyncInterface } from "../plan-footing.ts";
import { perNodeValue } from "../schema/per-node.ts";
import type { SyncDaemonEntry } from "../schema/ipvs.ts";
import type { ServiceEntry } from "../schema/service.ts";
import type { Element } from "../sections.ts";
import { serviceAddresses } from "../sockets.ts";

/** What the kernel's services stand on beside their table: sync daemons, settings, masquerading. */
export function footingRules(model: Model): readonly Finding[] {
  const { syncDaemon, services } = model.sections;
  return [
    ...(syncDaemon === null ? [] : syncFindings(syncDaemon, model)),
    ...services.flatMap((service) => snatFindings(service, model)),
  ];
}

/** What is of no use as long as the kernel forwards nothing; for a file whose every table can be read. */
export function idleFooting(model: Model): readonly Finding[] {
  const { syncDaemon, ipvs, services } = model.sections;
  if (services.some(({ value }) => value.forward !== "proxy")) return [];
  // Relayed flows last as long as the kernel's, unless their service says something else.
  const isForFlows =
    ipvs?.value.udp_timeout !== null && services.some(({ value }) => value.protocol === "udp");
  return [syncDaemon, isForFlows ? null : ipvs].flatMap((table) =>
    table === null
      ? []
      : [warningAt(table.path, "no service is balanced by the kernel", "remove it, or add a [[service]]")],
  );
}

function syncFindings(element: Element<SyncDaemonEntry>, model: Model): readonly Finding[] {
  const { value, path } = element;
  const findings: Finding[] = [...placeFindings(element, model)];
  if (familyOf(value.group) === 6 && (value.max_length ?? 0) > 1452) {
    const what = "over IPv6 a message of more than 1452 bytes does not fit into a packet";
    findings.push(errorAt([...path, "max_length"], what, "write max_length = 1452, or leave it out"));
  }
  if (model.sections.nodes.length === 1) {
    const what = "the cluster has one node, and no other to tell of connections";
    findings.push(warningAt(path, what, "remove it, or add a [[node]]"));
  }
  const instances = model.instances.map(({ config }) => config);
  const line = model.line(path);
  return [
    ...findings,
    ...model.sections.services.flatMap((service) => mixedTunnels(service, instances, line)),
  ];
}

function placeFindings({ value, path }: Element<SyncDaemonEntry>, model: Model): readonly Finding[] {
  const { sections, declared } = model;
  const findings: Finding[] = [];
  const nodes = sections.nodes.map(({ value: node }) => node);
  const around = { nodes: new Map(nodes.map((node) => [node.name, node])), declared, findings };
  const { interface: written } = value;
  const at: KeyPath = [...path, "interface"];
  for (const node of nodes) {
    if (written !== null) {
      const own = typeof written === "string" ? at : [...at, node.name];
      const name = perNodeValue(written, node.name);
      ownInterface(node, name, name === null ? at : own, around);
    } else if (
      usualSyncInterface(
        model.instances.map(({ config }) => config),
        node.name,
      ) === null
    ) {
      const what = `"${node.name}" is in no virtual router from which its interface would follow`;
      findings.push(errorAt(at, what, `write interface = "${Object.keys(node.address)[0] ?? "eth1"}"`));
    }
  }
  if (written !== null) {
    refuseStrangers(written, { path: at, known: nodes.map(({ name }) => name), of: "cluster" }, around);
  }
  return findings;
}

/** The kernel's messages have one family for client, service and server, and it refuses such servers meanwhile. */
function mixedTunnels(
  { value, path }: Element<ServiceEntry>,
  instances: readonly InstanceConfig[],
  line: number,
): readonly Finding[] {
  if (value.forward === "proxy") return [];
  const families = new Set(serviceAddresses(value, instances).map(familyOf));
  const foreign = [...families].find((family) =>
    value.servers.every(({ address }) => familyOf(address) !== family),
  );
  const { sorry } = value;
  if (foreign === undefined) {
    const other = [...families].find((family) => sorry !== null && familyOf(sorry.address) !== family);
    if (other === undefined || value.forward !== "tunnel") return [];
    const what = `a sorry server of another family than the service's IPv${other} addresses cannot be had with the [sync_daemon] of line ${line}`;
    const remedy = "write one of that family, or remove it or the [sync_daemon]";
    return [errorAt([...path, "sorry"], what, remedy)];
  }
  const what = `servers of another family than the service's IPv${foreign} addresses cannot be had with the [sync_daemon] of line ${line}`;
  return [errorAt([...path, "servers"], what, "write servers of that family, or remove the [sync_daemon]")];
}

function snatFindings({ value, path }: Element<ServiceEntry>, model: Model): readonly Finding[] {
  if (value.snat === null) return [];
  const at = [...path, "snat"];
  return value.snat === "clients" ? clientFindings(value, at, model) : serverFindings(value, at);
}

function serverFindings(value: ServiceEntry, at: KeyPath): readonly Finding[] {
  const isGateway = value.forward === "nat" || value.servers.some(({ forward }) => forward === "nat");
  if (!isGateway) {
    const what = 'only with forward = "nat" is this node the gateway of the servers';
    return [errorAt(at, what, "remove it")];
  }
  if (value.vips.length > 0) return [];
  const what = "connections of the servers leave through the interface of the service's VIP, and it has none";
  return [errorAt(at, what, "write vips, or add the rule to the host's own packet filter")];
}

/** Only translated packets have a source that can be replaced: the others are answered to the client directly. */
function clientFindings(value: ServiceEntry, at: KeyPath, model: Model): readonly Finding[] {
  if (value.forward === "proxy") {
    return [errorAt(at, 'with forward = "proxy" servers see this node\'s address already', "remove it")];
  }
  const other = [value, ...value.servers].find(({ forward }) => forward !== null && forward !== "nat");
  if (other !== undefined) {
    const what = `with forward = "${other.forward}" servers answer the clients themselves, and have to see their addresses`;
    return [errorAt(at, what, 'write forward = "nat", or remove it')];
  }
  const { ipvs } = model.sections;
  if (ipvs?.value.sysctls["conntrack"] !== "0") return [];
  const line = model.line([...ipvs.path, "sysctls", "conntrack"]);
  const what = `clients can be masqueraded only with net.ipv4.vs.conntrack = 1, and line ${line} says 0`;
  return [errorAt(at, what, "remove conntrack there, or this")];
}

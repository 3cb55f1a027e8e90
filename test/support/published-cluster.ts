import { readdirSync, readFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { familyOf } from "../../src/base/address.ts";
import type { Config, InstanceConfig } from "../../src/config/config.ts";
import { readConfig } from "../../src/config/read.ts";
import { startEdgeHa, type EdgeHa } from "./edge-ha.ts";
import { Lab, waitFor, type Host } from "./lab.ts";
import { startNginx } from "./nginx.ts";

/**
 * A published set-up, in the cluster form, on hosts of its own: a bridge for each interface's network, its two nodes, its web
 * servers and a client. What it takes to run here: the check's script, the access log's place, and services through the
 * proxy where the kernel has no IPVS (test/vm has them in the kernel).
 */

const folder = join(import.meta.dir, "topologies");

/** The names of all of them. */
export const publishedNames: readonly string[] = readdirSync(folder).map((file) => file.replace(".toml", ""));

/** A running set-up. */
export interface PublishedCluster extends AsyncDisposable {
  readonly config: Config;
  readonly nodes: ReadonlyMap<string, { readonly host: Host; readonly edgeHa: EdgeHa }>;
  readonly client: Host;
  /** The file whose presence lets the published check of nginx fail. */
  readonly failing: string;
}

/** Starts a set-up and everything it needs. */
export async function startPublished(name: string): Promise<PublishedCluster> {
  const lab = await Lab.create();
  try {
    const script = join(lab.directory, "check-nginx");
    const failing = join(lab.directory, "nginx-is-dead");
    await Bun.write(script, `#!/bin/sh\n! [ -e ${failing} ]\n`);
    await chmod(script, 0o755);
    const published = readFileSync(join(folder, `${name}.toml`), "utf8");
    const text = published
      .replace("/etc/edge-ha/check-nginx", script)
      .replace("/var/log/edge-ha/access.log", join(lab.directory, "access.log"))
      .replaceAll(/^forward = "(dr|nat)"$/gm, 'forward = "proxy"')
      .replaceAll(/^persistence = .*\n/gm, "");
    const { config, diagnostics } = readConfig(text, `${name}.toml`);
    if (config === null) throw new Error(diagnostics.map(({ key, what }) => `${key}: ${what}`).join("\n"));
    const interfaces = [
      ...new Set(config.nodes.flatMap(({ addresses }) => addresses.map((own) => own.interface))),
    ];
    for (const each of interfaces) await lab.bridge(each);
    const nodes = new Map<string, { host: Host; edgeHa: EdgeHa }>();
    for (const node of config.nodes) {
      const links = node.addresses.map((own) => [
        own.interface,
        { bridge: own.interface, address: `${own.address}/24` },
      ]);
      const host = await lab.host(node.name, Object.fromEntries(links) as Parameters<Lab["host"]>[1]);
      nodes.set(node.name, { host, edgeHa: await startEdgeHa(host, { config: text, node: node.name }) });
    }
    for (const address of webServers(config)) {
      const bridge = networkOf(config, address);
      await startNginx(await lab.host(`web-${address}`, { eth0: { bridge, address: `${address}/24` } }));
    }
    const links = interfaces.map((each) => [each, { bridge: each, address: clientAddress(config, each) }]);
    const client = await lab.host("client", Object.fromEntries(links) as Parameters<Lab["host"]>[1]);
    return { config, nodes, client, failing, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

/** Waits until every virtual router's addresses are at the node that `holderOf` names, and nowhere else. */
export async function untilHeld(
  cluster: PublishedCluster,
  when: string,
  holderOf: (instance: InstanceConfig) => string,
): Promise<void> {
  for (const instance of cluster.config.instances) {
    const holder = holderOf(instance);
    for (const { address } of instance.addresses) {
      for (const [name, { host }] of cluster.nodes) {
        const claim = `${when}: ${address} of ${instance.name} is ${name === holder ? "" : "not "}on ${name}`;
        await waitFor(claim, async () => (await host.holds(address)) === (name === holder), 30_000);
      }
    }
  }
}

/** Gives the virtual addresses at which HTTP is answered. */
export function httpAddresses({ services, listeners, instances }: Config): readonly string[] {
  const all = instances.flatMap(({ addresses }) => addresses.map(({ address }) => address));
  const served = new Set(services.flatMap(({ vips }) => vips));
  const ofServices = instances.filter(({ name }) => served.has(name));
  return listeners.length > 0
    ? all
    : ofServices.flatMap(({ addresses }) => addresses.map(({ address }) => address));
}

function webServers({ services, upstreams }: Config): readonly string[] {
  const servers = [...services, ...upstreams].flatMap((one) => one.servers.map(({ address }) => address));
  return [...new Set(servers)].filter((address) => familyOf(address) === 4);
}

/** Every published network is a /24, with one interface name on both nodes. */
function networkOf({ nodes }: Config, address: string): string {
  const network = address.replace(/\d+$/, "");
  const found = nodes.flatMap(({ addresses }) => addresses).find((own) => own.address.startsWith(network));
  if (found === undefined) throw new Error(`no node has an address beside ${address}`);
  return found.interface;
}

function clientAddress({ nodes }: Config, on: string): string {
  const own = nodes.flatMap(({ addresses }) => addresses).find((one) => one.interface === on);
  return `${own?.address.replace(/\d+$/, "250") ?? "192.0.2.250"}/24`;
}

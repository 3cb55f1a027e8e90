import { unreachable } from "../base/assert.ts";
import { formatEndpoint, type Endpoint } from "../base/address.ts";
import type { IpvsChange, IpvsServer, IpvsService, IpvsTunnel } from "../kernel/ipvs.ts";
import { formatKey } from "../kernel/ipvs-messages.ts";

/**
 * From the table that is to the table that should be, as steps in a safe order. PURE. Within a service, servers come
 * before others go, so that there is no moment without one; services that go, go last. A service that is neither
 * wanted nor owned belongs to someone else and is left alone.
 *
 * Of the services that go, the last one made goes first. The kernel keeps servers that are gone for two minutes in one
 * list, the latest first, and looks through it for every server that comes: a table that is taken away and made again, as
 * by a restart, is found in its order that way. 12,000 servers come again in a quarter of the time (in an emulated machine
 * 3.8 s instead of 16.4 s), and what it costs otherwise grows with their square.
 */
export type Step = IpvsChange;

/** Gives the steps that lead from `actual` to `desired`; none if they agree. `owned` holds keys as `formatKey` writes them. */
export function planSteps(
  desired: readonly IpvsService[],
  actual: readonly IpvsService[],
  owned: ReadonlySet<string>,
): readonly Step[] {
  const left = new Map(actual.map((service) => [formatKey(service.key), service]));
  const steps: Step[] = [];
  for (const service of desired) {
    const key = formatKey(service.key);
    const present = left.get(key);
    if (present === undefined) addWhole(service, steps);
    else steps.push(...serviceSteps(service, present));
    left.delete(key);
  }
  for (const name of [...owned].toReversed()) {
    const gone = left.get(name);
    if (gone !== undefined) steps.push({ kind: "removeService", key: gone.key });
  }
  return steps;
}

/** Says in one line what many steps come to, such as `2 services and 40 servers added, 1 server changed`. */
export function summaryText(steps: readonly Step[]): string {
  const counts = new Map<Step["kind"], number>();
  for (const { kind } of steps) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const verbs = { add: "added", set: "changed", remove: "removed" } as const;
  const parts = Object.entries(verbs).flatMap(([verb, done]) => {
    const things = (["Service", "Server"] as const).flatMap((thing) => {
      const count = counts.get(`${verb as keyof typeof verbs}${thing}`) ?? 0;
      return count === 0 ? [] : [`${count} ${thing.toLowerCase()}${count === 1 ? "" : "s"}`];
    });
    return things.length > 0 ? [`${things.join(" and ")} ${done}`] : [];
  });
  return parts.join(", ");
}

/** Says what a step does, for the log. */
export function stepText(step: Step): string {
  switch (step.kind) {
    case "addService":
      return `add service ${serviceText(step.service)}`;
    case "setService":
      return `change service ${serviceText(step.service)}`;
    case "removeService":
      return `remove service ${formatKey(step.key)}`;
    case "addServer":
      return `add server ${serverText(step.server)} to ${formatKey(step.key)}`;
    case "setServer":
      return `change server ${serverText(step.server)} of ${formatKey(step.key)}`;
    case "removeServer":
      return `remove server ${formatEndpoint(step.server)} from ${formatKey(step.key)}`;
    default:
      return unreachable(step);
  }
}

function serviceText({ key, scheduler, persistenceS }: IpvsService): string {
  return `${formatKey(key)} ${scheduler}${persistenceS > 0 ? ` persistent ${persistenceS} s` : ""}`;
}

function serverText(server: IpvsServer): string {
  return `${formatEndpoint(server)} ${server.forward} weight ${server.weight}`;
}

/** Of a first load that is all there is. */
function addWhole(service: IpvsService, steps: Step[]): void {
  const { key } = service;
  steps.push({ kind: "addService", service });
  for (const server of service.servers) steps.push({ kind: "addServer", key, server });
}

function serviceSteps(desired: IpvsService, actual: IpvsService): readonly Step[] {
  const change: readonly Step[] = isSameService(desired, actual)
    ? []
    : [{ kind: "setService", service: desired }];
  return [...change, ...serverSteps(desired, actual)];
}

function serverSteps(desired: IpvsService, actual: IpvsService): readonly Step[] {
  if (areSameServers(desired.servers, actual.servers)) return [];
  const { key } = desired;
  const present = new Map(actual.servers.map((server) => [identity(server), server]));
  const wanted = new Set(desired.servers.map(identity));
  const additions: Step[] = [];
  const changes: Step[] = [];
  for (const server of desired.servers) {
    const before = present.get(identity(server));
    if (before === undefined) additions.push({ kind: "addServer", key, server });
    else if (!isSameServer(server, before)) changes.push({ kind: "setServer", key, server });
  }
  const removals = actual.servers
    .filter((server) => !wanted.has(identity(server)))
    .map(({ address, port }): Step => ({ kind: "removeServer", key, server: { address, port } }));
  return [...additions, ...changes, ...removals];
}

/** Tells at little cost that nothing is to be done: the kernel lists servers in the order they came, or back to front. */
function areSameServers(desired: readonly IpvsServer[], actual: readonly IpvsServer[]): boolean {
  const { length } = desired;
  if (length !== actual.length) return false;
  return (
    desired.every((server, index) => isSameEntry(server, actual[index])) ||
    desired.every((server, index) => isSameEntry(server, actual[length - 1 - index]))
  );
}

function isSameEntry(server: IpvsServer, other: IpvsServer | undefined): boolean {
  return server.address === other?.address && server.port === other.port && isSameServer(server, other);
}

/** Cheaper than the endpoint in its usual form, of which a large table needs 100,000. */
function identity({ address, port }: Endpoint): string {
  return `${address} ${port}`;
}

function isSameService(desired: IpvsService, actual: IpvsService): boolean {
  return (
    desired.scheduler === actual.scheduler &&
    desired.flags === actual.flags &&
    desired.persistenceS === actual.persistenceS &&
    desired.netmask === actual.netmask &&
    desired.persistenceEngine === actual.persistenceEngine
  );
}

function isSameServer(desired: IpvsServer, actual: IpvsServer): boolean {
  return (
    desired.forward === actual.forward &&
    isSameTunnel(desired.tunnel, actual.tunnel) &&
    desired.weight === actual.weight &&
    desired.upperThreshold === actual.upperThreshold &&
    desired.lowerThreshold === actual.lowerThreshold
  );
}

function isSameTunnel(desired: IpvsTunnel | null, actual: IpvsTunnel | null): boolean {
  return (
    desired?.type === actual?.type && desired?.port === actual?.port && desired?.checksum === actual?.checksum
  );
}

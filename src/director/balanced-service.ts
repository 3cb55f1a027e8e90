import type { Endpoint } from "../base/address.ts";
import { formatEndpoint } from "../base/address.ts";
import type { DirectorPlan } from "../config/node-plan.ts";
import type { ProxiedPlan } from "../config/proxied-plan.ts";
import type { IpvsServicePlan } from "../config/service-plan.ts";
import { concerns, type DrainTarget } from "../ipc/drain-target.ts";
import { formatKey } from "../kernel/ipvs-messages.ts";
import { keyOf } from "./table.ts";

/** A service whose servers are watched, whether the kernel balances it or the proxies do. */
export type BalancedService = IpvsServicePlan | ProxiedPlan;

/** A server of such a service. */
export type BalancedServer = BalancedService["servers"][number];

/** Gives all services of a plan, whoever balances them. */
export function everythingIn({
  services,
  proxied,
}: Pick<DirectorPlan, "services" | "proxied">): readonly BalancedService[] {
  return [...services, ...proxied];
}

/** Tells whether any of these services has a server that the operator means. */
export function hasServer(services: readonly BalancedService[], target: DrainTarget): boolean {
  return services.some((service) => service.servers.some((server) => concerns(target, service, server)));
}

/** Gives what a service is remembered by, such as `tcp 192.0.2.1:80` or `relay web`. */
export function serviceId(service: BalancedService): string {
  return "key" in service ? formatKey(keyOf(service)) : `${service.kind} ${service.group}`;
}

/** Gives what a server is remembered by; of one behind the proxies it is what they know it by. */
export function serverId(service: BalancedService, server: Endpoint): string {
  return `${serviceId(service)} ${formatEndpoint(server)}`;
}

/** Names a service in the log. */
export function serviceTitle(service: BalancedService): string {
  if ("key" in service) return `service ${service.name} (${serviceId(service)})`;
  return `${service.kind === "relay" ? "service" : "upstream"} ${service.group}`;
}

import { type Endpoint, familyOf, isLinkLocal } from "../base/address.ts";
import type { InstanceConfig } from "./config.ts";
import type { ListenerPlace } from "./http-config.ts";

/** Every address of both families: what a listener without an address listens on. */
const everyAddress: readonly string[] = ["0.0.0.0", "::"];

/** Gives the addresses of virtual routers by their names, but for the link-local ones, which clients do not connect to. */
export function addressesOf(
  vips: readonly string[],
  instances: readonly InstanceConfig[],
): readonly string[] {
  return vips.flatMap((name) => {
    const found = instances.find((instance) => instance.name === name);
    const addresses = (found?.addresses ?? []).map(({ address }) => address);
    return addresses.filter((address) => familyOf(address) === 4 || !isLinkLocal(address));
  });
}

/** Gives the sockets of a listener: its address, or those of its VIPs, or every one. */
export function listenerSockets(
  { address, port, vips }: ListenerPlace,
  instances: readonly InstanceConfig[],
): readonly Endpoint[] {
  if (address !== null) return [{ address, port }];
  const addresses = vips.length > 0 ? addressesOf(vips, instances) : everyAddress;
  return addresses.map((each) => ({ address: each, port }));
}

/** Where a service can be reached, as the file says it. */
interface ServicePlaces {
  readonly vips: readonly string[];
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
}

/** Gives the addresses that a service answers on, each once. */
export function serviceAddresses(
  service: Omit<ServicePlaces, "ports">,
  instances: readonly InstanceConfig[],
): readonly string[] {
  const { addresses, vips } = service;
  const every = vips.length === 0 ? addresses : [...addressesOf(vips, instances), ...addresses];
  return every.length < 2 ? every : [...new Set(every)];
}

/** Gives the addresses and ports that a service answers on, each once; none of a service that goes by a firewall mark. */
export function serviceSockets(
  service: ServicePlaces,
  instances: readonly InstanceConfig[],
): readonly Endpoint[] {
  const addresses = serviceAddresses(service, instances);
  return service.ports.flatMap((port) => addresses.map((address) => ({ address, port })));
}

/** Tells whether a socket would see connections to another's address, were that not there. */
export function covers(socket: Endpoint, other: Endpoint): boolean {
  if (socket.port !== other.port) return false;
  if (socket.address === other.address) return true;
  return socket.address === (other.address.includes(":") ? "::" : "0.0.0.0");
}

import { addressBytes, formatEndpoint, type Endpoint } from "../base/address.ts";
import type { ServerStatus, ServiceStatus } from "../ipc/status.ts";
import type { IpvsConnection } from "../kernel/ipvs-connections.ts";

/** Finds whose a connection of the kernel's is. PURE. */
export interface ConnectionNames {
  /** Gives the service a connection came in by; null if it cannot be told. */
  serviceOf(connection: IpvsConnection): ServiceStatus | null;
  /** Gives a service's server with this address and port; null if it has none. */
  serverOf(service: ServiceStatus, server: Endpoint): ServerStatus | null;
}

/** Makes them for the services of a node. */
export function connectionNames(services: readonly ServiceStatus[]): ConnectionNames {
  const byPlace = new Map<string, ServiceStatus>();
  const byMark = new Map<number, ServiceStatus>();
  const marked = new Map<string, ServiceStatus | null>();
  for (const service of services) {
    const { protocol, address, port, mark } = service;
    if (address !== null && port !== null)
      byPlace.set(`${protocol} ${formatEndpoint({ address, port })}`, service);
    if (mark !== null) {
      byMark.set(mark, service);
      for (const place of service.marked) byPlace.set(place, service);
      // What edge-ha marks is known by where it goes. Of a mark of others a connection tells nothing: only its server can,
      // if no other such mark leads there.
      const guessed = service.marked.length > 0 ? [] : allServers(service);
      for (const server of guessed) {
        marked.set(server.address, marked.has(server.address) ? null : service);
      }
    }
  }
  const serviceOf = ({ protocol, target, server }: IpvsConnection): ServiceStatus | null => {
    if (protocol === "ip") return byMark.get(markOf(target)) ?? null;
    const at = (port: number): string => `${protocol} ${formatEndpoint({ address: target.address, port })}`;
    return byPlace.get(at(target.port)) ?? byPlace.get(at(0)) ?? marked.get(server.address) ?? null;
  };
  const servers = new Map<ServiceStatus, Map<string, ServerStatus>>();
  return {
    serviceOf,
    serverOf(service, { address, port }) {
      let own = servers.get(service);
      if (own === undefined) {
        own = new Map(
          allServers(service).map((server): [string, ServerStatus] => [
            `${server.address} ${server.port}`,
            server,
          ]),
        );
        servers.set(service, own);
      }
      return own.get(`${address} ${port}`) ?? own.get(`${address} 0`) ?? null;
    },
  };
}

function allServers({ servers, sorry }: ServiceStatus): readonly ServerStatus[] {
  return sorry === null ? servers : [...servers, sorry];
}

/** The mark of a service stands in place of the address, in network order. */
function markOf({ address }: Endpoint): number {
  const bytes = addressBytes(address);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, false);
}

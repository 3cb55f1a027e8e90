import { formatEndpoint, type Endpoint } from "../../src/base/address.ts";
import { SystemError } from "../../src/base/system-error.ts";
import type { IpvsTable } from "../../src/director/own-services.ts";
import type {
  CountedService,
  IpvsChange,
  IpvsCounters,
  IpvsKey,
  IpvsServer,
  IpvsService,
} from "../../src/kernel/ipvs.ts";
import { formatKey } from "../../src/kernel/ipvs-messages.ts";

const noCounters: IpvsCounters = {
  connections: 0,
  inPackets: 0,
  outPackets: 0,
  inBytes: 0,
  outBytes: 0,
  connectionsPerS: 0,
  inPacketsPerS: 0,
  outPacketsPerS: 0,
  inBytesPerS: 0,
  outBytesPerS: 0,
};

/** The kernel's service table in memory, with its answers: EEXIST, ESRCH for services, ENOENT for servers. */
export class FakeIpvs implements IpvsTable {
  /** Every change that was asked for, in order, such as `addServer tcp 10.0.0.1:80 10.0.0.2:80`. */
  readonly changes: string[] = [];
  /** Schedulers the kernel has. */
  schedulers: ReadonlySet<string> = new Set(["rr", "wrr"]);
  isClosed = false;
  /** Called at each call that changes something: what time that takes. */
  takeTime: () => void = () => undefined;
  readonly #services = new Map<string, { service: IpvsService; servers: Map<string, IpvsServer> }>();

  constructor(services: readonly IpvsService[] = []) {
    for (const service of services) {
      this.addService(service);
      for (const server of service.servers) this.addServer(service.key, server);
    }
    this.changes.length = 0;
  }

  services(): IpvsService[] {
    return [...this.#services.values()].map(({ service, servers }) =>
      Object.assign({}, service, { servers: [...servers.values()] }),
    );
  }

  countedServices(): CountedService[] {
    return this.services().map((service) =>
      Object.assign({}, service, {
        servers: service.servers.map((server) => Object.assign({}, server, { counters: noCounters })),
        counters: noCounters,
      }),
    );
  }

  changeAll(changes: readonly IpvsChange[]): readonly (SystemError | null)[] {
    this.takeTime();
    return changes.map((change) => {
      try {
        this.#change(change);
        return null;
      } catch (error) {
        if (error instanceof SystemError) return error;
        throw error;
      }
    });
  }

  #change(change: IpvsChange): void {
    switch (change.kind) {
      case "addService":
        return this.addService(change.service);
      case "setService":
        return this.setService(change.service);
      case "removeService":
        return this.removeService(change.key);
      case "addServer":
        return this.addServer(change.key, change.server);
      case "setServer":
        return this.setServer(change.key, change.server);
      case "removeServer":
        return this.removeServer(change.key, change.server);
    }
  }

  addService(service: IpvsService): void {
    const key = formatKey(service.key);
    this.changes.push(`addService ${key}`);
    if (this.#services.has(key)) throw new SystemError("IPVS_CMD_NEW_SERVICE", "EEXIST", key);
    this.#requireScheduler(service);
    this.#services.set(key, { service, servers: new Map() });
  }

  setService(service: IpvsService): void {
    const key = formatKey(service.key);
    this.changes.push(`setService ${key}`);
    const entry = this.#entry(service.key);
    this.#requireScheduler(service);
    entry.service = service;
  }

  removeService(key: IpvsKey): void {
    this.changes.push(`removeService ${formatKey(key)}`);
    this.#entry(key);
    this.#services.delete(formatKey(key));
  }

  addServer(key: IpvsKey, server: IpvsServer): void {
    this.changes.push(`addServer ${formatKey(key)} ${formatEndpoint(server)}`);
    const { servers } = this.#entry(key);
    const name = formatEndpoint(server);
    if (servers.has(name)) throw new SystemError("IPVS_CMD_NEW_DEST", "EEXIST", name);
    servers.set(name, server);
  }

  setServer(key: IpvsKey, server: IpvsServer): void {
    this.changes.push(`setServer ${formatKey(key)} ${formatEndpoint(server)}`);
    const { servers } = this.#entry(key);
    const name = formatEndpoint(server);
    const before = servers.get(name);
    if (before === undefined) throw new SystemError("IPVS_CMD_SET_DEST", "ENOENT", name);
    const { activeConnections, inactiveConnections, persistentConnections } = before;
    servers.set(name, { ...server, activeConnections, inactiveConnections, persistentConnections });
  }

  removeServer(key: IpvsKey, server: Endpoint): void {
    this.changes.push(`removeServer ${formatKey(key)} ${formatEndpoint(server)}`);
    if (!this.#entry(key).servers.delete(formatEndpoint(server))) {
      throw new SystemError("IPVS_CMD_DEL_DEST", "ENOENT", formatEndpoint(server));
    }
  }

  close(): void {
    this.isClosed = true;
  }

  #entry(key: IpvsKey): { service: IpvsService; servers: Map<string, IpvsServer> } {
    const entry = this.#services.get(formatKey(key));
    if (entry === undefined) throw new SystemError("IPVS", "ESRCH", formatKey(key));
    return entry;
  }

  #requireScheduler({ scheduler }: IpvsService): void {
    if (!this.schedulers.has(scheduler)) throw new SystemError("IPVS", "ENOENT", scheduler);
  }
}

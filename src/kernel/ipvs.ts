import type { Endpoint, Family } from "../base/address.ts";
import { hasCode, type SystemError } from "../base/system-error.ts";
import { parseCountedServer, parseCountedService, type CountedService } from "./ipvs-counters.ts";
import {
  formatKey,
  ipvsCommand,
  keyAttribute,
  parseServer,
  parseService,
  parseVersion,
  type IpvsKey,
  type IpvsServer,
  type IpvsService,
} from "./ipvs-messages.ts";
import {
  daemonAttribute,
  daemonKeyAttribute,
  parseDaemon,
  parseTimeouts,
  timeoutAttributes,
  type IpvsSyncDaemon,
  type IpvsTimeouts,
  type SyncRole,
} from "./ipvs-daemon-messages.ts";
import { loadModule } from "./modules.ts";
import { changesWriter, changeText, type IpvsChange } from "./ipvs-changes.ts";
import { NetlinkConnection, type Requests } from "./netlink/connection.ts";
import type { Attributes } from "./netlink/attribute.ts";
import { genericAttributes, genericPayload, resolveFamily } from "./netlink/generic.ts";
import { NetlinkError } from "./netlink/netlink-error.ts";
import { openRequestSocket } from "./netlink/socket.ts";
import { NETLINK_GENERIC } from "./socket-constants.ts";

export type { IpvsSyncDaemon, IpvsTimeouts, SyncRole } from "./ipvs-daemon-messages.ts";
export type { CountedServer, CountedService, IpvsCounters } from "./ipvs-counters.ts";
export type { IpvsChange } from "./ipvs-changes.ts";
export type { IpvsForward, IpvsKey, IpvsServer, IpvsService, IpvsTunnel } from "./ipvs-messages.ts";

const familyName = "IPVS";

/** The kernel's table of L4 services; every change is one request and nothing is flushed. Needs CAP_NET_ADMIN. */
export class Ipvs {
  readonly #connection: NetlinkConnection;
  readonly #family: number;
  readonly #requests: Requests<IpvsChange>;

  private constructor(connection: NetlinkConnection, family: number) {
    this.#connection = connection;
    this.#family = family;
    this.#requests = {
      typeOf: () => family,
      flagsOf: () => 0,
      write: changesWriter(),
      operationOf: changeText,
    };
  }

  /**
   * Opens the table, loading the module if need be; throws `ENOENT` when the kernel has no IPVS. `beforeRequest` is
   * called before each question and each batch of changes.
   */
  static open(beforeRequest?: () => void): Ipvs {
    return Ipvs.#open(() => loadModule("ip_vs"), beforeRequest);
  }

  /** Opens the table of a kernel that has the module loaded, and loads nothing; throws `ENOENT` when it has not. */
  static openLoaded(): Ipvs {
    return Ipvs.#open(() => undefined);
  }

  static #open(load: () => void, beforeRequest?: () => void): Ipvs {
    const connection = new NetlinkConnection(openRequestSocket(NETLINK_GENERIC), beforeRequest);
    try {
      return Ipvs.over(connection, load);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Uses a connection that is open already; `load` is tried once when the kernel does not know the family. */
  static over(connection: NetlinkConnection, load: () => void): Ipvs {
    try {
      return new Ipvs(connection, resolveFamily(connection, familyName));
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
    load();
    return new Ipvs(connection, resolveFamily(connection, familyName));
  }

  /** Lists all services with their servers; a service that goes meanwhile is left out. */
  services(): IpvsService[] {
    return this.#list(parseService, parseServer);
  }

  /** The same with what the kernel has counted for each. */
  countedServices(): CountedService[] {
    return this.#list(parseCountedService, parseCountedServer);
  }

  #list<Service extends { readonly key: IpvsKey }, Server>(
    parseOne: (attributes: Attributes) => Service | null,
    parseTarget: (attributes: Attributes, family: Family) => Server | null,
  ): (Service & { readonly servers: Server[] })[] {
    const replies = this.#dump("IPVS_CMD_GET_SERVICE", ipvsCommand.getService);
    return replies.flatMap((attributes) => {
      const service = parseOne(attributes);
      const servers = service === null ? null : this.#servers(service.key, parseTarget);
      return service === null || servers === null ? [] : [{ ...service, servers }];
    });
  }

  #servers<Server>(
    key: IpvsKey,
    parse: (attributes: Attributes, family: Family) => Server | null,
  ): Server[] | null {
    try {
      const operation = `IPVS_CMD_GET_DEST ${formatKey(key)}`;
      const replies = this.#dump(operation, ipvsCommand.getServer, keyAttribute(key));
      return replies.flatMap((attributes) => {
        const server = parse(attributes, key.family);
        return server === null ? [] : [server];
      });
    } catch (error) {
      if (hasCode(error, "ESRCH")) return null;
      throw error;
    }
  }

  /** Adds a service without servers; throws `EEXIST` if it is there, `ENOENT` if the scheduler is unknown. */
  addService(service: IpvsService): void {
    this.#change({ kind: "addService", service });
  }

  /** Changes a service in place, connections and servers stay; throws `ESRCH` if it is not there. */
  setService(service: IpvsService): void {
    this.#change({ kind: "setService", service });
  }

  /** Removes a service and its servers; throws `ESRCH` if it is not there. */
  removeService(key: IpvsKey): void {
    this.#change({ kind: "removeService", key });
  }

  /** Adds a server; throws `EEXIST` if it is there, `ESRCH` if the service is not. */
  addServer(key: IpvsKey, server: IpvsServer): void {
    this.#change({ kind: "addServer", key, server });
  }

  /** Changes a server in place; throws `ENOENT` if it is not there. */
  setServer(key: IpvsKey, server: IpvsServer): void {
    this.#change({ kind: "setServer", key, server });
  }

  /** Removes a server, and with it what it had of persistence; throws `ENOENT` if it is not there. */
  removeServer(key: IpvsKey, server: Endpoint): void {
    this.#change({ kind: "removeServer", key, server });
  }

  /**
   * Carries out changes in their order, many with each call of the kernel; gives for each why it was refused, as the
   * methods above throw it, or null. One refusal does not keep the others from being carried out.
   */
  changeAll(changes: readonly IpvsChange[]): readonly (SystemError | null)[] {
    return this.#connection.batch(changes, this.#requests);
  }

  /** Lists the sync daemons that run: a master, a backup, both or none. */
  daemons(): IpvsSyncDaemon[] {
    return this.#dump("IPVS_CMD_GET_DAEMON", ipvsCommand.getDaemon).flatMap((attributes) => {
      return parseDaemon(attributes) ?? [];
    });
  }

  /** Starts a sync daemon; throws `EEXIST` if one of its role runs, `ENODEV` if there is no such interface. */
  startDaemon(wanted: IpvsSyncDaemon): void {
    this.#command(`IPVS_CMD_NEW_DAEMON ${wanted.role}`, ipvsCommand.newDaemon, daemonAttribute(wanted));
  }

  /** Stops a sync daemon; throws `ESRCH` if none of its role runs. */
  stopDaemon(role: SyncRole): void {
    this.#command(`IPVS_CMD_DEL_DAEMON ${role}`, ipvsCommand.delDaemon, daemonKeyAttribute(role));
  }

  /** Gives how long connections without packets are kept. */
  timeouts(): IpvsTimeouts {
    const operation = "IPVS_CMD_GET_CONFIG";
    const payload = genericPayload(ipvsCommand.getConfig);
    const [reply] = this.#connection.request({ operation, type: this.#family, flags: 0, payload });
    if (reply === undefined) throw new NetlinkError(operation, "EPROTO", "there is no answer");
    return parseTimeouts(genericAttributes(reply.payload));
  }

  /** Sets how long connections without packets are kept; those there are keep what they have. */
  setTimeouts(timeouts: IpvsTimeouts): void {
    this.#command("IPVS_CMD_SET_CONFIG", ipvsCommand.setConfig, ...timeoutAttributes(timeouts));
  }

  /** Gives the version of the kernel's IPVS, such as `1.2.1`. */
  version(): string {
    const operation = "IPVS_CMD_GET_INFO";
    const replies = this.#connection.request({
      operation,
      type: this.#family,
      flags: 0,
      payload: genericPayload(ipvsCommand.getInfo),
    });
    for (const reply of replies) {
      const version = parseVersion(genericAttributes(reply.payload));
      if (version !== null) return version;
    }
    throw new NetlinkError(operation, "EPROTO", "the answer has no version");
  }

  close(): void {
    this.#connection.close();
  }

  #dump(operation: string, command: number, ...attributes: readonly Uint8Array[]): Attributes[] {
    const payload = genericPayload(command, ...attributes);
    const replies = this.#connection.dump({ operation, type: this.#family, flags: 0, payload });
    return replies.map((reply) => genericAttributes(reply.payload));
  }

  #change(change: IpvsChange): void {
    const [refusal = null] = this.changeAll([change]);
    if (refusal !== null) throw refusal;
  }

  #command(operation: string, command: number, ...attributes: readonly Uint8Array[]): void {
    const payload = genericPayload(command, ...attributes);
    this.#connection.request({ operation, type: this.#family, flags: 0, payload });
  }
}

import { existsSync } from "node:fs";
import { SystemError, hasCode } from "../base/system-error.ts";
import {
  aliasPayload,
  groupRemoval,
  linkQuery,
  macvlanPayload,
  parseLinkDetails,
  type LinkDetails,
} from "./macvlan-messages.ts";
import {
  changesBelow,
  describeMacvlan,
  macvlanSettings,
  putBack,
  settingProblem,
  settingsBefore,
  type Setting,
} from "./macvlan-settings.ts";
import { NetlinkConnection, type NetlinkRequest } from "./netlink/connection.ts";
import { openRequestSocket } from "./netlink/socket.ts";
import { linkDump, linkRemoval, routeMessage, upPayload } from "./route-messages.ts";
import { messageFlag } from "./netlink/message.ts";
import { NETLINK_ROUTE } from "./socket-constants.ts";
import { readSysctl, writeSysctl } from "./sysctl.ts";

export type { LinkDetails } from "./macvlan-messages.ts";

/** An interface with a virtual MAC to make. */
export interface VirtualMacLinkRequest {
  readonly name: string;
  readonly mac: Uint8Array;
  readonly vrid: number;
  readonly below: LinkDetails;
}

/** Reads and writes kernel settings, by their path below /proc/sys. */
export interface SettingsPort {
  read(path: string): string;
  write(path: string, value: string): void;
}

/** Marks our macvlans from the moment they exist; "EH". The description comes a moment later. */
const ownGroup = 0x4548;

/**
 * The interfaces with a virtual MAC that this project makes: macvlans, marked as ours, and what they need of the
 * interface below. What is changed there is put back with the last one that goes.
 */
export class VirtualMacLinks {
  readonly #connection: NetlinkConnection;
  readonly #settings: SettingsPort;

  private constructor(connection: NetlinkConnection, settings: SettingsPort) {
    this.#connection = connection;
    this.#settings = settings;
  }

  /** Opens a socket to the kernel. */
  static open(): VirtualMacLinks {
    const settings = { read: readSysctl, write: writeSysctl };
    return new VirtualMacLinks(new NetlinkConnection(openRequestSocket(NETLINK_ROUTE)), settings);
  }

  /** Uses a connection and settings that are there already, such as fake ones. */
  static over(connection: NetlinkConnection, settings: SettingsPort): VirtualMacLinks {
    return new VirtualMacLinks(connection, settings);
  }

  /** Lists all interfaces of the host. */
  list(): LinkDetails[] {
    const request = { type: routeMessage.getLink, operation: "RTM_GETLINK", flags: 0, payload: linkDump() };
    return this.#connection.dump(request).flatMap((message) => {
      const link = message.type === routeMessage.newLink ? parseLinkDetails(message.payload) : null;
      return link ?? [];
    });
  }

  /** Says what keeps a virtual MAC from working on an interface, apart from its kind, or null. */
  problem(below: string): string | null {
    if (existsSync(`/sys/class/net/${below}/phy80211`)) {
      return `${below} is wireless, and an access point takes frames from its own MAC only: remove virtual_mac`;
    }
    return settingProblem((key) => this.#settings.read(confPath("all", key)));
  }

  /** Makes one, down, and gives it; throws `SystemError`, and then there is none. `links` are all of the host. */
  make(request: VirtualMacLinkRequest, links: readonly LinkDetails[]): LinkDetails {
    const { name, mac, below } = request;
    this.#change(`RTM_NEWLINK ${name}`, {
      type: routeMessage.newLink,
      flags: messageFlag.create | messageFlag.exclusive,
      payload: macvlanPayload({ name, mac, parentIndex: below.index, group: ownGroup }),
    });
    const made = this.#get(name);
    try {
      return this.settle(made, request, links);
    } catch (error) {
      this.remove(({ index }) => index === made.index);
      throw error;
    }
  }

  /** Gives one that is there its settings, and those of the interface below. */
  settle(
    made: LinkDetails,
    { name, vrid, below }: VirtualMacLinkRequest,
    links: readonly LinkDetails[],
  ): LinkDetails {
    const changes = changesBelow((where, key) =>
      this.#settings.read(confPath(where === "all" ? "all" : below.name, key)),
    );
    const before = new Map(changes.map(({ key }) => [key, this.#settings.read(confPath(below.name, key))]));
    // What an earlier one has found there is older, and counts.
    const beside = [made, ...links].filter((link) => isOwn(link) && link.parentIndex === below.index);
    for (const { key, value } of beside.flatMap(({ alias }) => settingsBefore(alias))) before.set(key, value);
    const kept = [...before].map(([key, value]): Setting => ({ key, value }));
    const alias = describeMacvlan(vrid, kept);
    // Written down before anything is changed, so that a crash in between loses nothing.
    const payload = aliasPayload(made.index, alias);
    this.#change(`RTM_NEWLINK ${name}`, { type: routeMessage.newLink, flags: 0, payload });
    for (const { key, value } of macvlanSettings(name)) this.#write(`net/${key}`, value);
    for (const { key, value } of changes) this.#write(confPath(below.name, key), value);
    return { ...made, alias };
  }

  /** Sets an interface up or down. */
  setUp({ name, index }: Pick<LinkDetails, "name" | "index">, isUp: boolean): void {
    this.#change(`RTM_NEWLINK ${name}`, {
      type: routeMessage.newLink,
      flags: 0,
      payload: upPayload(index, isUp),
    });
  }

  /** Removes ours that `isLeftover` names, and gives them. */
  remove(isLeftover: (link: LinkDetails) => boolean): readonly LinkDetails[] {
    const links = this.list();
    const own = links.filter(isOwn);
    const gone = own.filter(isLeftover);
    const isWholeGroup = links.every((link) => link.group !== ownGroup || gone.includes(link));
    if (isWholeGroup && gone.length > 1) this.#deleteGroup();
    else for (const link of gone) this.#delete(link);
    for (const below of links.filter(({ index }) => gone.some(({ parentIndex }) => parentIndex === index))) {
      const onIt = own.filter(({ parentIndex }) => parentIndex === below.index);
      if (onIt.every((link) => gone.includes(link))) this.#restore(below.name, onIt);
    }
    return gone;
  }

  close(): void {
    this.#connection.close();
  }

  #get(name: string): LinkDetails {
    const operation = `RTM_GETLINK ${name}`;
    const request = { type: routeMessage.getLink, operation, flags: 0, payload: linkQuery(name) };
    for (const { payload } of this.#connection.request(request)) {
      const link = parseLinkDetails(payload);
      if (link !== null) return link;
    }
    throw new SystemError(operation, "ENODEV");
  }

  #restore(below: string, gone: readonly LinkDetails[]): void {
    const before = new Map(gone.flatMap(({ alias }) => settingsBefore(alias)).map((one) => [one.key, one]));
    const read = (key: string): string => this.#settings.read(confPath(below, key));
    for (const { key, value } of putBack([...before.values()], read))
      this.#write(confPath(below, key), value);
  }

  /** The kernel waits for every processor with each request, some 20 ms: one request for all. */
  #deleteGroup(): void {
    const operation = `RTM_DELLINK group ${ownGroup}`;
    this.#change(operation, { type: routeMessage.delLink, flags: 0, payload: groupRemoval(ownGroup) });
  }

  #delete({ name, index }: LinkDetails): void {
    try {
      const payload = linkRemoval(index);
      this.#change(`RTM_DELLINK ${name}`, { type: routeMessage.delLink, flags: 0, payload });
    } catch (error) {
      if (!hasCode(error, "ENODEV")) throw error;
    }
  }

  #write(path: string, value: string): void {
    try {
      this.#settings.write(path, value);
    } catch (error) {
      // A kernel without IPv6, or an interface that has just gone.
      if (!hasCode(error, "ENOENT")) throw error;
    }
  }

  #change(operation: string, request: Omit<NetlinkRequest, "operation">): void {
    this.#connection.request({ operation, ...request });
  }
}

/** Tells whether an interface is one that this project made. */
export function isOwn({ kind, group }: LinkDetails): boolean {
  return kind === "macvlan" && group === ownGroup;
}

function confPath(name: string, key: string): string {
  return `net/ipv4/conf/${name}/${key}`;
}

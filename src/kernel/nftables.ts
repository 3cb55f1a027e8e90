import { hasCode } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { NetlinkConnection, type NetlinkRequest } from "./netlink/connection.ts";
import { parseMessages, type NetlinkMessage } from "./netlink/message.ts";
import { NetlinkError } from "./netlink/netlink-error.ts";
import { openEventSocket, openRequestSocket, receiveFromKernel } from "./netlink/socket.ts";
import {
  changeRequests,
  elementDump,
  generationRequest,
  type NftChange,
  type NftFamily,
  notifiedTable,
  parseElements,
  parseGeneration,
  parseRule,
  ruleDump,
  tableRequest,
  transactionBegin,
  transactionEnd,
} from "./nftables-messages.ts";
import { NETLINK_NETFILTER } from "./socket-constants.ts";

// NFNLGRP_NFTABLES (7) as a bit.
const tableGroup = 0x40;
const eventLength = 64 * 1024;
// Bounds one wake-up.
const datagramsPerWake = 64;

/** The packet filter of this network namespace: tables of nf_tables. Needs CAP_NET_ADMIN. */
export class Nftables {
  readonly #connection: NetlinkConnection;
  readonly #subscriptions = new Set<() => void>();

  private constructor(connection: NetlinkConnection) {
    this.#connection = connection;
  }

  /** Opens a socket to the kernel; throws `SystemError` where that knows no packet filter. */
  static open(): Nftables {
    return Nftables.over(new NetlinkConnection(openRequestSocket(NETLINK_NETFILTER)));
  }

  /** Uses a connection that is open already, such as a fake one. */
  static over(connection: NetlinkConnection): Nftables {
    return new Nftables(connection);
  }

  /**
   * Carries out all changes or none; throws the first refusal. With a generation it throws `ERESTART` if anybody has
   * changed any table since.
   */
  apply(changes: readonly NftChange[], generation: number | null = null): void {
    this.#connection.transact(transactionBegin(generation), changes.flatMap(changeRequests), transactionEnd);
  }

  /** Removes a table with all that is in it; one that is not there is none to remove. */
  removeTable(table: string, family: NftFamily = "inet"): "removed" | "absent" {
    try {
      // The kernel takes 10 to 20 ms to find out that a transaction comes to nothing.
      this.#connection.request(tableRequest(table, family));
      this.apply([{ kind: "remove-table", family, table }]);
      return "removed";
    } catch (error) {
      if (hasCode(error, "ENOENT")) return "absent";
      throw error;
    }
  }

  /** Lists the keys in a set; null if there is no such set. */
  elements(table: string, set: string): readonly Uint8Array[] | null {
    return this.#listIfThere(elementDump(table, set))?.flatMap(parseElements) ?? null;
  }

  /** Lists the comments of the rules in a chain, in their order; a chain that is not there has none. */
  comments(table: string, chain: string, family: NftFamily = "inet"): readonly string[] {
    const rules = this.#listIfThere(ruleDump(table, chain, family))?.flatMap(
      (message) => parseRule(message) ?? [],
    );
    // Kernels that do not know how to narrow a dump give all chains.
    return rules?.filter((rule) => rule.chain === chain).map(({ comment }) => comment) ?? [];
  }

  /** Gives the number of the generation in force, which every transaction of anybody's counts up. */
  generation(): number {
    const [found] = this.#connection
      .request(generationRequest())
      .flatMap((message) => parseGeneration(message) ?? []);
    if (found === undefined) throw new NetlinkError("nf_tables: read generation", "EPROTO");
    return found;
  }

  /** Calls `react` when anything in a table was changed, by whomever, or may have been; the result ends it. */
  subscribe(table: string, react: () => void): () => void {
    const fd = openEventSocket(NETLINK_NETFILTER, tableGroup);
    const into = new Uint8Array(eventLength);
    const unsubscribe = (): void => {
      if (this.#subscriptions.delete(unsubscribe)) native.close(fd);
    };
    this.#subscriptions.add(unsubscribe);
    native.watch(fd, () => {
      if (hasNews(fd, into, table) && this.#subscriptions.has(unsubscribe)) react();
    });
    return unsubscribe;
  }

  /** Closes the socket and ends all subscriptions. */
  close(): void {
    for (const unsubscribe of this.#subscriptions) unsubscribe();
    this.#connection.close();
  }

  #listIfThere(request: NetlinkRequest): readonly NetlinkMessage[] | null {
    try {
      return this.#connection.dump(request);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return null;
      throw error;
    }
  }
}

/** Removes a table that a process left behind; tells whether it was there, which it is not where there is no packet filter. */
export function removeLeftTable(table: string, family: NftFamily = "inet"): boolean {
  let filter: Nftables;
  try {
    filter = Nftables.open();
  } catch {
    return false;
  }
  try {
    return filter.removeTable(table, family) === "removed";
  } catch {
    // What the kernel knows nothing of is not there.
    return false;
  } finally {
    filter.close();
  }
}

/** Reads what one wake-up has to tell; tells whether any of it is about the table, or was lost. */
function hasNews(fd: number, into: Uint8Array, table: string): boolean {
  let isNews = false;
  for (let count = 0; count < datagramsPerWake; count++) {
    try {
      const datagram = receiveFromKernel(fd, into);
      if (datagram === null) break;
      isNews ||= parseMessages(datagram).some((message) => notifiedTable(message) === table);
    } catch (error) {
      if (!hasCode(error, "ENOBUFS", "EMSGSIZE")) throw error;
      isNews = true;
    }
  }
  return isNews;
}

import { toHex, fromHex } from "../../src/base/bytes.ts";
import { NetlinkError } from "../../src/kernel/netlink/netlink-error.ts";
import type { NftChange } from "../../src/kernel/nftables-messages.ts";
import type { PacketFilter } from "../../src/vrrp/host.ts";

interface FakeTable {
  readonly sets: Map<string, Set<string>>;
  readonly comments: string[];
}

/** The packet filter of a fake machine: tables with sets of keys and the comments of rules. */
export class FakePacketFilter {
  readonly tables: Map<string, FakeTable> = new Map();
  /** Whether the kernel has one at all. */
  isThere = true;
  readonly #subscribers = new Set<{ readonly table: string; readonly react: () => void }>();
  readonly #later: (action: () => void) => void;

  /** `later` carries out what the kernel tells, a little after it happened. */
  constructor(later: (action: () => void) => void) {
    this.#later = later;
  }

  /** Gives the keys in a set, as hexadecimal digits. */
  keys(table: string, set: string): readonly string[] {
    return [...(this.tables.get(table)?.sets.get(set) ?? [])].toSorted();
  }

  /** Removes everything, as `nft flush ruleset` does. */
  flush(): void {
    const gone = [...this.tables.keys()];
    this.tables.clear();
    this.#tell(gone);
  }

  open(): PacketFilter {
    if (!this.isThere) throw new NetlinkError("nf_tables", "EPROTONOSUPPORT");
    return {
      apply: (changes) => {
        for (const change of changes) this.#change(change);
        this.#tell(changes.map(({ table }) => table));
      },
      elements: (table, set) => {
        const keys = this.tables.get(table)?.sets.get(set);
        return keys === undefined ? null : [...keys].map(fromHex);
      },
      comments: (table) => this.tables.get(table)?.comments ?? [],
      removeTable: (table) => (this.tables.delete(table) ? "removed" : "absent"),
      subscribe: (table, react) => {
        const subscriber = { table, react };
        this.#subscribers.add(subscriber);
        return () => this.#subscribers.delete(subscriber);
      },
      close: () => undefined,
    };
  }

  #change(change: NftChange): void {
    const { kind, table: name } = change;
    if (kind === "add-table") {
      if (!this.tables.has(name)) this.tables.set(name, { sets: new Map(), comments: [] });
      return;
    }
    const table = this.tables.get(name) ?? missing();
    if (kind === "remove-table") this.tables.delete(name);
    if (kind === "add-set" && !table.sets.has(change.set.name)) table.sets.set(change.set.name, new Set());
    if (kind === "add-rule") table.comments.push(change.rule.comment);
    if (kind !== "add-elements" && kind !== "remove-elements") return;
    const set = table.sets.get(change.set) ?? missing();
    for (const key of change.keys.map(toHex)) {
      if (kind === "add-elements") set.add(key);
      else if (!set.delete(key)) missing();
    }
  }

  #tell(tables: readonly string[]): void {
    this.#later(() => {
      for (const { table, react } of this.#subscribers) if (tables.includes(table)) react();
    });
  }
}

function missing(): never {
  throw new NetlinkError("nf_tables", "ENOENT");
}

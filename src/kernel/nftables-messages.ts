import { unreachable } from "../base/assert.ts";
import { concatBytes } from "../base/bytes.ts";
import {
  attribute,
  be32,
  listAttributes,
  nested,
  parseAttributes,
  readBe32,
  readText,
  text,
} from "./netlink/attribute.ts";
import type { NetlinkRequest } from "./netlink/connection.ts";
import { messageFlag, type NetlinkMessage } from "./netlink/message.ts";
import { dataOf } from "./nftables-expressions.ts";

/**
 * PURE: the messages of nf_tables, those of a transaction and those that read. Tables are of the family inet, which sees
 * IPv4 and IPv6, or of netdev, which sees what passes through an interface. Numbers are in network order here, unlike in the rest of netlink.
 */

/** A set of values that rules look up; `keyType` is nft(8)'s number of the type, which is for its eyes only. */
export interface NftSet {
  readonly name: string;
  readonly keyType: number;
  readonly keyLength: number;
  /** How many keys it holds at most. Without it the kernel's table grows, and a dump meanwhile lacks some or has them twice. */
  readonly size?: number;
  /** Makes it a map that rules fill, where what nobody renews is forgotten; lengths in bytes. */
  readonly map?: { readonly type: number; readonly length: number; readonly timeoutMs: number };
}

/** The families of tables in use here. */
export type NftFamily = "inet" | "netdev";

/** A chain that the kernel runs on every packet at a point of its way. */
export interface NftChain {
  readonly name: string;
  /** Chains of `nat` see the first packet of each connection only. */
  readonly type: "filter" | "nat";
  readonly hook: keyof typeof hooks;
  /** Chains of lower priority come first. */
  readonly priority: number;
  /** The interfaces of a chain at `ingress` or `egress`; for the others none. */
  readonly links?: readonly string[];
}

/** A rule at the end of a chain; its comment tells it from others. */
export interface NftRule {
  readonly chain: string;
  readonly comment: string;
  readonly expressions: readonly Uint8Array[];
}

/** One step of a transaction; what is there already is no error, what is to be removed and is not there is one. */
export type NftChange = NftStep & {
  /** The table's; without it `inet`. */
  readonly family?: NftFamily;
};

type NftStep =
  | { readonly kind: "add-table" | "remove-table"; readonly table: string }
  | { readonly kind: "add-set"; readonly table: string; readonly set: NftSet; readonly id: number }
  | { readonly kind: "add-chain"; readonly table: string; readonly chain: NftChain }
  | { readonly kind: "add-rule"; readonly table: string; readonly rule: NftRule }
  | {
      readonly kind: "add-elements" | "remove-elements";
      readonly table: string;
      readonly set: string;
      readonly keys: readonly Uint8Array[];
    };

const hooks = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4, ingress: 0, egress: 1 };
const subsystem = 10;
const families: Readonly<Record<NftFamily, number>> = { inet: 1, netdev: 5 };
const command = {
  newTable: 0,
  getTable: 1,
  delTable: 2,
  newChain: 3,
  newRule: 6,
  getRule: 7,
  newSet: 9,
  newElements: 12,
  getElements: 13,
  delElements: 14,
  newGeneration: 15,
  getGeneration: 16,
} as const;

const acceptPolicy = 1;
const listElement = 1;
// nft(8) keeps comments in user data as { type u8, length u8, text with NUL }.
const commentType = 0;
// As many as fit an attribute of 64 KiB, the longest key being 20 bytes.
const elementsPerMessage = 1000;

function header(family: number, resource: number): Uint8Array {
  return Uint8Array.of(family, 0, resource >> 8, resource & 0xff);
}

function request(
  operation: string,
  what: keyof typeof command,
  how: {
    readonly family: NftFamily | undefined;
    readonly flags?: number;
    readonly attributes: readonly Uint8Array[];
  },
): NetlinkRequest {
  return {
    operation,
    type: (subsystem << 8) | command[what],
    flags: how.flags ?? 0,
    payload: concatBytes(header(families[how.family ?? "inet"], 0), ...how.attributes),
  };
}

/** Gives the steps that leave a table empty, whether or not it was there: removing what is not there would be refused. */
export function emptiedTable(table: string, family: NftFamily = "inet"): readonly NftChange[] {
  return [
    { kind: "add-table", family, table },
    { kind: "remove-table", family, table },
    { kind: "add-table", family, table },
  ];
}

/** What a transaction begins with; with a generation it is refused (`ERESTART`) if the rules have changed since. */
export function transactionBegin(generation: number | null = null): NetlinkRequest {
  const payload = concatBytes(header(0, subsystem), ...(generation === null ? [] : [be32(1, generation)]));
  return { operation: "nf_tables", type: 0x10, flags: 0, payload };
}

/** What a transaction ends with. */
export const transactionEnd: NetlinkRequest = {
  operation: "nf_tables",
  type: 0x11,
  flags: 0,
  payload: header(0, subsystem),
};

/** Writes a step. */
export function changeRequests(change: NftChange): readonly NetlinkRequest[] {
  const { table, family } = change;
  const { create } = messageFlag;
  switch (change.kind) {
    case "add-table":
      return [
        request(`nf_tables: table ${table}`, "newTable", {
          family,
          flags: create,
          attributes: [text(1, table)],
        }),
      ];
    case "remove-table":
      return [
        request(`nf_tables: remove table ${table}`, "delTable", { family, attributes: [text(1, table)] }),
      ];
    case "add-set": {
      const { name, keyType, keyLength } = change.set;
      const key = [be32(4, keyType), be32(5, keyLength)];
      const flags = be32(3, change.set.map === undefined ? 0 : mapFlags);
      const more = [...mapAttributes(change.set), ...sizeAttributes(change.set)];
      const attributes = [text(1, table), text(2, name), flags, ...key, ...more, be32(10, change.id)];
      return [request(`nf_tables: set ${name}`, "newSet", { family, flags: create, attributes })];
    }
    case "add-chain": {
      const { name, type, hook, priority, links = [] } = change.chain;
      const on = links.length === 0 ? [] : [nested(4, ...links.map((link) => text(1, link)))];
      const place = nested(4, be32(1, hooks[hook]), be32(2, priority), ...on);
      const attributes = [text(1, table), text(3, name), place, be32(5, acceptPolicy), text(7, type)];
      return [request(`nf_tables: chain ${name}`, "newChain", { family, flags: create, attributes })];
    }
    case "add-rule": {
      const { chain, comment, expressions } = change.rule;
      const attributes = [
        text(1, table),
        text(2, chain),
        nested(4, ...expressions),
        attribute(7, commentBytes(comment)),
      ];
      const flags = create | appendFlag;
      return [request(`nf_tables: rule ${comment}`, "newRule", { family, flags, attributes })];
    }
    case "add-elements":
      return elementRequests(change, "newElements", create);
    case "remove-elements":
      return elementRequests(change, "delElements", 0);
    default:
      return unreachable(change);
  }
}

const appendFlag = 0x800;
// NFT_SET_MAP, NFT_SET_TIMEOUT, NFT_SET_EVAL.
const mapFlags = 0x8 | 0x10 | 0x20;

function mapAttributes({ map }: NftSet): readonly Uint8Array[] {
  if (map === undefined) return [];
  const timeout = new Uint8Array(8);
  new DataView(timeout.buffer).setBigUint64(0, BigInt(map.timeoutMs), false);
  return [be32(6, map.type), be32(7, map.length), attribute(11, timeout)];
}

function sizeAttributes({ size }: NftSet): readonly Uint8Array[] {
  return size === undefined ? [] : [nested(9, be32(1, size))];
}

function elementRequests(
  change: Extract<NftChange, { readonly keys: readonly Uint8Array[] }>,
  what: "newElements" | "delElements",
  flags: number,
): readonly NetlinkRequest[] {
  const { table, family, set, keys } = change;
  const requests: NetlinkRequest[] = [];
  for (let start = 0; start < keys.length; start += elementsPerMessage) {
    const elements = keys
      .slice(start, start + elementsPerMessage)
      .map((key) => nested(listElement, nested(1, dataOf(key))));
    const attributes = [text(1, table), text(2, set), nested(3, ...elements)];
    requests.push(request(`nf_tables: elements of ${set}`, what, { family, flags, attributes }));
  }
  return requests;
}

function commentBytes(comment: string): Uint8Array {
  const bytes = new TextEncoder().encode(`${comment}\0`);
  return concatBytes(Uint8Array.of(commentType, bytes.length), bytes);
}

/** Asks for the keys in a set. */
export function elementDump(table: string, set: string): NetlinkRequest {
  return request(`nf_tables: read set ${set}`, "getElements", {
    family: "inet",
    attributes: [text(1, table), text(2, set)],
  });
}

/** Asks for the rules of a chain. */
export function ruleDump(table: string, chain: string, family: NftFamily = "inet"): NetlinkRequest {
  return request(`nf_tables: read chain ${chain}`, "getRule", {
    family,
    attributes: [text(1, table), text(2, chain)],
  });
}

/** Asks for a table. */
export function tableRequest(table: string, family: NftFamily): NetlinkRequest {
  return request(`nf_tables: read table ${table}`, "getTable", { family, attributes: [text(1, table)] });
}

/** Asks which generation of rules is in force. */
export function generationRequest(): NetlinkRequest {
  return request("nf_tables: read generation", "getGeneration", { family: "inet", attributes: [] });
}

function body({ payload }: NetlinkMessage): Uint8Array {
  return payload.subarray(Math.min(4, payload.length));
}

function isOf(message: NetlinkMessage, what: keyof typeof command): boolean {
  return message.type === ((subsystem << 8) | command[what]);
}

/** Reads the keys in one message of a set's dump. */
export function parseElements(message: NetlinkMessage): readonly Uint8Array[] {
  if (!isOf(message, "newElements")) return [];
  const list = parseAttributes(body(message)).get(3) ?? new Uint8Array();
  return listAttributes(list).flatMap(([, element]) => {
    const key = parseAttributes(element).get(1);
    const value = key === undefined ? undefined : parseAttributes(key).get(1);
    return value === undefined ? [] : [value];
  });
}

/** Reads a rule's chain and comment; null if the message has no rule. */
export function parseRule(
  message: NetlinkMessage,
): { readonly chain: string; readonly comment: string } | null {
  if (!isOf(message, "newRule")) return null;
  const attributes = parseAttributes(body(message));
  const userData = attributes.get(7) ?? new Uint8Array();
  const length = userData[0] === commentType ? (userData[1] ?? 0) : 0;
  const comment = new TextDecoder().decode(userData.subarray(2, 2 + Math.max(0, length - 1)));
  return { chain: readText(attributes, 2) ?? "", comment };
}

/** Reads a generation; null if the message has none. */
export function parseGeneration(message: NetlinkMessage): number | null {
  return isOf(message, "newGeneration") ? readBe32(parseAttributes(body(message)), 1) : null;
}

/** Reads which table a notification is about; null for the end of a transaction and other families. */
export function notifiedTable(message: NetlinkMessage): string | null {
  const isTables =
    message.type >> 8 === subsystem && Object.values(families).includes(message.payload[0] ?? 0);
  if (!isTables || isOf(message, "newGeneration")) return null;
  return readText(parseAttributes(body(message)), 1);
}

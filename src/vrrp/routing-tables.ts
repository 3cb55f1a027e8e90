import type { VrrpInstancePlan } from "../config/node-plan.ts";
import type { Host } from "./host.ts";

/** Where iproute2 keeps the names of routing tables: the administrator's, and the distribution's. */
const paths = ["/etc/iproute2/rt_tables", "/usr/share/iproute2/rt_tables", "/usr/lib/iproute2/rt_tables"];

const builtIn: readonly (readonly [string, number])[] = [
  ["default", 253],
  ["main", 254],
  ["local", 255],
];

/** PURE: reads lines of a number and a name; `#` begins a comment. */
export function parseTables(text: string): readonly (readonly [string, number])[] {
  return text.split("\n").flatMap((line) => {
    const [number = "", name = ""] = line.replace(/#.*$/, "").trim().split(/\s+/);
    const value = Number(number);
    const isNumber = /^(0x[0-9a-fA-F]+|\d+)$/.test(number) && value > 0 && value <= 0xffff_ffff;
    return isNumber && name !== "" ? [[name, value] as const] : [];
  });
}

/** Tables that something of a name needs. */
export interface TablesNeeded {
  /** Whose they are, for messages. */
  readonly name: string;
  readonly tables: readonly (number | string)[];
}

/** Gives the tables that the routes and rules of a virtual router need. */
export function tablesOf({ name, routes, rules }: VrrpInstancePlan): TablesNeeded {
  const ofRules = rules.flatMap(({ action }) => (action.kind === "table" ? [action.table] : []));
  return { name, tables: [...routes.map(({ table }) => table), ...ofRules] };
}

/** Gives the numbers of all tables that go by a name; throws for a name this host does not know. */
export function tableNumbers(
  needed: readonly TablesNeeded[],
  host: Pick<Host, "readFile">,
): ReadonlyMap<string, number> {
  const named = needed.flatMap(({ name, tables }) =>
    tables.flatMap((table) => (typeof table === "string" ? [{ name, table }] : [])),
  );
  if (named.length === 0) return new Map();
  // The administrator's names go before the distribution's.
  const texts = paths.map((path) => host.readFile(path) ?? "").toReversed();
  const known = new Map([...builtIn, ...texts.flatMap(parseTables)]);
  for (const { name, table } of named) {
    if (known.has(table)) continue;
    const remedy = `add it to ${paths[0]} on this node, or write its number`;
    throw new Error(`${name}: this node knows no routing table named "${table}"; ${remedy}`);
  }
  return known;
}

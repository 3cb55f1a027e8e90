import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, double, nat, property, record } from "fast-check";
import { readdirSync, readFileSync } from "node:fs";
import { z } from "zod";
import { bfdSessionSchema } from "../../../src/config/schema/bfd-session.ts";
import { clusterSchema, nodeSchema, proxySchema } from "../../../src/config/schema/cluster.ts";
import { addressGroupSchema, serverGroupSchema } from "../../../src/config/schema/groups.ts";
import { ipvsSchema, syncDaemonSchema } from "../../../src/config/schema/ipvs.ts";
import { listenerSchema } from "../../../src/config/schema/listener.ts";
import { notifySchema } from "../../../src/config/schema/notify.ts";
import { realServerSchema } from "../../../src/config/schema/real-server.ts";
import { serviceSchema } from "../../../src/config/schema/service.ts";
import { siteSchema } from "../../../src/config/schema/site.ts";
import { trackSchema } from "../../../src/config/schema/track.ts";
import { upstreamSchema } from "../../../src/config/schema/upstream.ts";
import { syncGroupSchema, vipSchema, vrrpSchema } from "../../../src/config/schema/vrrp.ts";
import { doubt, late, shortcutOf } from "../../../src/config/schema/shortcut.ts";
import { parseToml, plainValue } from "../../../src/config/toml-tree.ts";

const root = `${import.meta.dir}/../../..`;
const manual = readFileSync(`${root}/docs/configuration.md`, "utf8");
const topologies = `${root}/test/support/topologies`;

/** What those have none of. */
const rest = `
[notify]
script = "/usr/local/bin/told"
services = true
timeout = "5s"
[proxy]
workers = 2
drain = "1m"
cache_memory = "64m"
[ipvs]
tcp_timeout = "15m"
sysctls = { sync_threshold = "3 50" }
[sync_daemon]
interface = { lb1 = "eth1", lb2 = "eth1" }
id = 51
[real_server]
vips = ["v"]
tunnel = ["ipip", "gue:6080"]
agent = { address = ":8081", weight = "cpu" }
health = { type = "tcp", port = 80 }
[[address_group]]
name = "shops"
addresses = ["192.0.2.100", "2001:DB8::1"]
ports = [80, "8000-8010"]
[[server_group]]
name = "farm"
servers = [{ address = "192.0.2.8", weight = 3, check = [{ type = "tcp" }, { type = "ping", interval = "1s" }] }]
[[service]]
name = "all"
vips = ["v"]
ports = [80, 443]
fwmark = 7
protocol = "udp"
forward = "tunnel"
tunnel = { type = "gue", port = 5555 }
scheduler = "mh"
scheduler_flags = ["port"]
persistence = "50s"
persistence_mask = { ipv4 = 24, ipv6 = 64 }
sorry = "192.0.2.9:80"
quorum = 2
quorum_up = "/bin/up now"
quorum_user = "nobody"
damping = { changes = 5, within = "5m", hold = "5m" }
check = { type = "http", path = "/", status = [200, "300-399"], body = "ok" }
servers = [
  { address = "192.0.2.8", port = 80, weight = 3, inhibit = true, slow_start = "30s" },
  { address = "192.0.2.9", forward = "dr", upper_threshold = 5, check = { type = "dns", name = "a.example" } },
]
[[service]]
name = "grouped"
addresses = ["192.0.2.100"]
port = 80
forward = "nat"
one_packet = true
server_groups = ["farm"]
`;
const files = [
  rest,
  ...[...manual.matchAll(/```toml\n([^]*?)```/g)].map((match) => match[1] ?? ""),
  ...readdirSync(topologies).map((name) => readFileSync(`${topologies}/${name}`, "utf8")),
];

const tableSchemas: Readonly<Record<string, z.ZodType>> = {
  cluster: clusterSchema,
  node: nodeSchema,
  vip: vipSchema,
  vrrp: vrrpSchema,
  sync_group: syncGroupSchema,
  track: trackSchema,
  bfd: bfdSessionSchema,
  notify: notifySchema,
  service: serviceSchema,
  address_group: addressGroupSchema,
  server_group: serverGroupSchema,
  listener: listenerSchema,
  upstream: upstreamSchema,
  site: siteSchema,
  sync_daemon: syncDaemonSchema,
  ipvs: ipvsSchema,
  proxy: proxySchema,
  real_server: realServerSchema,
};

type Table = Record<string, unknown>;

interface Sample {
  readonly schema: z.ZodType;
  readonly table: Table;
}

/** Every table that the manual shows or a topology has. */
const samples: readonly Sample[] = files.flatMap((text) => {
  const { tree } = parseToml(text);
  if (tree === null) return [];
  return Object.entries(plainValue(tree) as Table).flatMap(([name, value]) => {
    const schema = tableSchemas[name];
    if (schema === undefined) return [];
    return [value].flat().map((table) => ({ schema, table: table as Table }));
  });
});

const oddValues: readonly unknown[] = [
  "",
  "x",
  "tcp",
  "10.0.0.1",
  "10.0.0.1/24",
  "::1",
  "10.0.0.1:80",
  "5s",
  "5",
  "off",
  "a\u0001b",
  0,
  1,
  -1,
  80,
  1.5,
  65_536,
  2 ** 53,
  Number.NaN,
  true,
  false,
  [],
  {},
  [[]],
  [1],
  ["a", "a"],
  { type: "tcp" },
  [{ type: "tcp" }, { type: "ping" }],
  { address: "10.0.0.1" },
  [{ address: "10.0.0.1", weight: 2 }],
  new Date(Number.NaN),
];

interface Change {
  readonly at: number;
  readonly what: "put" | "add" | "remove" | "lend";
  readonly odd: unknown;
  readonly from: number;
}

const change = record<Change>({
  at: double({ min: 0, max: 1, noNaN: true }),
  what: constantFrom("put", "add", "remove", "lend"),
  odd: constantFrom(...oddValues),
  from: nat(),
});

/** Makes a change at one place of a table. */
function changed(table: Table, { at, what, odd: shared, from }: Change): Table {
  const odd = structuredClone(shared);
  const copy = structuredClone(table);
  const places: { holder: Table; key: string }[] = [];
  const visit = (holder: Table): void => {
    for (const key of Object.keys(holder)) {
      places.push({ holder, key });
      const value = holder[key];
      if (typeof value === "object" && value !== null && !(value instanceof Date)) visit(value as Table);
    }
  };
  visit(copy);
  const place = places[Math.floor(at * places.length)];
  if (place === undefined) return copy;
  const { holder, key } = place;
  const lender = samples[from % samples.length]?.table ?? {};
  const keys = Object.keys(lender);
  const lent = keys[from % keys.length] ?? key;
  if (what === "put") holder[key] = odd;
  else if (what === "add") holder[Array.isArray(holder) ? String(holder.length) : lent] = odd;
  else if (what === "lend") copy[lent] = lender[lent];
  else if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
  return copy;
}

/** What zod takes the shortcut takes too, and makes the same of it in the same order; what zod refuses is in doubt. */
function compare({ schema, table }: Sample): void {
  const slow = schema.safeParse(table);
  const fast = shortcutOf(schema)(table);
  if (!slow.success) expect(fast).toBe(doubt);
  else {
    expect(fast).toEqual(slow.data);
    expect(JSON.stringify(fast)).toBe(JSON.stringify(slow.data));
  }
}

describe("a shortcut past zod", () => {
  test("has the tables of the manual and of the topologies to try", () => {
    expect(new Set(samples.map(({ schema }) => schema)).size).toBe(Object.keys(tableSchemas).length);
    for (const sample of samples) compare(sample);
  });

  test("comes to what zod comes to, or both refuse, whatever is changed", () => {
    assert(
      property(constantFrom(...samples), array(change, { minLength: 1, maxLength: 3 }), (sample, changes) => {
        compare({ ...sample, table: changes.reduce(changed, sample.table) });
      }),
      { numRuns: 3000 },
    );
  }, 60_000);
});

test("a schema that is made late is zod's own, once, for whoever asks it for anything", () => {
  let made = 0;
  const schema = late(
    () => {
      made += 1;
      return z.string().min(2);
    },
    (value) => (value === "ab" ? value : doubt),
  );
  expect(shortcutOf(schema)("ab")).toBe("ab");
  expect(made).toBe(0);
  expect(schema.nullable().safeParse(null).success).toBe(true);
  expect(schema.describe("a word").description).toBe("a word");
  expect(schema instanceof z.ZodType).toBe(true);
  expect(z.object({ key: schema.default("word") }).parse({})).toEqual({ key: "word" });
  expect(z.array(schema).safeParse(["abc", "a"]).success).toBe(false);
  expect(made).toBe(1);
});

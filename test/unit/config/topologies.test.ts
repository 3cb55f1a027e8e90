import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { planNode } from "../../../src/config/plan.ts";
import { readConfig } from "../../../src/config/read.ts";
import { linesOf } from "./expect-lines.ts";

const folder = `${import.meta.dir}/../../support/topologies`;
const topologies = readdirSync(folder).map((file) => ({
  name: file,
  text: readFileSync(`${folder}/${file}`, "utf8"),
}));
const byNumber = (a = 0, b = 0): number => a - b;

describe("the fourteen published set-ups in the cluster form", () => {
  test("are all here", () => {
    expect(topologies).toHaveLength(14);
  });

  test.each(topologies)("$name loads and gives each node its mirror image", ({ text }) => {
    const { config, diagnostics } = readConfig(text, "f");
    expect(diagnostics).toEqual([]);
    if (config === null) return;
    const plans = config.nodes.map(({ name }) => planNode(config, name, { cores: 1 }));
    for (const instance of config.instances) {
      const claims = plans.map((plan) => plan.vrrp.instances.find(({ name }) => name === instance.name));
      expect(claims.map((claim) => claim?.vrid)).toEqual([instance.vrid, instance.vrid]);
      expect(claims.map((claim) => claim?.priority).sort(byNumber)).toEqual([250, 254]);
      expect(claims.map((claim) => claim?.addresses.map(({ address }) => address))).toEqual([
        instance.addresses.map(({ address }) => address),
        instance.addresses.map(({ address }) => address),
      ]);
    }
  });
});

interface Published {
  readonly set: string;
  /** Name, interface, VRID, address, and the priorities on the two hosts. */
  readonly instances: readonly (readonly [string, string, number, string, number, number])[];
}

const external1 = ["External_1", "eth1", 171, "10.16.8.100", 100, 100] as const;
const external2 = ["External_2", "eth1", 172, "10.16.8.101", 95, 95] as const;
const internal1 = ["Internal_1", "eth2", 191, "172.16.8.100", 100, 100] as const;
const internal2 = ["Internal_2", "eth2", 192, "172.16.8.101", 95, 95] as const;

const published: readonly Published[] = [
  {
    set: "double-vip-nginx",
    instances: [
      ["VI_1", "eth1", 105, "10.16.8.198", 120, 120],
      ["VI_2", "eth1", 110, "10.16.8.199", 100, 180],
    ],
  },
  { set: "dual-net-async-active-standby", instances: [external1, internal1] },
  { set: "dual-net-async-dual-active", instances: [external1, external2, internal1, internal2] },
  {
    set: "dual-net-async-dual-active-l7",
    instances: [
      external1,
      ["External_2", "eth1", 172, "10.16.8.101", 95, 100],
      ["Internal_1", "eth2", 191, "172.16.8.100", 100, 95],
      ["Internal_2", "eth2", 192, "172.16.8.101", 95, 100],
    ],
  },
  { set: "dual-net-sync-active-standby", instances: [external1, internal1] },
  { set: "dual-net-sync-dual-active", instances: [external1, external2, internal1, internal2] },
  { set: "nginx-active-standby", instances: [["VI_1", "eth2", 55, "172.16.8.12", 100, 100]] },
  {
    set: "single-net-dual-active",
    instances: [
      ["VG_1", "eth2", 191, "172.16.8.100", 100, 100],
      ["VG_2", "eth2", 192, "172.16.8.101", 95, 95],
    ],
  },
];

function spelledOut({ set, instances }: Published): string {
  const routers = instances.map(
    ([name, on, vrid, address, one, other]) => `[[vrrp]]
name = "${name}"
interface = "${on}"
vrid = ${vrid}
priority = { ka67 = ${one}, ka68 = ${other} }
addresses = ["${address}"]
`,
  );
  return `[cluster]
name = "${set}"
[[node]]
name = "ka67"
address = { eth1 = "10.16.8.67/24", eth2 = "172.16.8.67/24" }
[[node]]
name = "ka68"
address = { eth1 = "10.16.8.68/24", eth2 = "172.16.8.68/24" }
${routers.join("")}`;
}

describe("the eight published sets with the same priority on both hosts", () => {
  test.each(published)("$set is refused with what would happen", (topology) => {
    const lines = linesOf(spelledOut(topology));
    const expected = topology.instances.flatMap(([name, , , , one, other], index) =>
      one === other
        ? [
            `${13 + index * 6}:12 vrrp "${name}".priority: "ka67" and "ka68" both have priority ${one}, so the higher own address would win, whatever is meant; ` +
              `give each node its own number, as in priority = { ka67 = ${one}, ka68 = ${one - 10} }`,
          ]
        : [],
    );
    expect(lines).toEqual(expected);
    expect(expected.length).toBeGreaterThan(0);
  });

  test.each(published)("$set loads once the priorities differ", (topology) => {
    const instances = topology.instances.map(
      ([name, on, vrid, address, one, other]) =>
        [name, on, vrid, address, one, one === other ? other - 10 : other] as const,
    );
    expect(linesOf(spelledOut({ ...topology, instances }))).toEqual([]);
  });
});

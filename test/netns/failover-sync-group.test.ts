import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { instanceOf, startEdgeHa, type EdgeHa } from "../support/edge-ha.ts";
import { Lab, waitFor, type Host } from "../support/lab.ts";

setDefaultTimeout(60_000);

const outside = "198.51.100.100";
const inside = "192.0.2.100";

const config = `[cluster]
name = "test"
advert_interval = "100ms"

[[node]]
name = "lb1"
address = { eth1 = "192.0.2.11", eth2 = "198.51.100.11" }
[[node]]
name = "lb2"
address = { eth1 = "192.0.2.12", eth2 = "198.51.100.12" }

[[vip]]
name = "inside"
address = "${inside}/24"
interface = "eth1"
vrid = 51
prefer = ["lb1", "lb2"]
[[vip]]
name = "outside"
address = "${outside}/24"
interface = "eth2"
vrid = 52
prefer = ["lb1", "lb2"]

[[sync_group]]
name = "VG_1"
vips = ["inside", "outside"]
`;

async function startNodes(lab: Lab): Promise<{ hosts: [Host, Host]; nodes: [EdgeHa, EdgeHa] }> {
  await lab.bridge("in");
  await lab.bridge("out");
  const host = (name: string, number: number): Promise<Host> =>
    lab.host(name, {
      eth1: { bridge: "in", address: `192.0.2.${number}/24` },
      eth2: { bridge: "out", address: `198.51.100.${number}/24` },
    });
  const [lb1, lb2] = [await host("lb1", 11), await host("lb2", 12)];
  const nodes: [EdgeHa, EdgeHa] = [
    await startEdgeHa(lb1, { config, node: "lb1" }),
    await startEdgeHa(lb2, { config, node: "lb2" }),
  ];
  await untilBothAt(lb1, lb2);
  return { hosts: [lb1, lb2], nodes };
}

async function untilBothAt(holder: Host, other: Host): Promise<void> {
  await waitFor(`${holder.name} alone holds both addresses`, async () => {
    const held = await Promise.all([inside, outside].map((address) => holder.holds(address)));
    const elsewhere = await Promise.all([inside, outside].map((address) => other.holds(address)));
    return held.every(Boolean) && !elsewhere.some(Boolean);
  });
}

describe("a sync group on two networks", () => {
  test("moves both addresses when one of the two links is cut, and both back afterwards", async () => {
    await using lab = await Lab.create();
    const { hosts, nodes } = await startNodes(lab);
    const [lb1, lb2] = hosts;
    await lb1.cutLink("eth2");
    await untilBothAt(lb2, lb1);
    const other = await instanceOf(nodes[0], "inside");
    expect(other.state).not.toBe("active");
    expect(other.reason).toMatch(/VG_1|outside/);
    await lb1.restoreLink("eth2");
    await untilBothAt(lb1, lb2);
  });

  test("moves both addresses when the active node is stopped", async () => {
    await using lab = await Lab.create();
    const { hosts, nodes } = await startNodes(lab);
    expect(await nodes[0].stop()).toBe(0);
    await untilBothAt(hosts[1], hosts[0]);
  });

  test("leaves both addresses where they are when only one network loses frames: the other one proves the holder alive", async () => {
    await using lab = await Lab.create();
    const { hosts, nodes } = await startNodes(lab);
    const [lb1, lb2] = hosts;
    const movements = lb2.spawn(["ip", "monitor", "address"]);
    await lb1.blockLink("eth2");
    // Several times what an election would take.
    await Bun.sleep(1_500);
    expect(movements.output()).toBe("");
    expect((await instanceOf(nodes[1], "outside")).state).toBe("backup");
    await untilBothAt(lb1, lb2);
  });

  test("has both addresses at the other node when both networks lose frames, and at one node again afterwards", async () => {
    await using lab = await Lab.create();
    const { hosts } = await startNodes(lab);
    const [lb1, lb2] = hosts;
    for (const ifname of ["eth1", "eth2"]) await lb1.blockLink(ifname);
    await waitFor("lb2 holds both", async () => (await lb2.holds(inside)) && (await lb2.holds(outside)));
    for (const ifname of ["eth1", "eth2"]) await lb1.unblockLink(ifname);
    await untilBothAt(lb1, lb2);
  });
});

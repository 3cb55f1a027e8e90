import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { nodesFile, vips } from "../support/cluster-file.ts";
import { instanceOf, startEdgeHa, type EdgeHa } from "../support/edge-ha.ts";
import { startKeepalived } from "../support/keepalived.ts";
import { waitFor, type Child, type Host } from "../support/lab.ts";
import { createPair, type Pair } from "../support/pair.ts";

setDefaultTimeout(60_000);

/** The kinds of groups that both are members of; the priorities are ours and the peer's. */
interface Group {
  readonly version: 2 | 3;
  readonly advertSeconds: number;
  readonly password?: string;
}

const version2: Group = { version: 2, advertSeconds: 1, password: "s3cret" };
const version3: Group = { version: 3, advertSeconds: 0.1 };

function startOurs(host: Host, group: Group, priority: number): Promise<EdgeHa> {
  const { version, advertSeconds, password } = group;
  const head = nodesFile({
    version,
    advertInterval: `${advertSeconds * 1_000}ms`,
    ...(password && { password }),
  });
  const config = `${head}
[[vrrp]]
name = "shared"
interface = "eth0"
vrid = 51
nodes = ["${host.name}"]
priority = ${priority}
addresses = ["${vips.first}/24"]
`;
  return startEdgeHa(host, { config, node: host.name });
}

function startPeer(host: Host, group: Group, priority: number): Promise<Child> {
  const { version, advertSeconds, password } = group;
  const shared = { interface: "eth0", version, vrid: 51, addresses: [`${vips.first}/24`] };
  return startKeepalived(host, [
    { ...shared, priority, advertInterval: advertSeconds, ...(password && { password }) },
  ]);
}

async function untilOnly(holder: Host, other: Host): Promise<void> {
  await waitFor(`${holder.name} alone holds the address`, async () => {
    return (await holder.holds(vips.first)) && !(await other.holds(vips.first));
  });
}

/** Ours on lb1, keepalived on lb2: the better one takes the address, loses it with its link, and takes it back. */
async function exchange({ lb1, lb2 }: Pair, group: Group, ourPriority: number): Promise<void> {
  const ours = await startOurs(lb1, group, ourPriority);
  await startPeer(lb2, group, 150);
  const [better, worse] = ourPriority > 150 ? [lb1, lb2] : [lb2, lb1];
  await untilOnly(better, worse);
  await better.cutLink("eth0");
  await untilOnly(worse, better);
  await better.restoreLink("eth0");
  await untilOnly(better, worse);
  await waitFor("our status agrees", async () => {
    return (await instanceOf(ours, "shared")).state === (better === lb1 ? "active" : "backup");
  });
}

describe("edge-ha beside keepalived", () => {
  for (const [label, group] of [
    ["version 2 with a password", version2],
    ["version 3", version3],
  ] as const) {
    test(`takes and yields the address as the better router in ${label}`, async () => {
      await using pair = await createPair();
      await exchange(pair, group, 200);
    });

    test(`takes and yields the address as the worse router in ${label}`, async () => {
      await using pair = await createPair();
      await exchange(pair, group, 100);
    });

    test(`hands the address to keepalived without waiting for the timeout when stopped in ${label}`, async () => {
      await using pair = await createPair();
      const { lb1, lb2 } = pair;
      const ours = await startOurs(lb1, group, 200);
      await startPeer(lb2, group, 150);
      await untilOnly(lb1, lb2);
      const dump = lb2.spawn(["tcpdump", "-l", "-nv", "--immediate-mode", "-i", "eth0", "ip proto 112"]);
      await waitFor("an advertisement is seen", () => dump.output().includes("prio 200"));
      expect(await ours.stop()).toBe(0);
      await untilOnly(lb2, lb1);
      expect(dump.output()).toContain("prio 0");
    });

    test(`takes the address from keepalived when that one is stopped in ${label}`, async () => {
      await using pair = await createPair();
      const { lb1, lb2 } = pair;
      await startOurs(lb1, group, 100);
      const peer = await startPeer(lb2, group, 150);
      await untilOnly(lb2, lb1);
      peer.kill("SIGTERM");
      await untilOnly(lb1, lb2);
    });
  }

  test("ignores keepalived's advertisements when the password is another one", async () => {
    await using pair = await createPair();
    const { lb1, lb2 } = pair;
    const ours = await startOurs(lb1, version2, 100);
    await startPeer(lb2, { ...version2, password: "other" }, 150);
    await waitFor(
      "both hold the address",
      async () => (await lb1.holds(vips.first)) && (await lb2.holds(vips.first)),
    );
    await waitFor("drops are counted", async () => {
      const { counters } = await instanceOf(ours, "shared");
      return Object.entries(counters).some(([name, count]) => /auth/i.test(name) && count > 0);
    });
  });
});

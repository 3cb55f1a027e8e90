import { expect, setDefaultTimeout, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import type { SplitBrainStatus } from "../../../src/ipc/status.ts";
import { Frr } from "../../support/frr.ts";
import { type Host, waitFor } from "../../support/lab.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab, vip } from "./pair-lab.ts";
import { mac, macLink, over6 } from "./virtual-mac-plans.ts";

setDefaultTimeout(60_000);

/** Two of ours that are both active because a firewall takes what they say, and what they find out about each other. */
const settings = {
  IPv4: { vip },
  IPv6: { vip: over6.vip },
  "IPv4 with a virtual MAC": { vip, virtualMac: macLink },
  "IPv6 with a virtual MAC": { vip: over6.vip, virtualMac: over6.link },
} as const;

/** The peer's status says where it speaks from over IPv4; over IPv6 the file need not. */
function plan(wish: (typeof settings)[keyof typeof settings], priority: number): VrrpPlan {
  const other = { node: priority === 200 ? "lb2" : "lb1", address: null, priority: 300 - priority };
  return vrrpPlan([instancePlan({ advertIntervalMs: 100, priority, neighbours: [other], ...wish })]);
}

/** Has a host's firewall drop VRRP on its way in or out. */
async function filter(host: Host, hook: "input" | "output"): Promise<void> {
  const chain = `type filter hook ${hook} priority 0;`;
  const rules = `table inet edge { chain vrrp { ${chain} meta l4proto 112 drop; }; }`;
  const { exitCode, stderr } = await host.run(["nft", rules]);
  if (exitCode !== 0) throw new Error(stderr);
}

async function rivalOf(us: VrrpRole): Promise<SplitBrainStatus> {
  await waitFor("a split brain is found", () => (us.status()?.splitBrain ?? null) !== null);
  return us.status()?.splitBrain ?? Promise.reject(new Error("not found"));
}

async function macOf(host: Host): Promise<string> {
  return /link\/ether (\S+)/.exec(await host.ip(["link", "show", "dev", "eth0"]))?.[1] ?? "";
}

for (const [title, wish] of Object.entries(settings)) {
  test.concurrent(`${title}: both find the other by its answers, and see that it is over`, async () => {
    await using pair = await pairLab();
    for (const host of [pair.lb1, pair.lb2]) await filter(host, "output");
    const lb1 = await VrrpRole.start(pair.lb1, plan(wish, 200));
    const lb2 = await VrrpRole.start(pair.lb2, plan(wish, 100));
    const shared = "virtualMac" in wish ? (wish.vip === vip ? mac : over6.mac) : null;
    for (const [us, other, name] of [
      [lb1, pair.lb2, "lb2"],
      [lb2, pair.lb1, "lb1"],
    ] as const) {
      await us.reaches("active");
      const found = await rivalOf(us);
      expect(found).toMatchObject({
        cause: "filtered",
        rival: { node: name, address: null, mac: shared ?? (await macOf(other)) },
      });
      expect(found.explanation).toMatch(
        /^it answers for \S+ on the link, and no advertisement of it arrives$/,
      );
      expect(us.log()).toContain(`public-1: split brain: ${name} (`);
      expect(us.status()?.counters["splitBrains"]).toBe(1);
    }
    for (const host of [pair.lb1, pair.lb2]) await host.run(["nft", "flush ruleset"]);
    await lb2.reaches("backup");
    for (const us of [lb1, lb2]) {
      await waitFor("it is over", () => us.status()?.splitBrain === null);
      expect(us.log()).toContain("public-1: split brain is over after");
    }
  });
}

test.concurrent("over IPv6 a node sees that its own firewall takes what reaches it, and the group that is another", async () => {
  await using pair = await pairLab();
  for (const host of [pair.lb1, pair.lb2]) await filter(host, "input");
  const lb1 = await VrrpRole.start(pair.lb1, plan(settings.IPv6, 200));
  const lb2 = await VrrpRole.start(pair.lb2, plan(settings.IPv6, 100));
  for (const us of [lb1, lb2]) {
    await us.reaches("active");
    await waitFor("its own firewall is meant", () => {
      return us.status()?.splitBrain?.advice === "let IP protocol 112 through the firewall of this host";
    });
    expect(us.status()?.splitBrain?.rival.address).toStartWith("fe80::");
  }
  for (const host of [pair.lb1, pair.lb2]) await host.run(["nft", "flush ruleset"]);
  await lb2.reaches("backup");
  const other = plan(settings.IPv6, 100).instances.map((each) =>
    Object.assign({}, each, { group: "ff02::1212" }),
  );
  expect(await lb2.configure(vrrpPlan(other))).toBeNull();
  for (const [us, theirs] of [
    [lb1, "ff02::1212"],
    [lb2, "ff02::12"],
  ] as const) {
    await waitFor("the group is named", () => us.status()?.splitBrain?.cause === "group");
    expect(us.status()?.splitBrain?.explanation).toStartWith(`it advertises to ${theirs}, and we listen to `);
  }
});

for (const title of ["IPv4 with a virtual MAC", "IPv6", "IPv6 with a virtual MAC"] as const) {
  const wish = settings[title];
  test.concurrent(`${title}: a backup of FRR's is no rival`, async () => {
    await using pair = await pairLab();
    const us = await VrrpRole.start(pair.lb1, plan(wish, 200));
    await us.reaches("active");
    const addresses = wish.vip === vip ? [`${vip}/24`] : [`${over6.linkLocal}/64`, `${over6.vip}/64`];
    const family = wish.vip === vip ? 4 : 6;
    const router = { interface: "eth0", vrid: 51, version: 3, priority: 100, advertIntervalMs: 100 } as const;
    const them = await Frr.start(pair.lb2, [{ ...router, addresses }]);
    await them.reaches("Backup", 51, family);
    // Its macvlan was made before it, and answered until it took the carrier away: that may be found, and ends.
    const counted = (): { readonly sent: number; readonly found: number } => {
      const { sent = 0, splitBrains = 0 } = us.status()?.counters ?? {};
      return { sent, found: splitBrains };
    };
    let since = counted();
    // So long that it asks for each address at least twice.
    await waitFor("we have asked, and nobody but us answers", () => {
      const now = counted();
      if (now.found !== since.found || (us.status()?.splitBrain ?? null) !== null) since = now;
      return now.sent > since.sent + 45;
    });
  });
}

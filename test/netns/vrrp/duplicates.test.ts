import { expect, test } from "bun:test";
import type { VrrpPlan } from "../../../src/config/node-plan.ts";
import { capture } from "../../support/capture.ts";
import { type Host, waitFor } from "../../support/lab.ts";
import { type InstanceWish, instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab } from "./pair-lab.ts";

const vip = "2001:db8::100";

/** A router whose addresses are asked about first, as `nodad = false` has it. */
function asking(wish: InstanceWish = {}): VrrpPlan {
  const plan = instancePlan({ vip, advertIntervalMs: 100, ...wish });
  const addresses = plan.addresses.map((each) => Object.assign({}, each, { detectsDuplicates: true }));
  return vrrpPlan([{ ...plan, addresses }]);
}

/** The lab has it off; one question, and 200 ms for an answer. */
async function askFirst(host: Host): Promise<void> {
  const settings = ["conf/eth0/accept_dad 1", "conf/eth0/dad_transmits 1", "neigh/eth0/retrans_time_ms 200"];
  const lines = settings.map((each) => {
    const [path, value] = each.split(" ");
    return `echo ${value} >/proc/sys/net/ipv6/${path}`;
  });
  const { exitCode, stderr } = await host.run(["sh", "-ec", lines.join("\n")]);
  if (exitCode !== 0) throw new Error(stderr);
}

const answers = async (from: Host): Promise<boolean> =>
  (await from.run(["ping", "-6", "-n", "-c", "1", "-W", "1", vip])).exitCode === 0;

test("an address that another host has is said to be dark, tried again, and announced once it answers", async () => {
  await using pair = await pairLab();
  const client = await pair.lab.host("client", { eth0: { bridge: "net0", address: "2001:db8::50/64" } });
  await askFirst(pair.lb1);
  await pair.lb2.ip(["address", "add", `${vip}/64`, "dev", "eth0"]);
  const read = await capture(client, async () => {
    const us = await VrrpRole.start(pair.lb1, asking());
    await us.reaches("active");
    await waitFor("the duplicate is known", () => us.status()?.duplicates.join() === `${vip}/64`);
    const said = `public-1: ${vip}/64 on eth0 is another host's too, and does not answer here`;
    expect(us.log()).toContain(`${said}: duplicate address detection has failed; it is tried again in 1 s`);
    await waitFor("it was tried again", () => us.log().includes("it is tried again in 2 s"));
    expect(us.status()).toMatchObject({ state: "active", duplicates: [`${vip}/64`] });
    // It asks who has its addresses, as any active node does.
    await waitFor("the host is found", () => (us.status()?.splitBrain ?? null) !== null);
    expect(us.status()?.splitBrain?.explanation).toContain(`it answers for ${vip} on the link`);
    await pair.lb2.ip(["address", "del", `${vip}/64`, "dev", "eth0"]);
    await waitFor("it is usable", () => us.status()?.duplicates.length === 0);
    expect(us.log()).toContain(`public-1: ${vip}/64 on eth0 is no other host's any more, and answers here`);
    await waitFor("the client reaches it", () => answers(client));
    await us.stop();
    expect(await pair.lb1.holds(vip)).toBe(false);
  });
  const mac = /link\/ether (\S+)/.exec(await pair.lb1.ip(["link", "show", "dev", "eth0"]))?.[1] ?? "";
  const told = `icmpv6.type == 136 and ipv6.dst == ff02::1 and icmpv6.nd.na.target_address == ${vip}`;
  const frames = await read(`${told} and eth.src == ${mac}`, "frame.number");
  const lastRival = (await read(`${told} and eth.src != ${mac}`, "frame.number")).at(-1) ?? "0";
  expect(frames.length).toBeGreaterThanOrEqual(5);
  // Nothing of it was said while the other host answered the question.
  expect(Number(frames[0])).toBeGreaterThan(Number(lastRival));
}, 60_000);

test("240 addresses of IPv6 answer at once and are all announced, and go with the router", async () => {
  await using pair = await pairLab();
  const client = await pair.lab.host("client", { eth0: { bridge: "net0", address: "2001:db8::50/64" } });
  const instances = [1, 2, 3].map((vrid) => {
    const plan = instancePlan({ name: `v6-${vrid}`, vip, vrid, advertIntervalMs: 100 });
    const [first, model] = plan.addresses;
    if (first === undefined || model === undefined) throw new Error("no address");
    const more = Array.from({ length: 79 }, (_, index) => `2001:db8::${vrid}:${(index + 1).toString(16)}`);
    const others = more.map((address) => Object.assign({}, model, { address }));
    return Object.assign({}, plan, { addresses: [first, ...others] });
  });
  const read = await capture(client, async () => {
    const us = await VrrpRole.start(pair.lb1, vrrpPlan(instances));
    for (const { name } of instances) await us.reaches("active", name);
    for (const address of ["2001:db8::1:1", "2001:db8::3:4f"]) {
      await waitFor(`${address} answers`, async () => {
        return (await client.run(["ping", "-6", "-n", "-c", "1", "-W", "1", address])).exitCode === 0;
      });
    }
    const shown = await pair.lb1.ip(["-6", "-o", "address", "show", "dev", "eth0"]);
    expect(shown).not.toContain("tentative");
    expect(shown.match(/2001:db8::[123]:/g)).toHaveLength(237);
    // The first frame for each address is sent at the takeover, the rest in rounds.
    await waitFor("it has gone on", () => (us.status("v6-3")?.counters["sent"] ?? 0) > 25);
    await us.stop();
    expect(await pair.lb1.ip(["-6", "-o", "address", "show", "dev", "eth0"])).not.toContain("2001:db8::");
  });
  const targets = await read("icmpv6.type == 136 and ipv6.dst == ff02::1", "icmpv6.nd.na.target_address");
  const counts = new Map<string, number>();
  for (const target of targets) counts.set(target, (counts.get(target) ?? 0) + 1);
  expect(counts.size).toBe(240);
  expect(Math.min(...counts.values())).toBeGreaterThan(1);
}, 60_000);

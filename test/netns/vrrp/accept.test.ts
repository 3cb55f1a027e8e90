import { expect, test } from "bun:test";
import { type Host, waitFor } from "../../support/lab.ts";
import { executable } from "../../support/edge-ha.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { fastPlan, pairLab, vip } from "./pair-lab.ts";

const vip6 = "2001:db8::100";
const closed = fastPlan({ priority: 200, accepts: false });

async function answersPing(client: Host, address: string): Promise<boolean> {
  const { exitCode } = await client.run(["ping", "-c", "1", "-W", "1", address]);
  return exitCode === 0;
}

async function listed(host: Host): Promise<string> {
  return (await host.run(["nft", "list", "ruleset"])).stdout;
}

test("with accept = false ARP for the address is answered, and nothing else is", async () => {
  await using pair = await pairLab();
  const client = await pair.lab.host("client", { eth0: { bridge: "net0", address: "192.0.2.50/24" } });
  const lb1 = await VrrpRole.start(pair.lb1, closed);
  await lb1.reaches("active");
  await waitFor("the address is there", () => pair.lb1.holds(vip));
  const arping = await client.run(["arping", "-c", "1", "-w", "5", "-I", "eth0", vip]);
  expect(arping.exitCode).toBe(0);
  expect(await answersPing(client, vip)).toBe(false);
  expect(await answersPing(client, "192.0.2.10")).toBe(true);
  // The rules as an independent reader sees them.
  const rules = await listed(pair.lb1);
  expect(rules).toContain("table inet edge-ha-accept {");
  expect(rules).toContain("type filter hook input priority 200; policy accept;");
  expect(rules).toMatch(/elements = \{ 192\.0\.2\.100 \}/);
  expect(rules).toMatch(/ip daddr @ipv4 counter packets [1-9]\d* bytes \d+ drop/);
  expect(rules).toContain("icmpv6 type nd-neighbor-solicit accept");
  expect(rules).toContain("icmpv6 type nd-neighbor-advert accept");
  // The kernel forwards as ever, and answers at the address again once that is wished for.
  await lb1.configure(fastPlan({ priority: 200 }));
  await waitFor("ping is answered", () => answersPing(client, vip));
  expect(await listed(pair.lb1)).toBe("");
}, 60_000);

test("with accept = false neighbour solicitations for IPv6 addresses are answered, and nothing else is", async () => {
  await using pair = await pairLab();
  const client = await pair.lab.host("client", { eth0: { bridge: "net0", address: "2001:db8::50/64" } });
  const lb1 = await VrrpRole.start(pair.lb1, fastPlan({ priority: 200, vip: vip6, accepts: false }));
  await lb1.reaches("active");
  await waitFor("the address is there", () => pair.lb1.holds(vip6));
  expect(await answersPing(client, vip6)).toBe(false);
  const neighbours = await client.ip(["-6", "neighbour", "show", vip6]);
  expect(neighbours).toMatch(/lladdr .* (REACHABLE|STALE|DELAY|PROBE)/);
  const rules = await listed(pair.lb1);
  expect(rules).toMatch(/elements = \{ 2001:db8::100 \}/);
  expect(rules).toMatch(/elements = \{ "eth0" \. fe80::200:5eff:fe00:233 \}/);
  // Solicitations for the link-local one too, whose sender asks it directly once it knows it.
  const first = "fe80::200:5eff:fe00:233";
  expect(await answersPing(client, `${first}%eth0`)).toBe(false);
  expect(await client.ip(["-6", "neighbour", "show", first])).toContain("lladdr");
  await lb1.configure(fastPlan({ priority: 200, vip: vip6 }));
  await waitFor("ping is answered", () => answersPing(client, vip6));
}, 60_000);

test("the rules come back when somebody flushes them, move with the address, and go with the service", async () => {
  await using pair = await pairLab();
  const client = await pair.lab.host("client", { eth0: { bridge: "net0", address: "192.0.2.50/24" } });
  const lb1 = await VrrpRole.start(pair.lb1, closed);
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, fastPlan({ priority: 100, accepts: false }));
  await lb2.reaches("backup");
  const elements = /elements = \{ 192\.0\.2\.100 \}/;
  expect(await listed(pair.lb2)).not.toMatch(elements);
  await pair.lb1.run(["nft", "add", "table", "inet", "theirs"]);
  for (const command of [
    "flush ruleset",
    "flush table inet edge-ha-accept",
    "delete table inet edge-ha-accept",
  ]) {
    await pair.lb1.run(["nft", ...command.split(" ")]);
    await waitFor(`the rules are back after nft ${command}`, async () => {
      const rules = await listed(pair.lb1);
      return elements.test(rules) && rules.includes("ip daddr @ipv4");
    });
  }
  await pair.lb1.run(["nft", "add", "table", "inet", "theirs"]);
  expect(lb1.log()).toContain("accept = false: somebody removed its rules; they are back");
  expect(lb1.history()).toEqual(["backup", "active"]);
  expect(await answersPing(client, vip)).toBe(false);
  await lb1.stop();
  await lb2.reaches("active");
  await waitFor("lb2 has the rules", async () => elements.test(await listed(pair.lb2)));
  expect(await listed(pair.lb1)).toBe("table inet theirs {\n}\n");
}, 60_000);

test("the rules of a process that was killed are adopted by the next, or removed by the clean-up", async () => {
  await using pair = await pairLab();
  const first = await VrrpRole.start(pair.lb1, closed);
  await first.reaches("active");
  await waitFor("the address is there", () => pair.lb1.holds(vip));
  await first.kill("SIGKILL");
  expect(await listed(pair.lb1)).toContain("192.0.2.100");
  const second = await VrrpRole.start(pair.lb1, closed, ["public-1"]);
  await second.reaches("active");
  expect(await listed(pair.lb1)).toContain("192.0.2.100");
  await second.kill("SIGKILL");
  const { stderr } = await pair.lb1.run([executable, "__cleanup"]);
  expect(stderr).toContain("removed the packet filter's table, which a dead service left behind");
  expect(await listed(pair.lb1)).toBe("");
}, 60_000);

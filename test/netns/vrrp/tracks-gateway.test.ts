import { expect, test } from "bun:test";
import type { GatewayTrackPlan, TrackPlan } from "../../../src/config/track-plan.ts";
import { type Host, waitFor } from "../../support/lab.ts";
import { vrrpPlan, instancePlan } from "../../support/vrrp-plans.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { fastPlan, type PairLab, pairLab, vip } from "./pair-lab.ts";

const gateway: GatewayTrackPlan = {
  kind: "gateway",
  reverse: false,
  name: "gw",
  address: "192.0.2.1",
  method: "neighbour",
  interface: null,
  intervalMs: 100,
  timeoutMs: 100,
  rise: 2,
  fall: 3,
  weight: -150,
};

async function gatewayOf(pair: PairLab): Promise<Host> {
  const host = await pair.lab.host("gw", { eth0: { bridge: "net0", address: "192.0.2.1/24" } });
  await host.ip(["-6", "address", "add", "2001:db8::1/64", "dev", "eth0", "nodad"]);
  await pair.lb1.ip(["-6", "address", "add", "2001:db8::10/64", "dev", "eth0", "nodad"]);
  return host;
}

const tracking = (tracks: readonly TrackPlan[]): ReturnType<typeof fastPlan> =>
  vrrpPlan([instancePlan({ advertIntervalMs: 100, priority: 200, tracks: tracks.map(({ name }) => name) })], {
    tracks,
  });

test("a gateway that does not answer moves the address, and one that answers again brings it back", async () => {
  await using pair = await pairLab();
  const gw = await gatewayOf(pair);
  const lb1 = await VrrpRole.start(pair.lb1, tracking([gateway]));
  await lb1.reaches("active");
  const lb2 = await VrrpRole.start(pair.lb2, fastPlan({ priority: 100 }));
  await lb2.reaches("backup");
  expect(await pair.lb1.holds(vip)).toBe(true);
  await gw.blockLink("eth0");
  await lb2.reaches("active");
  await lb1.reaches("backup");
  expect(lb1.status()?.priority).toBe(50);
  expect(lb1.status()?.claims[0]).toMatch(/^track gw: 192\.0\.2\.1 has not answered ARP for \S+ m?s: −150$/);
  await gw.unblockLink("eth0");
  await lb1.reaches("active");
  expect(lb1.status()?.claims).toEqual([]);
  expect(lb1.log()).toContain("track gw: down → up: 192.0.2.1 answers");
}, 60_000);

test("a gateway is asked by neighbour solicitation and by ping of both families, from an own address", async () => {
  await using pair = await pairLab();
  const gw = await gatewayOf(pair);
  const v6 = { ...gateway, address: "2001:db8::1", weight: 1 };
  const tracks: readonly GatewayTrackPlan[] = [
    { ...v6, name: "ns" },
    { ...v6, name: "ping6", method: "ping" },
    { ...v6, name: "ping4", method: "ping", address: "192.0.2.1", interface: "eth0" },
    { ...v6, name: "far", method: "ping", address: "198.51.100.1" },
    { ...v6, name: "nowhere", address: "198.51.100.2" },
  ];
  const lb1 = await VrrpRole.start(pair.lb1, tracking(tracks));
  const answers = (): readonly string[] => [...(lb1.status()?.claims ?? [])].sort();
  const all = [
    "track ns: 2001:db8::1 answers: +1",
    "track ping4: 192.0.2.1 answers: +1",
    "track ping6: 2001:db8::1 answers: +1",
  ];
  await waitFor("all three answer", () => answers().join() === all.join());
  // The address is held, and none of the questions comes from it.
  await lb1.reaches("active");
  const fields = ["arp.src.proto_ipv4", "ip.src", "ipv6.src"].flatMap((field) => ["-e", field]);
  // A gratuitous ARP asks nobody.
  const asked =
    "(arp.opcode == 1 && arp.isgratuitous == 0) || icmp.type == 8 || icmpv6.type == 128 || icmpv6.type == 135";
  const capture = gw.spawn(["tshark", "-nl", "-i", "eth0", "-c", "30", "-Y", asked, "-Tfields", ...fields]);
  await capture.exited;
  const sources = new Set(
    capture
      .output()
      .match(/^\s*[0-9a-f.:]+\s*$/gm)
      ?.map((line) => line.trim()),
  );
  expect([...sources].sort()).toContain("192.0.2.10");
  expect([...sources].sort()).toContain("2001:db8::10");
  expect([...sources]).not.toContain(vip);
  await gw.run(["sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1", "net.ipv6.icmp.echo_ignore_all=1"]);
  await waitFor("pings are not answered any more", () => answers().join() === all[0]);
}, 60_000);

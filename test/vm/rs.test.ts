import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import type { FitnessReport } from "../../src/real-server/status.ts";
import { Guest } from "./guest.ts";

/**
 * A web server behind tunnels, on a kernel that has them: `ipvsadm` is the director, curl the client, `ip` and sysctl see
 * what is left behind. Reverse paths are looked at strictly everywhere, as Red Hat does.
 */

setDefaultTimeout(300_000);
const vips = { 4: "10.99.0.101", 6: "2001:db8:99::101" } as const;
const rs1 = { 4: "10.99.0.21", 6: "2001:db8:99::21" } as const;
const client = { 4: "10.99.0.99", 6: "2001:db8:99::99" } as const;
const rs = "ip netns exec rs1 /share/edge-ha rs";
const both = `--vip ${vips[4]} --vip ${vips[6]} --state /run/rs1.json`;
let guest: Guest;
let before: string;

beforeAll(async () => {
  guest = await Guest.boot({ files: { "edge-ha": resolve(import.meta.dir, "../../dist/edge-ha") } });
  await guest.text(`bash /share/guest/topology.sh
for host in "lb1 11" "rs1 21" "client 99"; do
  set -- $host
  ip -n $1 address add 2001:db8:99::$2/64 dev eth0 nodad
  ip netns exec $1 sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1
done
ip -n lb1 address add ${vips[4]}/32 dev eth0
ip -n lb1 address add ${vips[6]}/128 dev eth0 nodad preferred_lft 0
for own in 0.0.0.0 ::; do
  setsid ip netns exec rs1 python3 /share/guest/web.py rs1 $own >/run/web.log 2>&1 &
done`);
  await guest.waitFor("the web server listens", async () => {
    const { stdout } = await guest.run(`ip netns exec rs1 cat /proc/net/tcp /proc/net/tcp6`);
    return stdout.split("\n").filter((line) => /:0050 0+:0000 0A/.test(line)).length === 2;
  });
});
afterAll(() => guest[Symbol.asyncDispose]());

/** Everything of rs1 that `rs` could change: addresses, devices, routes, ports and settings of IPv4 and IPv6. */
async function snapshot(): Promise<string> {
  return guest.text(`{ ip -n rs1 -details address show; ip -n rs1 route show table all; ip -n rs1 -6 route show table all
ip -n rs1 fou show; ip -n rs1 -6 fou show
ip netns exec rs1 sysctl -a -r 'net.ipv[46].conf'; } 2>/dev/null | grep -vE 'valid_lft|expires|stable_secret'`);
}

/** Makes lb1 a director with one server and asks each VIP once; gives the answers, empty where there is none within this time. */
async function ask(over: 4 | 6, packing: string, limitS = 60): Promise<readonly string[]> {
  const server = over === 4 ? `${rs1[4]}:80` : `[${rs1[6]}]:80`;
  const table = (["4", "6"] as const).flatMap((family) => {
    const service = family === "4" ? `${vips[4]}:80` : `[${vips[6]}]:80`;
    return [`ipvsadm -A -t ${service} -s rr`, `ipvsadm -a -t ${service} -r ${server} -i ${packing}`];
  });
  await guest.text(`ip netns exec lb1 bash -ec 'ipvsadm -C; ${table.join("; ")}'`);
  const urls = `'http://${vips[4]}/' 'http://[${vips[6]}]/'`;
  const { stdout } = await guest.run(`ip netns exec client curl -s -g -m ${limitS} ${urls}`);
  return stdout.split("\n").filter((line) => line !== "");
}

test("GUE is refused by the name of its module where that cannot be loaded, and nothing is left behind", async () => {
  // What the first attempt loads stays loaded, and brings devices of the kernel's own with it.
  await guest.text(
    "modprobe -a ipip sit ip_gre ip6_gre; ip -n rs1 link set sit0 up; ip -n rs1 link set sit0 down",
  );
  before = await snapshot();
  await guest.text("echo 'install fou /bin/false' >/etc/modprobe.d/none.conf");
  const { exitCode, stderr } = await guest.run(`${rs} start ${both} --tunnel gue:6080`);
  await guest.text("rm /etc/modprobe.d/none.conf");
  expect(exitCode).toBe(1);
  expect(stderr).toContain(
    "could not take GUE on UDP port 6080 over IPv4: the kernel module fou is not loaded",
  );
  expect(stderr).toContain("modprobe fou");
  expect(await snapshot()).toBe(before);
});

const kinds = [
  ["ipip", "--tun-type ipip"],
  ["gre", "--tun-type gre"],
  ["gre+csum", "--tun-type gre --tun-csum"],
  ["gue:6080", "--tun-type gue --tun-port 6080"],
] as const;

for (const [word, packing] of kinds) {
  // Checksums outside are the same code for both families.
  const families = word === "gre+csum" ? ([4] as const) : ([4, 6] as const);
  for (const over of families) {
    const tunnel = over === 4 ? word : `${word}/6`;
    test(`VIPs of both families are served through ${tunnel}, the client's address is its own`, async () => {
      await guest.text(`${rs} start ${both} --tunnel ${tunnel}`);
      expect(await ask(over, packing)).toEqual([`rs1 ${client[4]}`, `rs1 ${client[6]}`]);
    });
  }
}

test("what is not packed as was said is not unpacked", async () => {
  await guest.text(`${rs} start ${both} --tunnel gre`);
  expect(await ask(4, "--tun-type ipip", 3)).toEqual([]);
});

test("several tunnels side by side serve at once, and again there is nothing to do", async () => {
  const tunnels = "--tunnel ipip gre gue:6080 gue:6080/6";
  await guest.text(`${rs} start ${both} ${tunnels}`);
  expect(await guest.text(`${rs} start ${both} ${tunnels}`)).toContain("nothing to change");
  expect(await ask(4, "--tun-type gre")).toHaveLength(2);
  const { findings } = JSON.parse((await guest.run(`${rs} status ${both} --json`)).stdout) as FitnessReport;
  const unfit = findings.filter(({ verdict }) => verdict === "unfit");
  expect(unfit).toEqual([]);
  const fit = findings.filter(({ verdict }) => verdict === "fit").map(({ subject }) => subject);
  expect(fit).toEqual(expect.arrayContaining(["rs-ipip", "rs-gre", "sit0", "rs-ip6tnl", "UDP 6080"]));
  expect(await ask(6, "--tun-type gue --tun-port 6080")).toHaveLength(2);
});

test("a device that somebody spoils is made anew by the next start", async () => {
  await guest.text(
    "ip -n rs1 link set rs-ipip down; ip netns exec rs1 sysctl -qw net.ipv4.conf.rs-gre.rp_filter=1",
  );
  const steps = await guest.text(`${rs} start ${both} --tunnel ipip gre`);
  expect(steps).toContain("make the tunnel device rs-ipip");
  expect(steps).toContain("make the tunnel device rs-gre");
  expect(await ask(4, "--tun-type ipip")).toHaveLength(2);
});

test("only the director answers ARP for the VIP", async () => {
  const { stdout } = await guest.run(`ip netns exec client arping -c 2 -w 60 -b -I eth0 ${vips[4]}`);
  const macs = new Set([...stdout.matchAll(/\[([0-9A-Fa-f:]{17})\]/g)].map(([, mac]) => mac?.toLowerCase()));
  const own = await guest.text("ip netns exec lb1 cat /sys/class/net/eth0/address");
  expect([...macs]).toEqual([own.trim()]);
});

test("stop leaves no trace", async () => {
  await guest.text(`${rs} stop --state /run/rs1.json`);
  expect(await snapshot()).toBe(before);
  expect((await guest.run("ls /run/rs1.json")).exitCode).not.toBe(0);
});

test("where the kernel keeps no tunnel devices of its own in namespaces, they come and go with the start", async () => {
  await guest.text(
    "sysctl -qw net.core.fb_tunnels_only_for_init_net=2; ip netns add rs3; ip -n rs3 link set lo up",
  );
  const rs3 = "ip netns exec rs3 /share/edge-ha rs";
  const links = "ip -n rs3 -o link show | wc -l";
  await guest.text(`${rs3} start --vip ${vips[6]} ${vips[4]} --tunnel ipip --state /run/rs3.json`);
  expect((await guest.text(links)).trim()).toBe("3");
  await guest.text(`${rs3} stop --state /run/rs3.json`);
  expect((await guest.text(links)).trim()).toBe("1");
});

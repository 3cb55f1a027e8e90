import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import { Guest } from "./guest.ts";

/** What Debian 12's own kernel does not have, and the newer one that it offers does: the scheduler `twos`. */

setDefaultTimeout(300_000);
const vip = "10.99.0.101";
const servers = ["10.99.0.21", "10.99.0.22"] as const;
const config = `[cluster]
name = "newer"
[[node]]
name = "lb1"
address = { eth0 = "10.99.0.11" }
[[service]]
name = "web"
addresses = ["${vip}"]
port = 80
forward = "dr"
scheduler = "twos"
servers = [${servers.map((address) => `{ address = "${address}" }`).join(", ")}]
`;
/** Makes the hosts, with the address where it is served and where it is balanced. */
const hosts = `bash /share/guest/topology.sh
for host in rs1 rs2; do
  ip netns exec $host sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
  ip -n $host address add ${vip}/32 dev lo
  setsid ip netns exec $host python3 /share/guest/web.py $host >/run/web-$host.log 2>&1 &
done
ip -n lb1 address add ${vip}/32 dev eth0
cat >/run/edge-ha.toml <<'TOML'
${config}TOML
setsid ip netns exec lb1 /share/edge-ha --socket /run/lb1.sock serve --config /run/edge-ha.toml --node lb1 >/run/lb1.log 2>&1 &
echo $! >/run/lb1.pid
`;
let guest: Guest;

beforeAll(async () => {
  guest = await Guest.boot({
    kernel: "6.12",
    files: { "edge-ha": resolve(import.meta.dir, "../../dist/edge-ha") },
  });
});
afterAll(() => guest[Symbol.asyncDispose]());

test("a service by `twos` goes into the table, and clients are answered by both servers", async () => {
  await guest.text(hosts);
  const wanted = [
    `-A -t ${vip}:80 -s twos`,
    ...servers.map((server) => `-a -t ${vip}:80 -r ${server}:80 -g -w 1`),
  ];
  let table = "";
  await guest.waitFor("the table is filled", async () => {
    if ((await guest.run("kill -0 $(cat /run/lb1.pid)")).exitCode !== 0)
      throw new Error(await guest.text("cat /run/lb1.log"));
    table = await guest.text("ip netns exec lb1 ipvsadm --save -n");
    return table.trim().split("\n").length === wanted.length;
  });
  expect(table.trim().split("\n").sort()).toEqual(wanted);
  const answers = await guest.text(
    `ip netns exec client curl -s -m 10 --retry 5 --retry-connrefused 'http://${vip}/?[1-20]'`,
  );
  expect(new Set(answers.trim().split("\n"))).toEqual(new Set(["rs1 10.99.0.99", "rs2 10.99.0.99"]));
});

import { afterAll, beforeAll, expect, setDefaultTimeout } from "bun:test";
import { resolve } from "node:path";
import { Guest } from "./guest.ts";
import { step } from "./step.ts";

/**
 * One balancer on the newer kernel that Debian 12 offers, which has what its own does not: the scheduler `twos`. No virtual
 * router moves the addresses, so that they are there whatever becomes of the service. The tests build on one another.
 */

setDefaultTimeout(300_000);
const vip = "10.99.0.101";
const markedVip = "10.99.0.102";
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
[[service]]
name = "marked"
addresses = ["${markedVip}"]
ports = [80, 81]
fwmark = 9
forward = "dr"
servers = [{ address = "${servers[0]}" }]
`;
const serve = "ip netns exec lb1 /share/edge-ha --socket /run/lb1.sock serve --node lb1 --config";
/** Makes the hosts, with the addresses where they are served and where they are balanced. */
const hosts = `bash /share/guest/topology.sh
for host in rs1 rs2; do
  ip netns exec $host sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
  for address in ${vip} ${markedVip}; do ip -n $host address add $address/32 dev lo; done
  setsid ip netns exec $host python3 /share/guest/web.py $host >/run/web-$host.log 2>&1 &
done
for address in ${vip} ${markedVip}; do ip -n lb1 address add $address/32 dev eth0; done
cat >/run/edge-ha.toml <<'TOML'
${config}TOML
setsid ${serve} /run/edge-ha.toml >/run/lb1.log 2>&1 &
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

const wanted = [
  "-A -f 9 -s wrr",
  `-A -t ${vip}:80 -s twos`,
  `-a -f 9 -r ${servers[0]}:0 -g -w 1`,
  ...servers.map((server) => `-a -t ${vip}:80 -r ${server}:80 -g -w 1`),
];

async function table(): Promise<readonly string[]> {
  return (await guest.text("ip netns exec lb1 ipvsadm --save -n")).trim().split("\n").sort();
}

/** Asks so many times, and gives the different answers. */
async function ask(address: string, times: number): Promise<ReadonlySet<string>> {
  const curl = "ip netns exec client curl -s -m 60 --retry 5 --retry-connrefused";
  return new Set((await guest.text(`${curl} 'http://${address}/?[1-${times}]'`)).trim().split("\n"));
}

step("a service by `twos` goes into the table, and clients are answered by both servers", async () => {
  await guest.text(hosts);
  await guest.waitFor("the table is filled", async () => {
    if ((await guest.run("kill -0 $(cat /run/lb1.pid)")).exitCode !== 0)
      throw new Error(await guest.text("cat /run/lb1.log"));
    return (await table()).length === wanted.length;
  });
  expect(await table()).toEqual(wanted);
  expect(await ask(vip, 20)).toEqual(new Set(["rs1 10.99.0.99", "rs2 10.99.0.99"]));
  expect(await ask(markedVip, 1)).toEqual(new Set(["rs1 10.99.0.99"]));
});

step("a start that is refused leaves the services of a killed run, and their marks", async () => {
  await guest.text(`kill -9 $(cat /run/lb1.pid)
setsid ip netns exec lb1 python3 /share/guest/web.py lb1 10.99.0.11 8080 >/run/web-lb1.log 2>&1 &
sed 's/ports = .80, 81./ports = [82, 83]/' /run/edge-ha.toml >/run/refused.toml
cat >>/run/refused.toml <<'TOML'
[[listener]]
name = "taken"
address = "10.99.0.11:8080"
[[site]]
hosts = ["*"]
listeners = ["taken"]
[[site.route]]
respond = { status = 200, body = "here" }
TOML
until ip netns exec lb1 curl -sf -m 2 -o /dev/null http://10.99.0.11:8080/; do sleep 0.2; done`);
  const { exitCode, stderr } = await guest.run(`${serve} /run/refused.toml`);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 1 });
  expect(stderr).toContain("2 services of an earlier run stay in the kernel's table");
  expect(await table()).toEqual(wanted);
  expect(await ask(markedVip, 1)).toEqual(new Set(["rs1 10.99.0.99"]));
});

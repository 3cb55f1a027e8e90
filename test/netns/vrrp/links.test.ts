import { expect, setDefaultTimeout, test } from "bun:test";
import { type Host, waitFor } from "../../support/lab.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { hasFib, ourRoutes, ourRules, planOf } from "./holdings-lab.ts";
import { pairLab, vip } from "./pair-lab.ts";

setDefaultTimeout(60_000);

/** What an operator does to the interface of an active router while it is up. */

const keys = [
  'extra_addresses = ["2001:db8::100/64"]',
  'routes = [{ destination = "198.51.100.0/24", via = "192.0.2.1" }]',
  'rules = [{ from = "192.0.2.100", table = 100, priority = 1000 }]',
];
const virtual = [vip, "2001:db8::100"];
const mac = "02:11:22:33:44:55";

async function held(host: Host): Promise<readonly boolean[]> {
  return Promise.all(virtual.map((address) => host.holds(address)));
}

test("a port that leaves its bridge, another MAC and another name find an active router prepared", async () => {
  await using pair = await pairLab();
  const { lb1: host, lb2: neighbour } = pair;
  await neighbour.ip(["address", "add", "2001:db8::11/64", "dev", "eth0", "nodad"]);
  const lb1 = await VrrpRole.start(host, planOf("lb1", keys));
  await lb1.reaches("active");
  await hasFib(host, 1, 1);
  for (const address of virtual) {
    await waitFor(`${address} answers`, async () => {
      return (await neighbour.run(["ping", "-c", "1", "-W", "1", address])).exitCode === 0;
    });
  }

  await host.ip(["link", "add", "br9", "type", "bridge"]);
  await host.ip(["link", "set", "eth0", "master", "br9"]);
  await host.ip(["link", "set", "eth0", "nomaster"]);
  await host.ip(["link", "set", "eth0", "address", mac]);
  for (const address of virtual) {
    await waitFor(`the neighbour knows the MAC of ${address}`, async () =>
      (await neighbour.ip(["neighbour", "show", address])).includes(`lladdr ${mac}`),
    );
  }
  expect(lb1.history()).toEqual(["backup", "active"]);
  expect(await held(host)).toEqual([true, true]);

  await host.ip(["link", "set", "eth0", "name", "lan0"]);
  await lb1.reaches("fault");
  expect(lb1.status()?.reason).toBe("interface eth0 does not exist");
  expect(await held(host)).toEqual([false, false]);
  expect([...(await ourRoutes(host)), ...(await ourRules(host))]).toEqual([]);
  await host.ip(["link", "set", "lan0", "name", "eth0"]);
  await lb1.reaches("active");
  await hasFib(host, 1, 1);
  await waitFor("everything is back", async () => (await held(host)).every(Boolean));
  expect(await lb1.stop()).toBe(0);
  expect(await held(host)).toEqual([false, false]);
});

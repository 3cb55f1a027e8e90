import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { toHex } from "../../../src/base/bytes.ts";
import { pairFile, vips } from "../../support/cluster-file.ts";
import { executable, startEdgeHa } from "../../support/edge-ha.ts";
import { startKeepalived } from "../../support/keepalived.ts";
import { waitFor } from "../../support/lab.ts";
import { createPair } from "../../support/pair.ts";
import { vrrpFrame } from "../../support/vrrp-frame.ts";
import { Watching } from "./watching.ts";

setDefaultTimeout(60_000);

const keepalived = {
  interface: "eth0",
  version: 3,
  vrid: 51,
  advertInterval: 0.1,
  addresses: [`${vips.first}/24`],
} as const;

/** A file whose advertisements are signed. */
function signedFile(secret: string): string {
  return pairFile({ auth: `{ type = "hmac", keys = { 1 = "${secret}" } }` });
}

test("a sound pair: a takeover by command is told, nothing is wrong, and the status is 0", async () => {
  await using pair = await createPair();
  const first = await startEdgeHa(pair.lb1, { config: pairFile(), node: "lb1" });
  const second = await startEdgeHa(pair.lb2, { config: pairFile(), node: "lb2" });
  await waitFor("lb1 holds it", () => pair.lb1.holds(vips.first));
  await waitFor("lb2 holds the other", () => pair.lb2.holds(vips.second));
  const watching = await Watching.start(pair.client, "--config", first.configPath);
  await watching.sees("advert", { vrid: 51, source: "192.0.2.11", authentication: "none" });
  await watching.sees("advert", { vrid: 52, source: "192.0.2.12" });
  expect((await first.command("failover", "first")).exitCode).toBe(0);
  await watching.sees("advert", { vrid: 51, source: "192.0.2.11", priority: 0 });
  await waitFor("it tells who is active now", () =>
    watching.all("event", { vrid: 51 }).some(({ text }) => text?.startsWith("192.0.2.12 is active")),
  );
  await watching.sees("arp", { address: vips.first, isGratuitous: true });
  expect((await second.status()).node).toBe("lb2");
  const { status, summary } = await watching.stop();
  expect(summary["findings"]).toEqual([]);
  expect(status).toBe(0);
  expect(summary["dropped"]).toBe(0);
});

test("two active routers: the cause is named, once, and that it is over", async () => {
  await using pair = await createPair();
  const signed = signedFile("the key of both nodes");
  await startEdgeHa(pair.lb1, { config: signed, node: "lb1" });
  const second = await startEdgeHa(pair.lb2, { config: pairFile(), node: "lb2" });
  const watching = await Watching.start(pair.client);
  // The one without keys believes the other; where it has the higher priority it is not believed itself.
  const found = await watching.sees("finding", { code: "split-brain", vrid: 52 });
  expect(found.text).toBe(
    "split brain: 192.0.2.11 and 192.0.2.12 are both active (priorities 250 and 254): 192.0.2.11 authenticates with HMAC key 1 and 192.0.2.12 with none",
  );
  await watching.sees("finding", { code: "authentication-differs", vrid: 52 });
  await second.reload(signed);
  await watching.sees("over", { code: "split-brain", vrid: 52 });
  expect(watching.all("finding", { code: "split-brain", vrid: 52 })).toHaveLength(1);
  expect((await watching.stop()).status).toBe(3);
});

test("a router that dies is named, with who took over; and one that nobody follows", async () => {
  await using pair = await createPair();
  const { lb1, lb2, client } = pair;
  await startKeepalived(lb1, [{ ...keepalived, priority: 200 }]);
  await startKeepalived(lb2, [{ ...keepalived, priority: 100 }]);
  await waitFor("lb1 holds it", () => lb1.holds(vips.first));
  const watching = await Watching.start(client);
  await watching.sees("advert", { source: "192.0.2.11" });
  await lb1.powerOff();
  const died = await watching.sees("finding", { code: "takeover" });
  expect(died.text).toBe("192.0.2.11 fell silent without resigning, and 192.0.2.12 took over");
  await lb2.powerOff();
  expect((await watching.sees("finding", { code: "silent" })).text).toContain("192.0.2.12 has been silent");
  const { status, summary } = await watching.stop();
  expect(status).toBe(3);
  expect(summary["findings"]).toMatchObject([{ code: "takeover" }, { code: "silent", isOpen: true }]);
});

test("a key that is not ours, equal priorities and another list", async () => {
  await using pair = await createPair();
  const first = await startEdgeHa(pair.lb1, {
    config: signedFile("the key of one node"),
    node: "lb1",
  });
  await startEdgeHa(pair.lb2, { config: signedFile("the key of the other"), node: "lb2" });
  await startKeepalived(pair.web1, [
    { ...keepalived, vrid: 52, priority: 254, addresses: [`${vips.second}/24`, "192.0.2.109/24"] },
  ]);
  const watching = await Watching.start(pair.client, "--config", first.configPath);
  const wrong = await watching.sees("finding", { code: "file-authentication", vrid: 51 });
  expect(wrong.text).toContain("192.0.2.12 signs with another secret as key 1");
  await watching.sees("finding", { code: "split-brain", vrid: 51 });
  await watching.sees("finding", { code: "authentication-differs", vrid: 52 });
  await watching.sees("finding", { code: "equal-priority", vrid: 52 });
  const list = await watching.sees("finding", { code: "list-differs", vrid: 52 });
  expect(list.text).toContain("only 192.0.2.21 has 192.0.2.109");
  await watching.sees("finding", { code: "file-source", about: ["192.0.2.21"] });
  expect((await watching.stop()).status).toBe(3);
});

test("BFD shows its sessions, and which of them went down when a node died", async () => {
  await using pair = await createPair();
  const file = pairFile({ advertInterval: "1s", vipKeys: 'bfd = { interval = "50ms", multiplier = 3 }' });
  await startEdgeHa(pair.lb1, { config: file, node: "lb1" });
  await startEdgeHa(pair.lb2, { config: file, node: "lb2" });
  // Its frames are unicast: only the nodes themselves see them.
  const watching = await Watching.start(pair.lb2);
  await watching.sees("bfd", { source: "192.0.2.11", state: "up" });
  await watching.sees("bfd", { source: "192.0.2.12", state: "up" });
  await watching.sees("advert", { vrid: 51, source: "192.0.2.11" });
  await pair.lb1.powerOff();
  const down = await watching.sees("finding", { code: "bfd-down" });
  expect(down.text).toBe(
    "the BFD session of 192.0.2.12 with 192.0.2.11 went down: control detection time expired",
  );
  await watching.sees("finding", { code: "takeover", vrid: 51, about: ["192.0.2.11", "192.0.2.12"] });
  expect((await watching.stop()).status).toBe(3);
});

test("--all listens on interfaces that come later, and outlives them; the watch of one interface does not", async () => {
  await using pair = await createPair();
  const { client, lb1 } = pair;
  await startKeepalived(lb1, [{ ...keepalived, priority: 200 }]);
  const all = await Watching.startOn(client, "--all");
  await all.sees("advert", { interface: "eth0", vrid: 51 });
  await client.ip(["link", "add", "extra", "link", "eth0", "type", "macvlan", "mode", "bridge"]);
  await client.ip(["link", "set", "extra", "up"]);
  await all.sees("advert", { interface: "extra", vrid: 51 });
  const one = await Watching.startOn(client, "extra");
  await one.sees("advert", { interface: "extra" });
  await client.ip(["link", "delete", "extra"]);
  expect((await one.ended()).status).toBe(1);
  const before = all.all("advert", { interface: "eth0" }).length;
  await waitFor("it goes on", () => all.all("advert", { interface: "eth0" }).length > before);
  const { status, summary } = await all.stop();
  expect(status).toBe(0);
  expect(summary["routers"]).toHaveLength(2);
});

test("what the kernel had no room for is counted and said", async () => {
  await using pair = await createPair();
  const watching = await Watching.start(pair.client, "--quiet");
  watching.signal("SIGSTOP");
  const script = join(import.meta.dir, "../../support/send-frames.ts");
  const frames = Array.from({ length: 250 }, (_, index) => toHex(vrrpFrame({ vrid: index + 1 })));
  const sender = pair.lb1.spawn([process.execPath, script, "eth0", ...frames]);
  await waitFor(
    "more was sent than any queue holds",
    () => sender.output().includes("sent 100 times"),
    60_000,
  );
  sender.kill("SIGKILL");
  watching.signal("SIGCONT");
  await waitFor("it says so", () =>
    watching.all("event").some(({ text }) => /^the kernel dropped \d+ frames/.test(text ?? "")),
  );
  expect((await watching.stop()).summary["dropped"]).toBeGreaterThan(0);
});

test("output ends with its reader, and without the right to listen it says so", async () => {
  await using pair = await createPair();
  await startKeepalived(pair.lb1, [{ ...keepalived, priority: 200 }]);
  const { client } = pair;
  const piped = await client.run(["sh", "-c", `${executable} watch eth0 | head -n 2`]);
  expect(piped.stdout.split("\n")).toHaveLength(3);
  expect(piped.exitCode).toBe(0);
  const counted = await client.run([executable, "watch", "eth0", "--count", "2", "--duration", "30s"]);
  expect(counted.exitCode).toBe(0);
  expect(counted.stdout).toContain("v3 VRID 51 priority 200, every 100 ms, 192.0.2.100, from ");
  expect(counted.stdout).toContain("nothing wrong was seen");
  const powerless = ["setpriv", "--reuid", "65534", "--clear-groups", "--bounding-set", "-all"];
  const refused = await client.run([...powerless, executable, "watch", "eth0"], { env: { TMPDIR: "/tmp" } });
  expect(refused.stderr).toContain("listening takes root, or CAP_NET_RAW");
  expect(refused.exitCode).toBe(1);
  const absent = await client.run([executable, "watch", "eth7"]);
  expect(absent.stderr).toBe("edge-ha watch: there is no interface eth7; this host has lo, eth0\n");
  expect(absent.exitCode).toBe(1);
});

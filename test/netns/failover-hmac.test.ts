import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { nodesFile, vips } from "../support/cluster-file.ts";
import { instanceOf, startEdgeHa, type EdgeHa } from "../support/edge-ha.ts";
import { type Child, type Host, waitFor } from "../support/lab.ts";
import { createPair } from "../support/pair.ts";

setDefaultTimeout(60_000);

const attacker = join(import.meta.dir, "../support/vrrp-attacker.ts");
const one = '1 = "hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"';
const two = '2 = "the second secret of this pair"';

/** A pair whose address lb1 is preferred for. */
function fileWith(keys: string, more = ""): string {
  // Slow enough that a busy host is no reason for a change of state.
  const head = nodesFile({ advertInterval: "300ms", auth: `{ type = "hmac", keys = { ${keys} }${more} }` });
  return `${head}
[[vip]]
name = "first"
address = "${vips.first}/24"
vrid = 51
prefer = ["lb1", "lb2"]
`;
}

const start = (host: Host, config: string): Promise<EdgeHa> => startEdgeHa(host, { config, node: host.name });

async function reaches(node: EdgeHa, state: string): Promise<void> {
  await waitFor(`first is ${state}`, async () => (await instanceOf(node, "first")).state === state);
}

async function count(node: EdgeHa, counter: string): Promise<number> {
  return (await instanceOf(node, "first")).counters[counter] ?? 0;
}

async function counts(node: EdgeHa, counter: string, more: number): Promise<void> {
  const before = await count(node, counter);
  await waitFor(`${more} more ${counter}`, async () => (await count(node, counter)) >= before + more);
}

/** Starts the attack, which goes on until the host is gone. */
function attack(host: Host): Child {
  const [own, ...victims] = ["192.0.2.50", "192.0.2.11", "192.0.2.12"];
  return host.spawn([process.execPath, attacker, "eth0", own ?? "", "51", vips.first, ...victims]);
}

test("a pair with keys elects, moves and takes back its address", async () => {
  await using pair = await createPair();
  const lb1 = await start(pair.lb1, fileWith(one));
  await reaches(lb1, "active");
  const lb2 = await start(pair.lb2, fileWith(one));
  await counts(lb2, "received", 5);
  expect((await instanceOf(lb2, "first")).state).toBe("backup");
  await pair.lb1.cutLink("eth0");
  await reaches(lb2, "active");
  await pair.lb1.restoreLink("eth0");
  await reaches(lb1, "active");
  await reaches(lb2, "backup");
  await lb1.stop();
  await reaches(lb2, "active");
  expect((await instanceOf(lb2, "first")).reason).toBe("192.0.2.11 resigned");
  expect([await pair.lb1.holds(vips.first), await pair.lb2.holds(vips.first)]).toEqual([false, true]);
  const { counters } = await instanceOf(lb2, "first");
  expect(Object.entries(counters).filter(([name, n]) => /^(dropped|odd)/.test(name) && n > 0)).toEqual([]);
});

test("keys change by reload, one node after the other, and nothing moves", async () => {
  await using pair = await createPair();
  const lb1 = await start(pair.lb1, fileWith(one));
  await reaches(lb1, "active");
  const lb2 = await start(pair.lb2, fileWith(one));
  await counts(lb2, "received", 5);
  const steps = [
    fileWith(`${one}, ${two}`, ", active_key = 1"),
    fileWith(`${one}, ${two}`, ", active_key = 2"),
    fileWith(two),
  ];
  for (const step of steps) {
    for (const node of [lb1, lb2]) {
      expect((await node.reload(step)).exitCode).toBe(0);
      await counts(lb2, "received", 5);
    }
  }
  expect([await count(lb1, "becameActive"), await count(lb2, "becameActive")]).toEqual([1, 0]);
  expect(await count(lb2, "droppedAuthUnknownKey")).toBe(0);
  const shown = await lb1.command("status", "--json");
  expect(shown.stdout + shown.stderr + lb1.log()).not.toMatch(/second secret|0001020304|74686520736563/);
});

test("an attacker with old and unsigned advertisements moves no address, nor keeps one from moving", async () => {
  await using pair = await createPair();
  const lb1 = await start(pair.lb1, fileWith(one));
  await reaches(lb1, "active");
  const lb2 = await start(pair.lb2, fileWith(one));
  await counts(lb2, "received", 5);
  const child = attack(pair.client);
  await waitFor("the attack is under way", () => child.output().includes("attacking"));
  expect(child.output()).toContain("captured 192.0.2.11 ");
  for (const counter of ["droppedAuthMissing", "droppedAuthReplay"]) await counts(lb2, counter, 100);
  await counts(lb1, "droppedAuthMissing", 100);
  expect([await count(lb1, "becameActive"), await count(lb2, "becameActive")]).toEqual([1, 0]);
  expect([await pair.lb1.holds(vips.first), await pair.lb2.holds(vips.first)]).toEqual([true, false]);
  await pair.lb1.cutLink("eth0");
  await reaches(lb2, "active");
  await counts(lb2, "droppedAuthReplay", 100);
  expect([await count(lb2, "becameActive"), await pair.lb2.holds(vips.first)]).toEqual([1, true]);
  await pair.lb1.restoreLink("eth0");
  await reaches(lb2, "backup");
  expect(lb2.log()).toContain("dropped: it is not signed: either its router has no keys");
  expect(lb2.log()).toContain("either somebody replays old advertisements");
});

test("the same attacker has its way with a pair without keys", async () => {
  await using pair = await createPair();
  const config = fileWith(one).replace(/^auth = .*$/m, "");
  const lb1 = await start(pair.lb1, config);
  await reaches(lb1, "active");
  const lb2 = await start(pair.lb2, config);
  await counts(lb2, "received", 5);
  attack(pair.client);
  await counts(lb1, "becameActive", 3);
  await counts(lb2, "becameActive", 1);
});

test("another key on one node makes both active, and both say why", async () => {
  await using pair = await createPair();
  const lb1 = await start(pair.lb1, fileWith(one));
  const lb2 = await start(pair.lb2, fileWith('1 = "a key that lb1 does not have"'));
  await reaches(lb1, "active");
  await reaches(lb2, "active");
  const reason = "its signature does not fit key 1: either its router has another key under this number";
  for (const [node, peer] of [
    [lb1, "192.0.2.12"],
    [lb2, "192.0.2.11"],
  ] as const) {
    await counts(node, "droppedAuthFailed", 5);
    expect(node.log()).toContain(`advertisement from ${peer} dropped: ${reason}`);
  }
});

test("keys are introduced by way of permissive mode, and nothing moves", async () => {
  await using pair = await createPair();
  const none = fileWith(one).replace(/^auth = .*$/m, "");
  const lb1 = await start(pair.lb1, none);
  await reaches(lb1, "active");
  const lb2 = await start(pair.lb2, none);
  await counts(lb2, "received", 5);
  for (const file of [fileWith(one, ', mode = "permissive"'), fileWith(one)]) {
    for (const node of [lb1, lb2]) {
      expect((await node.reload(file)).exitCode).toBe(0);
      await counts(lb2, "received", 5);
    }
  }
  expect([await count(lb1, "becameActive"), await count(lb2, "becameActive")]).toEqual([1, 0]);
  expect(await count(lb2, "droppedAuthMissing")).toBe(0);
});

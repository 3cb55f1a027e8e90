import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { SplitBrainStatus } from "../../src/ipc/status.ts";
import { type ClusterFileOptions, nodesFile, vips } from "../support/cluster-file.ts";
import { instanceOf, startEdgeHa, type EdgeHa } from "../support/edge-ha.ts";
import { type Host, waitFor } from "../support/lab.ts";
import { createPair, type Pair } from "../support/pair.ts";

setDefaultTimeout(60_000);

interface Difference extends ClusterFileOptions {
  readonly vrid?: number;
  readonly keys?: string;
}

/** A file with one address that lb1 is preferred for. */
function file({ vrid = 51, keys = "", ...o }: Difference = {}): string {
  return `${nodesFile(o)}
[[vip]]
name = "first"
address = "${vips.first}/24"
vrid = ${vrid}
prefer = ["lb1", "lb2"]
${keys}
`;
}

const start = (host: Host, config: string): Promise<EdgeHa> => startEdgeHa(host, { config, node: host.name });

async function foundBy(node: EdgeHa): Promise<SplitBrainStatus> {
  let found: SplitBrainStatus | null = null;
  await waitFor("a split brain is found", async () => {
    found = (await instanceOf(node, "first")).splitBrain;
    return found !== null;
  });
  return found ?? Promise.reject(new Error("not found"));
}

/** Waits for the cause: what is known of a rival grows. */
async function untilCause(node: EdgeHa, cause: string): Promise<SplitBrainStatus> {
  await foundBy(node);
  await waitFor(`the cause is ${cause}`, async () => {
    return (await instanceOf(node, "first")).splitBrain?.cause === cause;
  });
  return foundBy(node);
}

/** Starts two nodes with files that do not fit, and waits until both say why they are active. */
async function clash(pair: Pair, files: readonly [string, string], cause: string): Promise<[EdgeHa, EdgeHa]> {
  const nodes: [EdgeHa, EdgeHa] = [await start(pair.lb1, files[0]), await start(pair.lb2, files[1])];
  for (const [index, node] of nodes.entries()) {
    const { rival, advice } = await untilCause(node, cause);
    expect(rival.node).toBe(`lb${2 - index}`);
    const { stdout } = await node.command("status");
    expect(stdout).toContain("split brain since");
    expect(stdout).toContain(`what to do: ${advice}`);
    expect(node.log()).toContain("first: split brain: ");
    expect((await instanceOf(node, "first")).counters["splitBrains"]).toBe(1);
  }
  return nodes;
}

const hmac = (secret: string): string => `{ type = "hmac", keys = { 1 = "${secret}" } }`;

describe("two nodes that are both active say why, on either node", () => {
  test("another password; and that it is over once they have the same", async () => {
    await using pair = await createPair();
    const base = { version: 2, advertInterval: "1s" } as const;
    const files = [file({ ...base, password: "one" }), file({ ...base, password: "two" })] as const;
    const [first, second] = await clash(pair, files, "authentication");
    expect((await foundBy(first)).explanation).toContain("its password is not ours");
    expect((await foundBy(first)).rival.address).toBe("192.0.2.12");
    expect((await foundBy(first)).rival.mac).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    expect((await second.reload(files[0])).exitCode).toBe(0);
    await waitFor("lb2 gives way", async () => (await instanceOf(second, "first")).state === "backup");
    for (const node of [first, second]) {
      await waitFor("nothing is wrong", async () => (await instanceOf(node, "first")).splitBrain === null);
      expect(node.log()).toContain("first: split brain is over after");
    }
  });

  test("another key", async () => {
    await using pair = await createPair();
    const files = ["the key of one node", "the key of the other"].map((secret) =>
      file({ auth: hmac(secret) }),
    );
    await clash(pair, [files[0] ?? "", files[1] ?? ""], "authentication");
  });

  test("signatures on one node only: the other one is not heard", async () => {
    await using pair = await createPair();
    const [, second] = await clash(
      pair,
      [file(), file({ auth: hmac("the key of one node") })],
      "authentication",
    );
    expect((await foundBy(second)).explanation).toContain("it is not signed");
  });

  test("another interval in version 2", async () => {
    await using pair = await createPair();
    const base = { version: 2 } as const;
    const files = [file({ ...base, advertInterval: "1s" }), file({ ...base, advertInterval: "2s" })] as const;
    await clash(pair, files, "interval");
  });

  test("another version", async () => {
    await using pair = await createPair();
    await clash(pair, [file({ version: 3 }), file({ version: 2, advertInterval: "1s" })], "version");
  });

  test("another group", async () => {
    await using pair = await createPair();
    const [first] = await clash(pair, [file(), file({ keys: 'group = "224.0.0.19"' })], "group");
    expect((await foundBy(first)).explanation).toBe(
      "it advertises to 224.0.0.19, and we listen to 224.0.0.18",
    );
  });

  test("another VRID", async () => {
    await using pair = await createPair();
    const [first] = await clash(pair, [file(), file({ vrid: 52 })], "vrid");
    expect((await foundBy(first)).explanation).toContain("under VRID 52, and ours is 51");
  });

  test("advertisements that are filtered on the way; and that it is over once they arrive", async () => {
    await using pair = await createPair();
    const { lb1, lb2 } = pair;
    for (const host of [lb1, lb2]) await host.blockMulticast("eth0");
    const nodes = await clash(pair, [file(), file()], "filtered");
    expect((await foundBy(nodes[0])).explanation).toBe(
      `it answers for ${vips.first} on the link, and no advertisement of it arrives`,
    );
    for (const host of [lb1, lb2]) await host.unblockMulticast("eth0");
    await waitFor("lb2 gives way", async () => (await instanceOf(nodes[1], "first")).state === "backup");
    for (const node of nodes) {
      await waitFor("nothing is wrong", async () => (await instanceOf(node, "first")).splitBrain === null);
    }
  });

  test("a node whose election is frozen goes on answering: the other one names it", async () => {
    await using pair = await createPair();
    const first = await start(pair.lb1, file());
    await waitFor("lb1 holds it", () => pair.lb1.holds(vips.first));
    const second = await start(pair.lb2, file());
    await waitFor("lb2 follows", async () => (await instanceOf(second, "first")).peer !== null);
    const { processes } = await first.status();
    const pids = [first.pid, ...processes.map(({ pid }) => pid)];
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    const { rival } = await untilCause(second, "filtered");
    expect(rival.node).toBe("lb1");
    for (const pid of pids) process.kill(pid, "SIGCONT");
    await waitFor("it is over", async () => (await instanceOf(second, "first")).splitBrain === null);
  });
});

test("a takeover, a planned stop and a failover are no split brain", async () => {
  await using pair = await createPair();
  const first = await start(pair.lb1, file());
  const second = await start(pair.lb2, file());
  await waitFor("lb1 holds it", () => pair.lb1.holds(vips.first));
  await waitFor("lb2 follows", async () => (await instanceOf(second, "first")).state === "backup");
  await first.command("failover", "--all");
  await first.command("failover", "--back");
  await pair.lb1.cutLink("eth0");
  await waitFor("lb2 takes over", () => pair.lb2.holds(vips.first));
  // Longer than it takes to look for a rival twice.
  await Bun.sleep(2_500);
  await pair.lb1.restoreLink("eth0");
  await waitFor("lb1 is back", async () => (await instanceOf(first, "first")).state === "active");
  await waitFor("lb2 follows again", async () => (await instanceOf(second, "first")).state === "backup");
  expect(await first.stop()).toBe(0);
  expect(first.log() + second.log()).not.toContain("split brain");
});

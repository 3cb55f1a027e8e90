import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pairFile, vips } from "../test/support/cluster-file.ts";
import { rolePids, startEdgeHa } from "../test/support/edge-ha.ts";
import { startKeepalived } from "../test/support/keepalived.ts";
import { waitFor, type Host } from "../test/support/lab.ts";
import { createPair, type Pair } from "../test/support/pair.ts";
import { startEcho, startUdpProbe } from "../test/support/probe.ts";
import { readArguments } from "./arguments.ts";

/**
 * What a client sees, and who holds the address, when the process that runs the elections is killed with SIGKILL on the
 * active host, and when every process of the daemon is: restarted by its service manager, or never again. Version 2 at 1 s,
 * keepalived and edge-ha in turn. An argument picks what has it in its label, such as `elections`.
 */

interface Daemon {
  /** Kills the process that runs the elections. */
  readonly killElections: () => Promise<void>;
  /** Kills everything at once: nobody can say farewell. */
  readonly killAll: () => Promise<void>;
  readonly start: () => Promise<unknown>;
}

interface Contender {
  readonly name: string;
  readonly daemon: (host: Host) => Daemon;
}

const contenders: readonly Contender[] = [
  { name: "keepalived 2.2.7", daemon: keepalived },
  { name: "edge-ha", daemon: edgeHa },
];

function keepalived(host: Host): Daemon {
  const file = (name: string): string => join(host.directory, `keepalived.${name}`);
  const pidIn = (name: string): number => Number(readFileSync(file(name), "utf8"));
  const isFirst = host.name === "lb1";
  return {
    killElections: async () => void process.kill(pidIn("vrrp.pid"), "SIGKILL"),
    killAll: async () => {
      const pids = [pidIn("vrrp.pid"), pidIn("pid")];
      // The child is killed first, and while both are stopped: the parent would start another.
      for (const signal of ["SIGSTOP", "SIGKILL"] as const) for (const pid of pids) process.kill(pid, signal);
      for (const name of ["pid", "vrrp.pid"]) rmSync(file(name), { force: true });
    },
    start: () =>
      startKeepalived(host, [
        {
          interface: "eth0",
          version: 2,
          vrid: 51,
          priority: isFirst ? 200 : 100,
          advertInterval: 1,
          addresses: [`${vips.first}/24`],
          state: isFirst ? "MASTER" : "BACKUP",
        },
      ]),
  };
}

function edgeHa(host: Host): Daemon {
  const config = pairFile({ version: 2, advertInterval: "1s" });
  let pid = 0;
  return {
    killElections: async () => {
      for (const each of await rolePids(host, "vrrp")) process.kill(each, "SIGKILL");
    },
    killAll: async () => {
      const roles = await Promise.all(
        (["vrrp", "director", "proxy"] as const).map((role) => rolePids(host, role)),
      );
      const pids = [pid, ...roles.flat()];
      for (const signal of ["SIGSTOP", "SIGKILL"] as const)
        for (const each of pids) process.kill(each, signal);
    },
    start: async () => {
      pid = (await startEdgeHa(host, { config, node: host.name })).pid;
    },
  };
}

interface Outcome {
  readonly lost: number;
  readonly longestSilenceMs: number;
  /** How often another host answered than before. */
  readonly roleChanges: number;
  /** How long both hosts had the address, seen every 20 ms. */
  readonly bothMs: number;
}

/** Starts both hosts, lets something happen to the active one, and watches for `watchMs`. */
async function measure(
  contender: Contender,
  happen: (active: Daemon) => Promise<void>,
  watchMs: number,
): Promise<Outcome> {
  await using pair = await createPair();
  const { lb1, lb2, client } = pair;
  for (const host of [lb1, lb2]) await startEcho(host);
  const active = contender.daemon(lb1);
  await active.start();
  await waitFor("lb1 holds the address", () => lb1.holds(vips.first));
  await contender.daemon(lb2).start();
  await Bun.sleep(2_500);
  const probe = await startUdpProbe(client, vips.first);
  await Bun.sleep(300);
  const watch = watchBoth(pair);
  await happen(active);
  await Bun.sleep(watchMs);
  const bothMs = await watch.stop();
  const { sent, received, silences, holders } = await probe.stop();
  return {
    // What is on the way when the probe ends is not lost.
    lost: Math.max(0, sent - received - 2),
    longestSilenceMs: Math.max(0, ...silences.map(({ lengthMs }) => lengthMs)),
    roleChanges: holders.length - 1,
    bothMs,
  };
}

function watchBoth({ lb1, lb2 }: Pair): { stop: () => Promise<number> } {
  const control = new AbortController();
  const watching = (async () => {
    let bothMs = 0;
    for (let before = performance.now(); !control.signal.aborted; await Bun.sleep(20)) {
      const held = await Promise.all([lb1.holds(vips.first), lb2.holds(vips.first)]);
      const now = performance.now();
      if (held.every(Boolean)) bothMs += now - before;
      before = now;
    }
    return bothMs;
  })();
  return {
    stop() {
      control.abort();
      return watching;
    },
  };
}

interface Happening {
  readonly label: string;
  readonly watchMs: number;
  readonly happen: (active: Daemon) => Promise<void>;
}

const happenings: readonly Happening[] = [
  { label: "elections killed", watchMs: 9_000, happen: (active) => active.killElections() },
  {
    label: "daemon killed, restarted after 0.5 s",
    watchMs: 9_000,
    happen: async (active) => {
      await active.killAll();
      await Bun.sleep(500);
      await active.start();
    },
  },
  { label: "daemon killed, never restarted", watchMs: 15_000, happen: (active) => active.killAll() },
];

const given = readArguments({
  usage: "scripts/bench crash [PART OF A LABEL]",
  words: { label: { in: happenings.map(({ label }) => label) } },
});
const wanted = given.get("label");
for (const { label, watchMs, happen } of happenings) {
  if (wanted !== undefined && !label.includes(wanted)) continue;
  const outcomes: Outcome[] = [];
  for (const contender of contenders) {
    const outcome = await measure(contender, happen, watchMs);
    outcomes.push(outcome);
    const { lost, longestSilenceMs, roleChanges, bothMs } = outcome;
    const figures = [
      `${String(lost).padStart(5)} probes lost`,
      `longest silence ${String(Math.round(longestSilenceMs)).padStart(5)} ms`,
      `${roleChanges} role changes`,
      `both hold it for ${Math.round(bothMs)} ms`,
    ];
    console.log(`${label.padEnd(38)} ${contender.name.padEnd(18)} ${figures.join("  ")}`);
  }
  const [peer, ours] = outcomes;
  if (peer === undefined || ours === undefined) continue;
  const ratio =
    peer.lost + ours.lost === 0
      ? "no probes lost by either"
      : `ratio of lost probes ${(ours.lost / peer.lost).toFixed(2)}`;
  const isMet = ours.lost === 0 && ours.roleChanges === 0;
  const bar =
    happen === happenings[0]?.happen ? `, bar of none and no role change: ${isMet ? "met" : "MISSED"}` : "";
  console.log(`${label.padEnd(38)} ${ratio}${bar}`);
}

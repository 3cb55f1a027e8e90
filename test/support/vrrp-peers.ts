import { rmSync } from "node:fs";
import { join } from "node:path";
import type { HmacPlan, VrrpPlan } from "../../src/config/node-plan.ts";
import { Frr } from "./frr.ts";
import { startKeepalived, type KeepalivedInstance } from "./keepalived.ts";
import { type Child, type Host, waitFor } from "./lab.ts";
import { instancePlan, vrrpPlan } from "./vrrp-plans.ts";
import { VrrpRole } from "./vrrp-role.ts";

/** Other routers that a `vrrp` process meets, each behind the same face. */

/** What a router of the matrix is told to be; all of them have VRID 51 on eth0. */
export interface RouterWish {
  readonly version: 2 | 3;
  readonly family: 4 | 6;
  /** Addresses to unicast to, from `source`; none speaks to the group. */
  readonly unicast: { readonly source: string; readonly peers: readonly string[] } | null;
  readonly intervalMs: number;
  readonly priority: number;
  readonly preempts: boolean;
  /** Virtual addresses without prefix; of IPv6 with a link-local one in front. */
  readonly addresses: readonly string[];
  readonly password: string | null;
  readonly hmac: HmacPlan | null;
}

/** A running router. */
export interface RunningPeer {
  isActive(): Promise<boolean>;
  /** Stops it politely: it resigns. */
  stop(): Promise<void>;
  /** Kills it without a word, and removes what it cannot remove any more. */
  kill(): Promise<void>;
}

/** A kind of router. */
export interface PeerKind {
  readonly name: string;
  readonly canUnicast: boolean;
  readonly canAuthenticate: boolean;
  start(host: Host, wish: RouterWish): Promise<RunningPeer>;
}

/** Gives the plan of a wish. */
export function planOf(wish: RouterWish): VrrpPlan {
  const {
    version,
    intervalMs: advertIntervalMs,
    priority,
    preempts,
    addresses,
    password,
    hmac,
    unicast,
  } = wish;
  const transport =
    unicast === null
      ? {}
      : {
          unicast: { ttl: null, checksSource: true },
          source: unicast.source,
          peers: unicast.peers.map((address) => ({ name: address, address })),
        };
  const plan = instancePlan({
    vip: addresses.at(-1) ?? "",
    version,
    advertIntervalMs,
    priority,
    preempts,
    password,
    hmac,
    ...transport,
  });
  const [model] = plan.addresses;
  if (model === undefined) throw new Error("no address");
  return vrrpPlan([
    { ...plan, addresses: addresses.map((address) => Object.assign({}, model, { address })) },
  ]);
}

const edgeHa: PeerKind = {
  name: "edge-ha",
  canUnicast: true,
  canAuthenticate: true,
  async start(host, wish) {
    const role = await VrrpRole.start(host, planOf(wish));
    return {
      isActive: async () => role.status()?.state === "active",
      stop: async () => void (await role.stop()),
      async kill() {
        await role.kill("SIGKILL");
        await removeAll(host, wish.addresses);
      },
    };
  },
};

const keepalived: PeerKind = {
  name: "keepalived",
  canUnicast: true,
  canAuthenticate: true,
  async start(host, wish) {
    const child = await startKeepalived(host, [keepalivedInstance(wish)]);
    return {
      isActive: async () => lastState(child) === "MASTER",
      async stop() {
        child.kill("SIGTERM");
        await child.exited;
      },
      async kill() {
        // The kernel wakes the stopped child of a parent that has died, and the child would say farewell.
        const pids = (await host.pids()).toSorted((a, b) => b - a);
        for (const signal of ["SIGSTOP", "SIGKILL"] as const)
          for (const pid of pids) process.kill(pid, signal);
        await child.exited;
        for (const file of ["pid", "vrrp.pid"])
          rmSync(join(host.directory, `keepalived.${file}`), { force: true });
        await removeAll(host, wish.addresses);
      },
    };
  },
};

const frr: PeerKind = {
  name: "FRR",
  canUnicast: false,
  canAuthenticate: false,
  async start(host, wish) {
    const { version, family, intervalMs: advertIntervalMs, priority, preempts } = wish;
    const addresses = wish.addresses.map((address) => `${address}/${family === 4 ? 24 : 64}`);
    const router = { interface: "eth0", vrid: 51, version, priority, advertIntervalMs, preempts, addresses };
    const daemon = await Frr.start(host, [router]);
    return {
      isActive: async () => (await daemon.election(51, family))?.status === "Master",
      stop: () => daemon.stop(),
      kill: () => daemon.kill(),
    };
  },
};

/** All of them. */
export const peerKinds: readonly PeerKind[] = [edgeHa, keepalived, frr];

function keepalivedInstance(wish: RouterWish): KeepalivedInstance {
  const { version, family, intervalMs, priority, preempts, password, unicast } = wish;
  return {
    interface: "eth0",
    version,
    vrid: 51,
    priority,
    advertInterval: intervalMs / 1000,
    addresses: wish.addresses.map((address) => `${address}/${family === 4 ? 24 : 64}`),
    preempts,
    ...(password === null ? {} : { password }),
    ...(unicast === null ? {} : { unicast }),
  };
}

function lastState(child: Child): string | null {
  return (
    child
      .output()
      .match(/Entering (\w+) STATE/g)
      ?.at(-1)
      ?.split(" ")[1] ?? null
  );
}

async function removeAll(host: Host, addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const length = address.includes(":") ? 64 : 24;
    // It is not there if the router had not come so far.
    if (await host.holds(address)) await host.ip(["address", "del", `${address}/${length}`, "dev", "eth0"]);
  }
}

/** Waits until a peer is active, or is not. */
export async function untilPeer(peer: RunningPeer, isActive: boolean): Promise<void> {
  await waitFor(
    `the peer is ${isActive ? "" : "not "}active`,
    async () => (await peer.isActive()) === isActive,
    30_000,
  );
}

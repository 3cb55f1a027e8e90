import type { RealServerSocket } from "../config/config.ts";
import type { TunnelForm } from "../config/tunnel-words.ts";
import type { DrainWord } from "./agent-line.ts";
import { judgeAnswers } from "./answerers.ts";
import { savedTunnels } from "./control.ts";
import { drainPath, readDrain } from "./drain-file.ts";
import type { Finding } from "./finding.ts";
import { judge } from "./fitness.ts";
import { Host } from "./host.ts";
import { readState } from "./state-file.ts";
import { askForVips, directorsByMac, type KnownDirector, type Surroundings } from "./survey.ts";
import type { Wish } from "./table.ts";
import { judgeTunnels } from "./tunnel-fitness.ts";

/** What `status` found. */
export interface FitnessReport {
  readonly vips: readonly string[];
  /** Whether a state file of this boot says that `rs` was started. */
  readonly isStarted: boolean;
  /** What the operator has said with `rs drain`; null is in service. */
  readonly drain: DrainWord | null;
  readonly findings: readonly Finding[];
}

/** What is known besides the wish. */
export interface StatusQuestion {
  readonly directors: readonly KnownDirector[];
  /** What the configuration's services want of their servers. */
  readonly sockets: readonly RealServerSocket[];
  readonly statePath: string;
}

/**
 * Looks whether this machine is fit to serve these VIPs, or those it was started with if there are none, and asks its
 * networks who answers for them; takes a second.
 */
export async function realServerStatus(
  wish: Wish,
  { directors, sockets, statePath }: StatusQuestion,
): Promise<FitnessReport> {
  const host = Host.open();
  try {
    const saved = readState(statePath);
    const isStarted = saved !== null && saved.bootId === host.read().bootId;
    const vips = wish.vips.length > 0 ? wish.vips : (saved?.vips ?? []).map((vip) => vip.address);
    const tunnels: readonly TunnelForm[] = wish.tunnels.length > 0 ? wish.tunnels : savedTunnels(saved);
    const surroundings = host.surroundings();
    const [answers, known] = await Promise.all([
      askForVips(vips, surroundings),
      directorsByMac(directors, vips, surroundings),
    ]);
    const findings = [
      ...judge(vips, host.look(), expectedHere(sockets, surroundings)),
      ...judgeTunnels(tunnels, vips, host.lookAtTunnels()),
      ...answers.map((one) => judgeAnswers(one, known)),
    ];
    return { vips, isStarted, drain: readDrain(drainPath(statePath)), findings };
  } finally {
    host.close();
  }
}

/** A service whose servers are others asks nothing of this machine. */
function expectedHere(
  sockets: readonly RealServerSocket[],
  { addresses }: Surroundings,
): readonly RealServerSocket[] {
  const own = new Set(addresses.map(({ address }) => address));
  return sockets.filter(({ servers }) => servers.some((address) => own.has(address)));
}

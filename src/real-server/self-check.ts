import { formatEndpoint } from "../base/address.ts";
import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { CheckConfig } from "../config/config.ts";
import { probeOf } from "../config/probes.ts";
import { attemptProbe } from "../health/probe.ts";
import { Prober } from "../health/prober.ts";

/** The web server's own check of what it serves: the way its clients come, at every VIP. */
export class SelfCheck {
  readonly #prober: Prober;
  #probes: readonly string[] = [];

  constructor(log: Log) {
    this.#prober = new Prober({
      clock: systemClock,
      log,
      attempt: attemptProbe,
      onVerdict: () => undefined,
    });
  }

  /** Checks these VIPs from now on; null checks nothing. */
  configure(vips: readonly string[], check: CheckConfig | null): void {
    const port = check?.port ?? null;
    const probes =
      check === null || port === null ? [] : vips.map((address) => probeOf({ address, port }, check));
    // A check with an address of its own is one for all VIPs.
    const distinct = new Map(probes.map((probe) => [probe.id, probe]));
    this.#probes = [...distinct.keys()];
    this.#prober.configure([...distinct.values()]);
  }

  /** Says why a VIP is not served; null where every one is, and before the first result. */
  problem(): string | null {
    const down = this.#prober.status().find(({ id, isUp }) => !isUp && this.#probes.includes(id));
    return down === undefined ? null : `${formatEndpoint(down.target)}: ${down.lastResult}`;
  }

  close(): void {
    this.#prober.close();
  }
}

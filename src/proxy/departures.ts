import type { Departure, DepartureReply } from "../ipc/departure.ts";
import type { Engine, OpenClient } from "./engine.ts";
import type { Tunnel } from "./tunnel.ts";

/** How often open connections are looked at. */
const lookMs = 5;
/** What has been idle for this long is not about to send the request that its end would cross. */
const quietMs = 30;

/** What a client had written to it, and since when that is all. */
interface Quiet {
  readonly writtenBytes: number;
  readonly since: number;
}

/** Sees to the connections to addresses that are about to move to another node (src/ipc/departure.ts has the steps). */
export class Departures {
  private readonly engine: Engine;
  private readonly reply: (reply: DepartureReply) => void;
  private readonly timers = new Map<number, Timer>();

  constructor(engine: Engine, reply: (reply: DepartureReply) => void) {
    this.engine = engine;
    this.reply = reply;
  }

  /** Carries out a step; the one before ends. */
  begin({ id, addresses, step }: Departure): void {
    clearInterval(this.timers.get(id));
    this.timers.delete(id);
    if (step.kind !== "over") for (const address of addresses) this.engine.departing.add(address);
    switch (step.kind) {
      case "drain":
        return this.drain(id, addresses, step.limitMs);
      case "clear":
        return this.clear(id, addresses, step.limitMs);
      case "over":
        for (const address of addresses) this.engine.departing.delete(address);
        // The peers of what is left speak to another node now.
        if (step.isGone) for (const one of this.at(addresses)) one.cut();
    }
  }

  /** Waits for the requests and tunnels there are now; those of new connections come and go. */
  private drain(id: number, addresses: readonly string[], limitMs: number): void {
    const waiting = new Set(this.open(addresses).filter(isInUse));
    this.repeat({ id, kind: "drain", limitMs }, () => {
      for (const one of waiting) if (!isInUse(one)) waiting.delete(one);
      return waiting;
    });
  }

  /** Ends what is idle, and waits for the rest until its client has read everything and has closed its side. */
  private clear(id: number, addresses: readonly string[], limitMs: number): void {
    const quiet = new Map<OpenClient, Quiet>();
    const ended = new Set<OpenClient>();
    this.repeat({ id, kind: "clear", limitMs }, (now) => {
      const left = new Set(this.open(addresses));
      for (const one of left) {
        if (!("writtenBytes" in one)) continue;
        if (ended.has(one)) left.delete(one);
        else if (one.standing === "idle" && isQuiet(quiet, one, now)) {
          ended.add(one);
          left.delete(one);
          one.end();
        }
      }
      return left;
    });
  }

  /** Looks until `left` gives nothing more, ends what it gives at the limit, and answers. */
  private repeat(
    step: { readonly id: number; readonly kind: DepartureReply["kind"]; readonly limitMs: number },
    left: (now: number) => ReadonlySet<OpenClient | Tunnel>,
  ): void {
    const { id, kind, limitMs } = step;
    const deadline = performance.now() + limitMs;
    const look = (): void => {
      const now = performance.now();
      const open = left(now);
      if (open.size > 0 && now < deadline) return;
      clearInterval(this.timers.get(id));
      this.timers.delete(id);
      const cutShort = [...open].filter(isInUse);
      for (const one of open) one.end();
      this.reply({ id, kind, ended: cutShort.length });
    };
    this.timers.set(id, setInterval(look, lookMs));
    look();
  }

  private open(addresses: readonly string[]): (OpenClient | Tunnel)[] {
    return this.at(addresses).filter(({ standing }) => standing !== "ended");
  }

  private at(addresses: readonly string[]): (OpenClient | Tunnel)[] {
    const { clients, tunnels } = this.engine;
    // Tunnels first: a WebSocket that is a stream can say why it ends only while its connection is there.
    return [...tunnels, ...clients].filter(({ localAddress }) => addresses.includes(localAddress));
  }
}

function isInUse({ standing }: OpenClient | Tunnel): boolean {
  return standing === "in use";
}

/** Tells whether a client has been idle for a while. */
function isQuiet(seen: Map<OpenClient, Quiet>, client: OpenClient, now: number): boolean {
  const { writtenBytes } = client;
  const before = seen.get(client);
  if (before !== undefined && before.writtenBytes === writtenBytes) return now - before.since >= quietMs;
  seen.set(client, { writtenBytes, since: now });
  return false;
}

/** A server is reported this often at most. */
const pauseMs = 100;

/** Reports servers that failed clients, so that they are checked at once: each probe now and then, and not for every client. */
export class Suspects {
  private readonly tell: (probes: readonly string[]) => void;
  private readonly told = new Set<string>();

  constructor(tell: (probes: readonly string[]) => void) {
    this.tell = tell;
  }

  /** Notes that the server behind a probe failed a client; null is a server that nothing checks. */
  add(probe: string | null): void {
    if (probe === null || this.told.has(probe)) return;
    this.told.add(probe);
    setTimeout(() => this.told.delete(probe), pauseMs);
    this.tell([probe]);
  }
}

import type { Engine } from "../engine.ts";
import type { Wire } from "../sockets.ts";
import { WaitingClient } from "../waiting-client.ts";

/** Waits while client and process agree on keys. */
export class Handshake extends WaitingClient {
  private readonly onSecured: (wire: Wire) => void;

  constructor(engine: Engine, wire: Wire, limitMs: number, onSecured: (wire: Wire) => void) {
    super(engine, wire, limitMs);
    this.onSecured = onSecured;
  }

  /** The handshake is over; `hasFailed` if there are no keys. */
  secured(hasFailed: boolean): void {
    if (this.standing === "ended") return;
    this.leave();
    if (hasFailed) this.wire.terminate();
    else this.onSecured(this.wire);
  }

  protected override get isSilent(): boolean {
    return false; // its bytes are not seen here
  }

  override received(): void {
    // Nothing is decrypted before there are keys.
  }
}

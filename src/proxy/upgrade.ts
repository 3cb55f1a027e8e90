import type { Engine } from "./engine.ts";
import { fieldNumber } from "./http1/field-names.ts";
import type { RequestRecord } from "./request-record.ts";
import { Tunnel } from "./tunnel.ts";
import type { TunnelEnd } from "./tunnel-end.ts";
import type { SwitchedUpstream } from "./upstream-stream.ts";
import { WebSocketFrames } from "./websocket-frames.ts";
import { webSocketAccept } from "./websocket-key.ts";

/** What the client's side of a WebSocket is made of. */
export interface WebSocketClient {
  readonly end: TunnelEnd;
  /** What it has sent ahead of the answer. */
  readonly early: Buffer | null;
  /** Tells it that the server has accepted. */
  tell(switched: SwitchedUpstream): void;
}

/**
 * Turns an exchange into a WebSocket tunnel; false if the server's 101 is not the answer to this key. Only `websocket` ever
 * gets here: a tunnel for another protocol, h2c above all, would carry requests that no rule sees.
 */
export function openWebSocket(o: {
  readonly engine: Engine;
  readonly key: string | null;
  readonly client: WebSocketClient;
  readonly from: SwitchedUpstream;
  /** What the request has taken of a limit the tunnel has from now on. */
  readonly record: Pick<RequestRecord, "takeHold">;
  /** How long the tunnel may be silent. */
  readonly idleMs: number;
}): boolean {
  const { client, engine, from, idleMs, key } = o;
  if (key === null || !isAccepted(from, key)) return false;
  const near = client.end;
  const hold = o.record.takeHold();
  const { far, rest } = from;
  const tunnel = new Tunnel({
    near,
    far,
    sweep: engine.sweep,
    idleMs,
    onClosed: () => {
      engine.tunnels.delete(tunnel);
      from.ended(tunnel);
      hold?.release();
    },
  });
  near.frames = new WebSocketFrames(false);
  far.frames = new WebSocketFrames(true);
  engine.tunnels.add(tunnel);
  from.taken(tunnel);
  client.tell(from);
  if (rest !== null) far.pass(rest);
  near.resume();
  if (client.early !== null) near.pass(client.early);
  return true;
}

function isAccepted({ fields, head }: SwitchedUpstream, key: string): boolean {
  const upgradeAt = fields.find(fieldNumber.upgrade);
  const acceptAt = fields.find(fieldNumber["sec-websocket-accept"]);
  if (!head.upgrades || upgradeAt < 0 || fields.value(upgradeAt).toLowerCase() !== "websocket") return false;
  return acceptAt >= 0 && fields.value(acceptAt) === webSocketAccept(key);
}

import type { Engine } from "./engine.ts";
import { buildInterimHead } from "./headers.ts";
import { fieldNumber } from "./http1/field-names.ts";
import type { RequestHead } from "./http1/request-head.ts";
import type { Outbox } from "./outbox.ts";
import type { Wire } from "./sockets.ts";
import { Tunnel } from "./tunnel.ts";
import type { SwitchedUpstream } from "./upstream-connection.ts";

const webSocketGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455 §1.3

/**
 * Turns an exchange into a WebSocket tunnel; false if the server's 101 is not the answer to this request. Only
 * `websocket` ever gets here: a tunnel for another protocol, h2c above all, would carry requests that no rule sees.
 */
export function openWebSocket(o: {
  readonly engine: Engine;
  readonly request: RequestHead;
  readonly client: { readonly wire: Wire; readonly outbox: Outbox; readonly early: Buffer | null };
  readonly from: SwitchedUpstream;
  /** How long the tunnel may be silent. */
  readonly idleMs: number;
}): boolean {
  const { client, engine, from, request } = o;
  const { connection, fields, head } = from;
  const far = connection.wire;
  if (far === null || connection.outbox === null || request.webSocketKey === null) return false;
  const upgradeAt = fields.find(fieldNumber.upgrade);
  const acceptAt = fields.find(fieldNumber["sec-websocket-accept"]);
  if (!head.upgrades || upgradeAt < 0 || fields.value(upgradeAt).toLowerCase() !== "websocket") return false;
  if (acceptAt < 0 || fields.value(acceptAt) !== acceptFor(request.webSocketKey)) return false;
  const { rest } = from;
  const farOutbox = connection.outbox;
  const tunnel = new Tunnel({
    near: client.wire,
    nearOutbox: client.outbox,
    far,
    farOutbox,
    sweep: engine.sweep,
    idleMs: o.idleMs,
    onClosed: () => {
      engine.tunnels.delete(tunnel);
      connection.pool.ended(tunnel);
    },
  });
  engine.tunnels.add(tunnel);
  connection.detach(tunnel);
  const isTaken = client.outbox.sendHead(
    buildInterimHead(head, fields),
    rest === null ? null : { bytes: rest, start: 0, end: rest.length },
  );
  if (!isTaken) far.pause();
  if (client.early === null || farOutbox.send(client.early, 0, client.early.length)) client.wire.resume();
  else client.wire.pause();
  return true;
}

function acceptFor(key: string): string {
  return new Bun.CryptoHasher("sha1").update(`${key}${webSocketGuid}`).digest("base64");
}

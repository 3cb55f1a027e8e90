import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { Channel } from "../ipc/channel.ts";
import type { FromProxy, ProxyNews, ToProxy } from "../ipc/messages.ts";
import { Leaving } from "./leaving.ts";
import type { Tell } from "./tell.ts";
import { Worker } from "./worker.ts";

/**
 * The L7 proxy. It takes requests on sockets that the supervisor opened, so it needs no privilege, and carries them to the
 * servers of its plan. What is where:
 *
 *     client ── ClientConnection ── Exchange ── UpstreamConnection ── server      HTTP/1.1: one request after another
 *                     └──────────── Tunnel ─────────────┘                         WebSocket
 *     client ── Http2Connection ─── Exchange ── Http2Upstream ─────── server      HTTP/2: a stream each, on either side
 *     client ── DatagramRelay ── Flow ── Http3Endpoint ── Http3Connection ── …    HTTP/3: QUIC is the runtime's
 *     client ── RelayedClient ───── Tunnel ────────────── server                  forward = "proxy", TCP
 *     client ── DatagramRelay ────── Flow ─────────────── server                  forward = "proxy", UDP
 *
 * A cache may stand between a client and its exchange, and under TLS a handshake comes first. It neither checks servers (the
 * director does) nor opens listening sockets.
 */
export function runProxyProcess(channel: Channel<ToProxy, FromProxy>, log: Log): void {
  const sendStatus = (): void =>
    channel.send({ kind: "status", status: worker.status(), drained: worker.drained() });
  const worker: Worker = new Worker(log, teller(channel));
  const leave = (): void => {
    sendStatus();
    process.exit(0);
  };
  const leaving = new Leaving((deadlineMs) => worker.drain(deadlineMs, leave));
  setInterval(sendStatus, 1000);
  channel.onMessage((message) => {
    switch (message.kind) {
      case "configure":
        try {
          worker.configure(message);
          channel.send({ kind: "configured" });
        } catch (error) {
          channel.send({ kind: "refused", reason: errorText(error) });
        }
        break;
      case "standings":
        worker.setStandings(message.standings);
        break;
      case "found":
        worker.setFound(message.names);
        break;
      case "show":
        channel.send({ kind: "servers", id: message.id, servers: worker.traffic() });
        break;
      case "ejections":
      case "clients":
      case "spent":
      case "open":
      case "disk":
      case "changed":
        hear(worker, message);
        break;
      case "slots":
        worker.heardSlots(message.words);
        break;
      case "purge":
        worker.purge(message.pattern);
        break;
      case "departure":
        worker.depart(message.departure);
        break;
      case "reopen":
        worker.reopenLogs();
        break;
      case "outlive":
        leaving.outlive(message.drainMs);
        worker.outlive();
        channel.send({ kind: "outlives" });
        break;
      case "drain":
        worker.drain(message.deadlineMs, leave);
        break;
    }
  });
  channel.onClosed(() => leaving.alone());
  process.on("SIGINT", () => undefined);
  process.on("SIGHUP", () => undefined);
  process.on("SIGUSR1", () => worker.reopenLogs());
  process.on("SIGTERM", () => leaving.begin());
  channel.send({ kind: "hello" });
}

/** Takes what another process has seen. */
function hear(worker: Worker, news: ProxyNews): void {
  switch (news.kind) {
    case "ejections":
      worker.heardEjections(news.ejections);
      break;
    case "clients":
      worker.heardClients(news.clients);
      break;
    case "spent":
      worker.heardSpent(news.notes);
      break;
    case "open":
      worker.heardOpen(news.news);
      break;
    case "disk":
      worker.heardDisk(news.notes);
      break;
    case "changed":
      worker.heardChanges(news.urls);
      break;
  }
}

/** Tells the supervisor by messages. */
function teller(channel: Channel<ToProxy, FromProxy>): Tell {
  return {
    departure: (reply) => channel.send({ kind: "departure", reply }),
    clients: (clients) => channel.send({ kind: "clients", clients }),
    spent: (notes) => channel.send({ kind: "spent", notes }),
    open: (news) => channel.send({ kind: "open", news }),
    slots: (news) => channel.send({ kind: "slots", news }),
    ejections: (ejections) => channel.send({ kind: "ejections", ejections }),
    suspects: (probes) => channel.send({ kind: "suspects", probes }),
    disk: (notes) => channel.send({ kind: "disk", notes }),
    changed: (urls) => channel.send({ kind: "changed", urls }),
  };
}

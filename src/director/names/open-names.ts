import type { Clock } from "../../base/clock.ts";
import { later } from "../../base/instant.ts";
import type { Log } from "../../base/log.ts";
import { Deadline } from "../../health/deadline.ts";
import { askByDatagram, askByStream } from "../../health/dns/exchange.ts";
import type { DnsReply } from "../../health/dns/message.ts";
import { hostAddresses, nameServers } from "./host-files.ts";
import { Names } from "./names.ts";
import { Resolver, type Question } from "./resolver.ts";
import { WatchedFile } from "./watched-file.ts";

/** Opens what looks names up on this host, with its own list of names and its own name servers. */
export function openNames(clock: Clock, log: Log, onFound: () => void): Names {
  const servers = new WatchedFile("/etc/resolv.conf", nameServers);
  const hosts = new WatchedFile("/etc/hosts", hostAddresses);
  const resolver = new Resolver({
    ask: (question) => askInTime(clock, question),
    nameServers: () => servers.value,
    hostAddresses: (name) => hosts.value.get(name) ?? [],
  });
  return new Names({ clock, log, resolver, onFound });
}

/** Asks one name server once; throws what went wrong, or that it took too long. */
export async function askInTime(
  clock: Clock,
  { bytes, protocol, timeoutMs, to }: Question,
): Promise<DnsReply> {
  const deadline = new Deadline();
  const cancel = clock.schedule(later(clock.now(), timeoutMs), () => deadline.end());
  const ask = protocol === "udp" ? askByDatagram : askByStream;
  try {
    return await ask(
      { target: to, source: null, mark: null, vip: null, proxyProtocol: null },
      bytes,
      deadline,
    );
  } catch (error) {
    throw deadline.isOver ? new Error(`no answer within ${timeoutMs} ms`, { cause: error }) : error;
  } finally {
    cancel();
  }
}

import { openFifo } from "../base/fifo.ts";
import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { FloodNews } from "../kernel/flood-guard.ts";
import { FrameSocket } from "../kernel/frame-socket.ts";
import { Journal, stateDirectory } from "../kernel/journal.ts";
import { describeProcess, listProcesses, subscribeProcesses, watchEnd } from "../kernel/processes.ts";
import { Nftables } from "../kernel/nftables.ts";
import { RawMulticast } from "../kernel/raw-multicast.ts";
import { RawSpeaker } from "../kernel/raw-speaker.ts";
import { RawUnicast } from "../kernel/raw-unicast.ts";
import { openEcho, openNeighbour } from "../kernel/reachability.ts";
import { watchRoutes } from "../kernel/route-watch.ts";
import { RouteNetlink } from "../kernel/rtnetlink.ts";
import { readSysctl, writeSysctl } from "../kernel/sysctl.ts";
import { PreciseTimer } from "../kernel/timer.ts";
import { Announcements } from "./announcements.ts";
import { kernelBfdHost } from "./bfd/bfd-host.ts";
import { VirtualMacLinks } from "../kernel/virtual-mac-links.ts";
import { readFile, watchFile } from "./files.ts";
import { soundAdvertsOnly } from "./flood-filter.ts";
import type { Host, Segment, SegmentPlace } from "./host.ts";
import { openCapture, openNeighbourhood } from "./listening.ts";
import { checksumOffset, vrrpProtocol } from "./packet.ts";
import { runScript } from "./script.ts";

/** The real machine; `close` gives everything back. */
export interface KernelHost extends Host {
  close(): void;
}

/** Opens the sockets that all instances share, and asks `resolveUser` for users; throws `SystemError` without CAP_NET_RAW. */
export function openKernelHost(log: Log, resolveUser: Host["resolveUser"]): KernelHost {
  const routes = RouteNetlink.open();
  const virtualMacLinks = VirtualMacLinks.open();
  const frames = FrameSocket.open();
  const announcements = new Announcements();
  const alarm = PreciseTimer.open();
  return {
    clock: systemClock,
    alarm,
    random: () => Math.random(),
    routes,
    journal: Journal.open(stateDirectory(process.env), "vrrp"),
    settings: { read: readSysctl, write: writeSysctl },
    bfd: kernelBfdHost(log),
    virtualMacLinks,
    openPacketFilter: () => Nftables.open(),
    announce(link, address) {
      // Not Ethernet: a tunnel or the loopback has nobody to tell.
      if (link.mac.length === 6) frames.send(link.index, announcements.frame(link, address));
    },
    openSegment: (where, receive) => openSegment(where, receive, log),
    openNeighbourhood: (where, react) => openNeighbourhood(where, react, log),
    openCapture: (where, react) => openCapture(where, react, log),
    openSpeaker: ({ group, source }, link) =>
      RawSpeaker.open({ protocol: vrrpProtocol, link, group, source, ttl: 255, tos: 0xc0 }),
    runScript,
    resolveUser,
    openFifo,
    processes: {
      list: listProcesses,
      describe: describeProcess,
      watchEnd,
      subscribe: subscribeProcesses,
    },
    watchRoutes,
    openReachability: (place, target, answered) =>
      place.method === "ping" ? openEcho(place, target, answered) : openNeighbour(place, target, answered),
    readFile,
    watchFile,
    close() {
      alarm.close();
      frames.close();
      routes.close();
      virtualMacLinks.close();
    },
  };
}

function openSegment(where: SegmentPlace, receive: Parameters<Host["openSegment"]>[1], log: Log): Segment {
  const { link, group, source } = where;
  // RFC 9568 §5.1.1.3: the TTL is 255. 0xc0 is internetwork control.
  const header = { protocol: vrrpProtocol, link, source, ttl: 255, tos: 0xc0 };
  const flood = {
    soundOnly: soundAdvertsOnly,
    checksumOffset,
    tell: (news: FloodNews) => tellFlood(where, news, log),
  };
  const socket = RawMulticast.open({ ...header, group, flood });
  // The interface went down or away: the link's own event says so, and says it better.
  socket.onReceive(receive, (error) => log.debug(`receiving on ${link.name}: ${errorText(error)}`));
  let mouth: RawUnicast | null = null;
  return {
    send(payload, to) {
      if (to === group) return socket.send(payload);
      mouth ??= RawUnicast.open(header);
      mouth.send(payload, to);
    },
    floods: () => socket.floods(),
    close() {
      mouth?.close();
      socket.close();
    },
  };
}

function tellFlood({ link }: SegmentPlace, news: FloodNews, log: Log): void {
  if (news.kind === "over") {
    const many = news.dropped === null ? "" : `, ${news.dropped} were dropped unread`;
    return log.notice(`${link.name}: the flood of VRRP packets is over${many}: all are looked at again`);
  }
  const what =
    "a flood of VRRP packets: those with a wrong length or checksum are dropped unread from now on";
  log.warning(`${link.name}: ${what}; somebody is at it, or the network has a loop`);
}

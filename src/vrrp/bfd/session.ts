import { unreachable } from "../../base/assert.ts";
import { later, type Instant } from "../../base/instant.ts";
import { formatMs } from "../timers.ts";
import { diagnostics, diagnosticText } from "./diagnostic.ts";
import type { BfdState, ControlPacket } from "./packet.ts";
import type {
  DownCause,
  Remote,
  Session,
  SessionConfig,
  SessionEffect,
  SessionEvent,
  Stepped,
} from "./session-types.ts";
import { detectionMs, jittered, receiveMs, slowestUs, transmitMs } from "./timing.ts";

/**
 * One end of a BFD session in asynchronous mode (RFC 5880 §6.8, RFC 5881): PURE, as election.ts is. It has no echo,
 * does not ask for demand mode, answers a peer's poll and honours a peer's demand mode. What arrived is fed in before
 * the timer: whether the other side is silent is known only once everything that it sent has been read.
 *
 *                 ┌───────────┐   disable, from everywhere
 *                 │ adminDown │
 *                 └───────────┘
 *      ┌──────┐ peer down     ┌──────┐ peer init or up  ┌────┐
 *      │ down │ ────────────► │ init │ ───────────────► │ up │
 *      └──────┘               └──────┘                  └────┘
 *         ▲  │ peer init          │ silent,                ▲ │ silent, peer down,
 *         │  └────────────────────┼─ peer adminDown ───────┘ │ peer adminDown, cut
 *         └───────────────────────┴──────────────────────────┘
 */
export function step(config: SessionConfig, session: Session, event: SessionEvent): Stepped {
  switch (event.kind) {
    case "open":
      return transmit(config, opened(config, session), event);
    case "cut":
      return cut(config, session, event.at, event.reason);
    case "packet":
      return receive(config, session, event);
    case "timer":
      return expire(config, session, event);
    case "configure":
      // RFC 5880 §6.8.7: what our packets say has changed, which is told at once.
      return transmit(config, advertise(config, session), event);
    case "disable":
      return disable(config, session, event);
    default:
      return unreachable(event);
  }
}

/** What kept it from speaking is over. */
function opened({ peer }: SessionConfig, session: Session): Session {
  const reason = session.state === "down" ? `no packet from ${peer} yet` : session.reason;
  return { ...session, isOpen: true, reason };
}

/** Gives a session that nothing has been sent for; `localDiscriminator` is unique on this host and not 0. */
export function closedSession(config: SessionConfig, localDiscriminator: number, at: Instant): Session {
  const desiredMinTxUs = Math.max(slowestUs, config.desiredMinTxUs);
  const { requiredMinRxUs } = config;
  return {
    state: "down",
    since: at,
    reason: "not started",
    localDiscriminator,
    diagnostic: diagnostics.none,
    remote: null,
    desiredMinTxUs,
    requiredMinRxUs,
    usedMinTxUs: desiredMinTxUs,
    usedMinRxUs: requiredMinRxUs,
    poll: "none",
    isOpen: false,
    sentAt: null,
    sendDeadline: null,
    detectDeadline: null,
    hasOverslept: false,
  };
}

/** Gives when a `timer` event is due, or null. */
export function sessionDeadline({ sendDeadline, detectDeadline }: Session): Instant | null {
  if (sendDeadline === null || detectDeadline === null) return sendDeadline ?? detectDeadline;
  return sendDeadline < detectDeadline ? sendDeadline : detectDeadline;
}

interface Moment {
  readonly at: Instant;
  readonly chance: number;
}

/** RFC 5880 §6.8.6, from the checks on. */
function receive(
  config: SessionConfig,
  session: Session,
  event: Moment & { readonly packet: ControlPacket },
): Stepped {
  const { at, packet } = event;
  if (!session.isOpen) return unchanged(session);
  const remote = remoteOf(packet);
  const heard = settled({ ...session, remote, hasOverslept: false }, packet.isFinal);
  if (heard.state === "adminDown") return unchanged(heard);
  const moved = follow(config, heard, remote, at);
  const watched: Session = {
    ...moved.next,
    detectDeadline: later(at, detectionMs(remote, moved.next.usedMinRxUs)),
  };
  const quickened = hurried(config, session, watched, event);
  if (packet.isPoll) {
    // RFC 5880 §6.5: the answer goes out at once and beside the periodic packets.
    const answer: SessionEffect = { kind: "send", packet: packetOf(config, quickened, true) };
    return { next: quickened, effects: [...moved.effects, answer] };
  }
  if (moved.effects.length === 0) return unchanged(quickened);
  const sent = transmit(config, quickened, event);
  return { next: sent.next, effects: [...moved.effects, ...sent.effects] };
}

/** The state machine of RFC 5880 §6.2. */
function follow(config: SessionConfig, session: Session, remote: Remote, at: Instant): Stepped {
  const { peer } = config;
  const { state } = session;
  if (remote.state === "adminDown") {
    if (state === "down") return unchanged(session);
    const reason = `${peer} was taken down by its operator`;
    return goDown(config, session, at, {
      reason,
      cause: "administrative",
      diagnostic: diagnostics.neighborSignaledDown,
    });
  }
  switch (state) {
    case "down":
      if (remote.state === "down") return go(config, session, at, { to: "init", reason: `${peer} is there` });
      if (remote.state === "init") return go(config, session, at, { to: "up", reason: `${peer} hears us` });
      return unchanged(session);
    case "init":
      if (remote.state === "down") return unchanged(session);
      return go(config, session, at, { to: "up", reason: `${peer} hears us` });
    case "up": {
      if (remote.state !== "down") return unchanged(session);
      const reason = `${peer} says down: ${diagnosticText(remote.diagnostic)}`;
      return goDown(config, session, at, {
        reason,
        cause: "signaled",
        diagnostic: diagnostics.neighborSignaledDown,
      });
    }
    case "adminDown":
      return unchanged(session);
    default:
      return unreachable(state);
  }
}

function expire(config: SessionConfig, session: Session, event: Moment): Stepped {
  const { at } = event;
  const { remote, detectDeadline } = session;
  if (remote !== null && detectDeadline !== null && at >= detectDeadline) {
    return missed(config, session, event, { remote, detectDeadline });
  }
  return periodic(config, session, event);
}

/** RFC 5880 §6.8.4: the detection time is over. */
function missed(
  config: SessionConfig,
  session: Session,
  event: Moment,
  silence: { readonly remote: Remote; readonly detectDeadline: Instant },
): Stepped {
  const { at } = event;
  const { remote, detectDeadline } = silence;
  const limitMs = detectionMs(remote, session.usedMinRxUs);
  const forgotten: Session = { ...session, remote: null, detectDeadline: null, hasOverslept: false };
  if (session.state !== "up" && session.state !== "init") return periodic(config, forgotten, event);
  // A host that slept heard nothing meanwhile, which says nothing about the other side. Only once, or one that is
  // always late would never notice. A peer that has missed us speaks once a second by now, but answers a poll at once.
  if (!session.hasOverslept && at - detectDeadline > receiveMs(remote, session.usedMinRxUs)) {
    const poll = session.poll === "none" ? "polling" : session.poll;
    const asking: Session = { ...session, poll, detectDeadline: later(at, limitMs), hasOverslept: true };
    return transmit(config, asking, event);
  }
  const reason = `no packet from ${config.peer} for ${formatMs(at - detectDeadline + limitMs)}`;
  const down = goDown(config, forgotten, at, {
    reason,
    cause: "silent",
    diagnostic: diagnostics.detectionTimeExpired,
  });
  const sent = transmit(config, down.next, event);
  return { next: sent.next, effects: [...down.effects, ...sent.effects] };
}

function periodic(config: SessionConfig, session: Session, event: Moment): Stepped {
  if (session.sendDeadline === null || event.at < session.sendDeadline) return unchanged(session);
  return transmit(config, session, event);
}

function cut(config: SessionConfig, session: Session, at: Instant, reason: string): Stepped {
  const silent: Session = { ...session, isOpen: false, remote: null, poll: "none", sentAt: null };
  const next = { ...silent, sendDeadline: null, detectDeadline: null, hasOverslept: false };
  if (session.state === "adminDown") return unchanged(next);
  if (session.state === "down") return unchanged({ ...next, reason });
  return goDown(config, next, at, { reason, cause: "cut", diagnostic: diagnostics.pathDown });
}

/** RFC 5880 §6.8.16: the peer is told, so that it does not take this for a failure. */
function disable(
  config: SessionConfig,
  session: Session,
  event: Moment & { readonly reason: string },
): Stepped {
  const { at, reason } = event;
  const { state: from } = session;
  const stopped: Session = {
    ...session,
    state: "adminDown",
    since: at,
    reason,
    diagnostic: diagnostics.administrativelyDown,
  };
  const sent = transmit(config, advertise(config, stopped), event);
  const change: SessionEffect = { kind: "change", from, to: "adminDown", reason, cause: "disabled" };
  return { next: sent.next, effects: [change, ...sent.effects] };
}

function go(
  config: SessionConfig,
  session: Session,
  at: Instant,
  how: { readonly to: BfdState; readonly reason: string },
): Stepped {
  const { to, reason } = how;
  const moved = { ...session, state: to, since: at, reason, diagnostic: diagnostics.none };
  const change: SessionEffect = { kind: "change", from: session.state, to, reason, cause: null };
  return { next: advertise(config, moved), effects: [change] };
}

function goDown(
  config: SessionConfig,
  session: Session,
  at: Instant,
  how: { readonly reason: string; readonly cause: DownCause; readonly diagnostic: number },
): Stepped {
  const { reason, cause, diagnostic } = how;
  const moved: Session = { ...session, state: "down", since: at, reason, diagnostic };
  const change: SessionEffect = { kind: "change", from: session.state, to: "down", reason, cause };
  return { next: advertise(config, moved), effects: [change] };
}

/** RFC 5880 §6.8.3: what our packets say, what of it holds already, and whether the peer has to confirm it. */
function advertise(config: SessionConfig, session: Session): Session {
  const isUp = session.state === "up";
  const desiredMinTxUs = isUp ? config.desiredMinTxUs : Math.max(slowestUs, config.desiredMinTxUs);
  const { requiredMinRxUs } = config;
  const isSame = desiredMinTxUs === session.desiredMinTxUs && requiredMinRxUs === session.requiredMinRxUs;
  const said = { ...session, desiredMinTxUs, requiredMinRxUs };
  // Nothing depends on the pace of a session that is not up, so nothing has to be confirmed.
  if (!isUp) return { ...said, usedMinTxUs: desiredMinTxUs, usedMinRxUs: requiredMinRxUs, poll: "none" };
  if (isSame) return said;
  return {
    ...said,
    usedMinTxUs: Math.min(session.usedMinTxUs, desiredMinTxUs),
    usedMinRxUs: Math.max(session.usedMinRxUs, requiredMinRxUs),
    poll: session.poll === "none" ? "polling" : "again",
  };
}

/** Ends a poll sequence once the peer has answered it (RFC 5880 §6.5). */
function settled(session: Session, isFinal: boolean): Session {
  if (!isFinal || session.poll === "none") return session;
  // The answer may be to what was said before the last change: that needs one of its own.
  if (session.poll === "again") return { ...session, poll: "polling" };
  const { desiredMinTxUs: usedMinTxUs, requiredMinRxUs: usedMinRxUs } = session;
  return { ...session, poll: "none", usedMinTxUs, usedMinRxUs };
}

/** RFC 5880 §6.8.3: a shorter interval holds from the last packet on, not from the next. */
function hurried(config: SessionConfig, before: Session, session: Session, { at, chance }: Moment): Session {
  const intervalMs = transmitMs(session);
  if (intervalMs === null) return { ...session, sendDeadline: null };
  const formerMs = transmitMs(before);
  if (session.sendDeadline !== null && formerMs !== null && intervalMs >= formerMs) return session;
  const due = later(session.sentAt ?? at, jittered(intervalMs, config.detectMultiplier, chance));
  const { sendDeadline } = session;
  return { ...session, sendDeadline: sendDeadline === null || due < sendDeadline ? due : sendDeadline };
}

/** Sends a packet now, and sets when the next is due. */
function transmit(config: SessionConfig, session: Session, { at, chance }: Moment): Stepped {
  const intervalMs = transmitMs(session);
  if (!session.isOpen) return unchanged(session);
  const sendDeadline =
    intervalMs === null ? null : later(at, jittered(intervalMs, config.detectMultiplier, chance));
  const next = { ...session, sentAt: at, sendDeadline };
  return { next, effects: [{ kind: "send", packet: packetOf(config, next, false) }] };
}

/** RFC 5880 §6.8.7. */
function packetOf(config: SessionConfig, session: Session, isFinal: boolean): ControlPacket {
  return {
    state: session.state,
    diagnostic: session.diagnostic,
    // Never both: an answer is no question.
    isPoll: session.poll !== "none" && !isFinal,
    isFinal,
    // It lives and dies with the process that holds the addresses, which is what the peer wants to know.
    isControlPlaneIndependent: false,
    isDemand: false,
    detectMultiplier: config.detectMultiplier,
    myDiscriminator: session.localDiscriminator,
    yourDiscriminator: session.remote?.discriminator ?? 0,
    desiredMinTxUs: session.desiredMinTxUs,
    requiredMinRxUs: session.requiredMinRxUs,
    requiredMinEchoRxUs: 0,
  };
}

function remoteOf(packet: ControlPacket): Remote {
  const { state, diagnostic, desiredMinTxUs, requiredMinRxUs, detectMultiplier, isDemand } = packet;
  return {
    discriminator: packet.myDiscriminator,
    state,
    diagnostic,
    desiredMinTxUs,
    requiredMinRxUs,
    detectMultiplier,
    isDemand,
  };
}

function unchanged(session: Session): Stepped {
  return { next: session, effects: [] };
}

/**
 * BFD control packets (RFC 5880 §4.1) without authentication: PURE bytes to values and back, with the checks of
 * reception (§6.8.6) that need no session. Whether a session is there for a packet is sessions.ts's question, what it
 * means for the session is session.ts's.
 */

/** RFC 5880 §4.1, `State`. */
export type BfdState = "adminDown" | "down" | "init" | "up";

/** A control packet; the times are microseconds, as on the wire. */
export interface ControlPacket {
  readonly state: BfdState;
  /** 0–31; diagnostic.ts has the words. */
  readonly diagnostic: number;
  /** The sender asks for an answer with `isFinal`. */
  readonly isPoll: boolean;
  readonly isFinal: boolean;
  /** The sender's BFD does not share the fate of its control plane. */
  readonly isControlPlaneIndependent: boolean;
  /** The sender wants no periodic packets while both sides are up (RFC 5880 §6.6). */
  readonly isDemand: boolean;
  /** 1–255. */
  readonly detectMultiplier: number;
  /** The sender's session; never 0. */
  readonly myDiscriminator: number;
  /** The receiver's session; 0 as long as the sender does not know it. */
  readonly yourDiscriminator: number;
  readonly desiredMinTxUs: number;
  /** 0: the sender wants no periodic packets at all. */
  readonly requiredMinRxUs: number;
  /** 0: no echo. */
  readonly requiredMinEchoRxUs: number;
}

/** Why bytes are no packet for any session, in the order of the checks of RFC 5880 §6.8.6; `ttl` is RFC 5881 §5. */
export type Malformation =
  | "ttl"
  | "version"
  | "length"
  | "multiplier"
  | "multipoint"
  | "myDiscriminator"
  | "yourDiscriminator"
  | "authentication";

/** What became of received bytes. */
export type Decoded =
  | { readonly kind: "packet"; readonly packet: ControlPacket }
  | {
      readonly kind: "malformed";
      readonly cause: Malformation;
      /** Sentence fragment with the values at fault. */
      readonly explanation: string;
    };

/** Bytes of a packet without authentication. */
export const packetLength = 24;

const states: readonly BfdState[] = ["adminDown", "down", "init", "up"];

const pollFlag = 0x20;
const finalFlag = 0x10;
const independentFlag = 0x08;
const authenticationFlag = 0x04;
const demandFlag = 0x02;
const multipointFlag = 0x01;

/** Writes a packet. */
export function encodeControl(packet: ControlPacket): Uint8Array {
  const bytes = new Uint8Array(packetLength);
  const view = new DataView(bytes.buffer);
  const flags =
    (packet.isPoll ? pollFlag : 0) |
    (packet.isFinal ? finalFlag : 0) |
    (packet.isControlPlaneIndependent ? independentFlag : 0) |
    (packet.isDemand ? demandFlag : 0);
  bytes.set([(1 << 5) | packet.diagnostic, (states.indexOf(packet.state) << 6) | flags]);
  bytes.set([packet.detectMultiplier, packetLength], 2);
  view.setUint32(4, packet.myDiscriminator);
  view.setUint32(8, packet.yourDiscriminator);
  view.setUint32(12, packet.desiredMinTxUs);
  view.setUint32(16, packet.requiredMinRxUs);
  view.setUint32(20, packet.requiredMinEchoRxUs);
  return bytes;
}

/** Reads what came in a datagram; never throws. A TTL of null is one the kernel did not tell. */
export function decodeControl(bytes: Uint8Array, ttl: number | null): Decoded {
  // RFC 5881 §5: without authentication the TTL or hop limit must be 255, so that nothing from afar is believed.
  if (ttl !== 255) return malformed("ttl", `its TTL is ${ttl ?? "unknown"}, not 255`);
  const [first = 0, second = 0, detectMultiplier = 0, length = 0] = bytes;
  // Too short to have a version is too short.
  if (bytes.length > 0 && first >> 5 !== 1)
    return malformed("version", `its version is ${first >> 5}, not 1`);
  const isAuthenticated = (second & authenticationFlag) !== 0;
  const least = isAuthenticated ? packetLength + 2 : packetLength;
  if (length < least)
    return malformed("length", `it says it has ${length} bytes, and ${least} are the least`);
  if (length > bytes.length) {
    return malformed("length", `it says it has ${length} bytes, and ${bytes.length} came`);
  }
  if (detectMultiplier === 0) return malformed("multiplier", "its detection multiplier is 0");
  if ((second & multipointFlag) !== 0) return malformed("multipoint", "its multipoint bit is set");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const myDiscriminator = view.getUint32(4);
  if (myDiscriminator === 0) return malformed("myDiscriminator", "its own discriminator is 0");
  const yourDiscriminator = view.getUint32(8);
  const state = states[second >> 6] ?? "down";
  if (yourDiscriminator === 0 && state !== "down" && state !== "adminDown") {
    return malformed("yourDiscriminator", `it names no session of ours, and its state is ${state}`);
  }
  if (isAuthenticated) return malformed("authentication", "it is authenticated, and ours are not");
  return {
    kind: "packet",
    packet: {
      state,
      diagnostic: first & 31,
      isPoll: (second & pollFlag) !== 0,
      isFinal: (second & finalFlag) !== 0,
      isControlPlaneIndependent: (second & independentFlag) !== 0,
      isDemand: (second & demandFlag) !== 0,
      detectMultiplier,
      myDiscriminator,
      yourDiscriminator,
      desiredMinTxUs: view.getUint32(12),
      requiredMinRxUs: view.getUint32(16),
      requiredMinEchoRxUs: view.getUint32(20),
    },
  };
}

function malformed(cause: Malformation, explanation: string): Decoded {
  return { kind: "malformed", cause, explanation };
}

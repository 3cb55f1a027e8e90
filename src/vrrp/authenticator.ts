import { concatBytes, fromHex } from "../base/bytes.ts";
import type { HmacKeyPlan, HmacPlan } from "../config/node-plan.ts";
import {
  type Hash,
  isGenuine,
  makeTrailer,
  readTrailer,
  type SignedText,
  trailerType,
} from "./hmac-trailer.ts";
import { nextStamp, ReplayWindow } from "./replay-window.ts";
import type { AuthCause, SignatureVerdict } from "./receive.ts";

/**
 * Signs one virtual router's advertisements and tells whose to believe. It lives as long as the router and not as
 * long as a plan: a reload that brings a new key must not make old advertisements new again. PURE: the hash and the
 * time of day come in.
 */
export class Authenticator {
  readonly #hash: Hash;
  readonly #window = new ReplayWindow();
  #lastStamp: bigint | null = null;

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  /** Gives a message with its trailer. */
  sign(hmac: HmacPlan, text: SignedText, wallMs: number): Uint8Array {
    const active = hmac.keys.find(({ id }) => id === hmac.activeKey);
    // The configuration has seen to it; without a key nothing may leave that looks as if it were meant to be believed.
    if (active === undefined) throw new Error(`there is no key ${hmac.activeKey} to sign with`);
    const stamp = nextStamp(this.#lastStamp, wallMs, hmac.timeWindowMs ?? Infinity);
    this.#lastStamp = stamp;
    const signing = { keyId: active.id, key: fromHex(active.hex), stamp };
    return concatBytes(text.message, makeTrailer(this.#hash, signing, text));
  }

  /** Judges a received message; `hmac` is null where nothing is signed. */
  judge(
    hmac: HmacPlan | null,
    received: SignedText & { readonly trailer: Uint8Array | null },
    wallMs: number,
  ): SignatureVerdict {
    const { trailer } = received;
    if (hmac === null) return trailer === null ? { kind: "valid" } : signedForOthers;
    if (trailer === null) return hmac.mode === "permissive" ? unsigned : missing;
    const { type, keyId, stamp } = readTrailer(trailer);
    if (type !== trailerType) {
      return refused(
        "authFailed",
        `its signature is of type ${type}, and ${trailerType} is the one known here`,
      );
    }
    const key = hmac.keys.find(({ id }) => id === keyId);
    if (key === undefined) return refused("authUnknownKey", unknownKeyText(keyId, hmac.keys));
    if (!isGenuine({ hash: this.#hash, key: fromHex(key.hex) }, received, trailer)) {
      return refused("authFailed", wrongKeyText(keyId));
    }
    // Only now: what is not signed may neither be believed about its time nor leave a trace.
    const { timeWindowMs: windowMs } = hmac;
    const freshness = this.#window.admit({ windowMs }, { sender: received.source, stamp }, wallMs);
    if (freshness.kind === "replayed") return refused("authReplay", replayedText);
    if (freshness.kind === "stale") return refused("authStale", staleText(freshness.skewMs, windowMs ?? 0));
    return { kind: "valid" };
  }
}

const unsigned: SignatureVerdict = {
  kind: "odd",
  remark: { kind: "unsigned", explanation: 'it is not signed, which mode = "permissive" lets pass' },
};

const signedForOthers: SignatureVerdict = {
  kind: "odd",
  remark: { kind: "signed", explanation: "it is signed, and this router has no keys to tell by whom" },
};

const missing: SignatureVerdict = refused(
  "authMissing",
  "it is not signed: either its router has no keys, and both become active, or somebody forges advertisements",
);

const replayedText =
  "its timestamp is not later than the last one of its sender: either somebody replays old advertisements, or the sender's clock was set back";

function refused(kind: AuthCause, explanation: string): SignatureVerdict {
  return { kind: "refused", remark: { kind, explanation } };
}

function unknownKeyText(keyId: number, keys: readonly HmacKeyPlan[]): string {
  const known = keys.map(({ id }) => id).join(" and ");
  return `it is signed with key ${keyId}, and only ${known} ${keys.length === 1 ? "is" : "are"} known here: add the key, or both routers become active`;
}

function wrongKeyText(keyId: number): string {
  return `its signature does not fit key ${keyId}: either its router has another key under this number, and both become active, or somebody forges advertisements`;
}

function staleText(skewMs: number, windowMs: number): string {
  const skew = `${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs < 0 ? "behind" : "ahead of"} our clock`;
  return `its timestamp is ${skew}, and ${windowMs / 1000} s are allowed: check NTP on both routers; if their clocks are right, somebody replays old advertisements`;
}

import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import type { AuthEntry, HmacEntry } from "../schema/auth.ts";

/** Which authentication each version of the protocol has, and keys that make sense together. */

/** Judges what a table says itself; RFC 5798 §9: version 3 has no password. */
export function authRule(auth: AuthEntry | null, version: 2 | 3, path: KeyPath): readonly Finding[] {
  if (auth?.type === "pass" && version === 3) {
    const what = "PASS authentication exists in version 2 only";
    const remedy = "remove it, or write vrrp_version = 2 in [cluster] (version = 2 in a [[vrrp]])";
    return [errorAt(path, what, remedy)];
  }
  if (auth?.type !== "hmac") return [];
  if (version === 3) return keyRules(auth, path);
  const what = "HMAC authentication exists in version 3 only";
  const remedy =
    'write vrrp_version = 3 in [cluster] (version = 3 in a [[vrrp]]), or auth = { type = "pass", password = "…" }';
  return [errorAt(path, what, remedy), ...keyRules(auth, path)];
}

/** Judges what a router of another version than the cluster's takes over from `[cluster]`; `path` is its version. */
export function inheritedAuthRule(auth: AuthEntry | null, version: 2 | 3, path: KeyPath): readonly Finding[] {
  if (auth?.type === "pass" && version === 3) {
    const what = "version 3 has no PASS authentication, which [cluster] asks for";
    return [errorAt(path, what, 'write auth = { type = "none" } here, or version = 2')];
  }
  if (auth?.type === "hmac" && version === 2) {
    const what = "version 2 has no HMAC authentication, which [cluster] asks for";
    return [errorAt(path, what, 'write auth = { type = "none" } here, or version = 3')];
  }
  return [];
}

function keyRules(auth: HmacEntry, path: KeyPath): readonly Finding[] {
  const { keys, active_key: active, mode } = auth;
  const ids = keys.map(({ id }) => id);
  const findings: Finding[] = [];
  if (active === null && keys.length > 1) {
    const what = `does not say which of the keys ${ids.join(", ")} to sign with`;
    findings.push(errorAt([...path, "active_key"], what, `write active_key = ${ids[0]}`));
  }
  if (active !== null && !ids.includes(active)) {
    const what = `there is no key ${active}`;
    findings.push(errorAt([...path, "active_key"], what, `write ${ids.join(" or ")}, or add it to keys`));
  }
  if (auth.anti_replay === "monotonic" && auth.time_window !== null) {
    const what = 'has no meaning with anti_replay = "monotonic", which does not look at the clock';
    findings.push(errorAt([...path, "time_window"], what, 'remove it, or write anti_replay = "time"'));
  }
  for (const [index, { id, hex }] of keys.entries()) {
    const same = keys.slice(0, index).find((other) => other.hex === hex);
    if (same === undefined) continue;
    const what = `is the same as key ${same.id}, so going over to it changes nothing`;
    findings.push(warningAt([...path, "keys", String(id)], what, "make a new key, or remove this one"));
  }
  if (mode === "permissive") {
    const what = "anybody on the network can take the addresses meanwhile";
    findings.push(warningAt([...path, "mode"], what, 'write mode = "enforce" as soon as every router signs'));
  }
  return findings;
}

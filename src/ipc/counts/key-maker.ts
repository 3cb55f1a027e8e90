import { type CountKey, keyOf, type NameKind, secretAt } from "./layout.ts";

/** Makes what things are counted under of their names. */
export type KeyMaker = (name: string, kind: NameKind) => CountKey;

/** Gives what makes the keys of a memory with this header: in every process the same. */
export function keyMaker(header: Int32Array): KeyMaker {
  const [high, low] = [header[secretAt] ?? 0, header[secretAt + 1] ?? 0];
  const secret = (BigInt.asUintN(32, BigInt(high)) << 32n) | BigInt.asUintN(32, BigInt(low));
  return (name, kind) => keyOf(Bun.hash.wyhash(name, secret), kind);
}

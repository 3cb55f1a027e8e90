/**
 * Gives a 32-bit hash of ASCII text: FNV-1a, and the finish of MurmurHash3 behind it, because addresses differ in
 * their last digits only. It is the same in every process and on every node.
 */
export function hashText(text: string, seed = 0): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return mixed(hash);
}

/** Gives another hash from one, as good as independent of it. */
export function rehash(hash: number, round: number): number {
  return mixed(hash ^ Math.imul(round, 0x9e3779b9));
}

function mixed(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

import { addressBytes, familyOf, type Prefix } from "./address.ts";

/** Networks by their bits: what an address is in is found in one look for each length there is. PURE. */
export class PrefixTable {
  readonly #ipv4: Lengths = [];
  readonly #ipv6: Lengths = [];
  /** What was found for addresses that were asked for before; whoever asks comes again. */
  readonly #known = new Map<string, number>();

  constructor(prefixes: Iterable<Prefix>) {
    for (const { address, length } of prefixes) {
      const lengths = familyOf(address) === 4 ? this.#ipv4 : this.#ipv6;
      let entry = lengths.find((one) => one.length === length);
      if (entry === undefined) lengths.push((entry = { length, networks: new Set() }));
      entry.networks.add(networkKey(addressBytes(address), length));
    }
    for (const lengths of [this.#ipv4, this.#ipv6]) lengths.sort((a, b) => b.length - a.length);
  }

  /** Gives the length of the longest of them that an address is in, or -1. */
  longest(address: string): number {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const found = this.#find(address);
    if (this.#known.size >= mostKnown) this.#known.clear();
    this.#known.set(address, found);
    return found;
  }

  #find(address: string): number {
    const lengths = familyOf(address) === 4 ? this.#ipv4 : this.#ipv6;
    if (lengths.length === 0) return -1;
    const bytes = addressBytes(address);
    for (const { length, networks } of lengths) if (networks.has(networkKey(bytes, length))) return length;
    return -1;
  }

  /** Tells whether an address is in any of them. */
  has(address: string): boolean {
    return this.longest(address) >= 0;
  }
}

const mostKnown = 4096;

type Lengths = { readonly length: number; readonly networks: Set<string> }[];

/** Names the first `length` bits, one character for every two bytes. */
function networkKey(bytes: Uint8Array, length: number): string {
  let key = "";
  for (let at = 0; at < length; at += 16) {
    const pair = ((bytes[at / 8] ?? 0) << 8) | (bytes[at / 8 + 1] ?? 0);
    const kept = length - at;
    key += String.fromCharCode(kept >= 16 ? pair : pair & (0xffff << (16 - kept)));
  }
  return key;
}

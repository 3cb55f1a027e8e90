import type { DnsCheck } from "../../config/check-plan.ts";
import { addressFromBytes } from "../../base/address.ts";
import { concatBytes } from "../../base/bytes.ts";

/** DNS messages (RFC 1035 §4) as far as a check needs them. PURE. */

const types: Readonly<Record<DnsCheck["record"], number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
};
const typeNames = new Map(Object.entries(types).map(([name, number]) => [number, name]));

/** Response codes by number. */
const rcodes: readonly string[] = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

const internet = 1;

/** What a name server answered. */
export interface DnsReply {
  readonly rcode: string;
  readonly isTruncated: boolean;
  /** Each as `TYPE data`, in the notation of zone files, names in lower case and without the last dot. */
  readonly answers: readonly DnsAnswer[];
}

/** One record of an answer. */
export interface DnsAnswer {
  readonly type: string;
  readonly data: string;
}

/** Writes the question of a check. */
export function writeQuestion(
  check: Pick<DnsCheck, "name" | "record" | "recursion">,
  id: number,
): Uint8Array {
  const labels = check.name === "." ? [] : check.name.replace(/\.$/, "").split(".");
  const parts = labels.map((label) =>
    concatBytes(Uint8Array.of(label.length), new TextEncoder().encode(label)),
  );
  const name = concatBytes(...parts);
  const bytes = new Uint8Array(12 + name.length + 1 + 4);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, id);
  view.setUint16(2, check.recursion ? 0x0100 : 0);
  view.setUint16(4, 1);
  bytes.set(name, 12);
  view.setUint16(bytes.length - 4, types[check.record]);
  view.setUint16(bytes.length - 2, internet);
  return bytes;
}

/** Reads the reply to `question`; null if it is the reply to another one. Throws if it is none at all. */
export function readReply(bytes: Uint8Array, question: Uint8Array): DnsReply | null {
  const reader = new Reader(bytes);
  const id = reader.uint16();
  const flags = reader.uint16();
  const asked = new DataView(question.buffer, question.byteOffset).getUint16(0);
  if (id !== asked || (flags & 0x8000) === 0) return null;
  const rcode = flags & 0x0f;
  const reply = { rcode: rcodes[rcode] ?? `RCODE ${rcode}`, isTruncated: (flags & 0x0200) !== 0 };
  const questions = reader.uint16();
  const answerCount = reader.uint16();
  reader.skip(4);
  for (let count = 0; count < questions; count++) {
    reader.name();
    reader.skip(4);
  }
  const answers: DnsAnswer[] = [];
  for (let count = 0; count < answerCount && !(reply.isTruncated && reader.isAtEnd); count++) {
    answers.push(reader.record());
  }
  return { ...reply, answers };
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  uint16(): number {
    this.#need(2);
    const value = this.#view.getUint16(this.#at);
    this.#at += 2;
    return value;
  }

  skip(count: number): void {
    this.#need(count);
    this.#at += count;
  }

  /** RFC 1035 §4.1.4: a name may go on elsewhere, always further to the front. */
  name(): string {
    const labels: string[] = [];
    let at = this.#at;
    let limit = this.#bytes.length;
    let end: number | null = null;
    for (;;) {
      const length = this.#bytes[at];
      if (length === undefined || at >= limit) throw new Error("reply is no DNS message");
      if (length === 0) break;
      if (length >= 0xc0) {
        const target = ((length & 0x3f) << 8) | (this.#bytes[at + 1] ?? 0);
        if (target >= at) throw new Error("reply is no DNS message");
        end ??= at + 2;
        limit = at;
        at = target;
        continue;
      }
      const label = this.#bytes.subarray(at + 1, at + 1 + length);
      labels.push(String.fromCharCode(...label).toLowerCase());
      if (labels.length > 128) throw new Error("reply is no DNS message");
      at += 1 + length;
    }
    this.#at = end ?? at + 1;
    return labels.length === 0 ? "." : labels.join(".");
  }

  record(): DnsAnswer {
    this.name();
    const number = this.uint16();
    // Class and time to live.
    this.skip(6);
    const length = this.uint16();
    const end = this.#at + length;
    this.#need(length);
    const type = typeNames.get(number) ?? `TYPE${number}`;
    const data = this.#data(type, length);
    this.#at = end;
    return { type, data };
  }

  #data(type: string, length: number): string {
    const own = this.#bytes.subarray(this.#at, this.#at + length);
    switch (type) {
      case "A":
      case "AAAA":
        return addressFromBytes(own);
      case "NS":
      case "CNAME":
      case "PTR":
        return this.name();
      case "MX":
        return `${this.uint16()} ${this.name()}`;
      case "SRV":
        return `${this.uint16()} ${this.uint16()} ${this.uint16()} ${this.name()}`;
      case "TXT":
        return texts(own);
      case "SOA":
        return `${this.name()} ${this.name()}`;
      default:
        return own.toHex();
    }
  }

  #need(count: number): void {
    if (this.#at + count > this.#bytes.length) throw new Error("reply is no DNS message");
  }
}

/** A TXT record is one text cut into pieces. */
function texts(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 1 + (bytes[at] ?? 0)) {
    text += String.fromCharCode(...bytes.subarray(at + 1, at + 1 + (bytes[at] ?? 0)));
  }
  return text;
}

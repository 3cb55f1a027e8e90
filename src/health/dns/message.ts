import type { DnsCheck } from "../../config/check-plan.ts";
import { addressFromBytes } from "../../base/address.ts";
import { concatBytes } from "../../base/bytes.ts";

/** DNS messages (RFC 1035 §4) as far as checks and lookups need them. PURE. */

/** What is asked for. */
export type DnsRecordType = DnsCheck["record"];

const types: Readonly<Record<DnsRecordType, number>> = {
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
const nameError = 3;

/** What a name server answered. */
export interface DnsReply {
  readonly rcode: string;
  readonly isTruncated: boolean;
  readonly answers: readonly DnsAnswer[];
  /** How long it holds that there is nothing, in seconds (RFC 2308 §5); null if the server does not say. */
  readonly negativeTtlS: number | null;
}

/** One record of an answer, in the notation of zone files, names in lower case and without the last dot. */
export interface DnsAnswer {
  readonly name: string;
  readonly type: string;
  /** Seconds. */
  readonly ttlS: number;
  readonly data: string;
}

/** Gives an id that nobody can guess who has not seen the question. */
export function randomId(): number {
  return crypto.getRandomValues(new Uint16Array(1))[0] ?? 0;
}

/** Writes a question. */
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
  const asked = new Reader(question);
  if (id !== asked.uint16() || (flags & 0x8000) === 0) return null;
  const rcode = flags & 0x0f;
  const isTruncated = (flags & 0x0200) !== 0;
  const questions = reader.uint16();
  const answerCount = reader.uint16();
  const authorityCount = reader.uint16();
  reader.skip(2);
  asked.skip(10);
  // Who understood nothing of the question need not repeat it (RFC 1035 §4.1.1); everybody else does.
  if (questions === 0 ? rcode === 0 || rcode === nameError : reader.question() !== asked.question())
    return null;
  for (let count = 1; count < questions; count++) reader.question();
  const answers = reader.records(answerCount, isTruncated);
  const authority = isTruncated ? [] : reader.records(authorityCount, false);
  const start = authority.find(({ type }) => type === "SOA");
  return {
    rcode: rcodes[rcode] ?? `RCODE ${rcode}`,
    isTruncated,
    answers: answers.map(({ name, type, ttlS, data }) => ({ name, type, ttlS, data })),
    negativeTtlS: start === undefined ? null : Math.min(start.ttlS, start.minimumS),
  };
}

interface ReadRecord extends DnsAnswer {
  /** Of a SOA record: its last field. */
  readonly minimumS: number;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Reads a question as one text: type and class count, the case of the name does not (RFC 1035 §2.3.3). */
  question(): string {
    return `${this.name()} ${this.uint16()} ${this.uint16()}`;
  }

  /** Reads records; of a message that was cut, as many as are there. */
  records(count: number, isTruncated: boolean): readonly ReadRecord[] {
    const records: ReadRecord[] = [];
    try {
      while (records.length < count) records.push(this.#record());
    } catch (error) {
      if (!isTruncated) throw error;
    }
    return records;
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
      // A dot within a label is not one between two.
      labels.push(
        String.fromCharCode(...label)
          .toLowerCase()
          .replaceAll(".", "\\."),
      );
      if (labels.length > 128) throw new Error("reply is no DNS message");
      at += 1 + length;
    }
    this.#at = end ?? at + 1;
    return labels.length === 0 ? "." : labels.join(".");
  }

  #record(): ReadRecord {
    const name = this.name();
    const number = this.uint16();
    const isInternet = this.uint16() === internet;
    // RFC 2181 §8: one with the highest bit set is none.
    const ttlS = this.#uint32();
    const length = this.uint16();
    const end = this.#at + length;
    this.#need(length);
    const type = isInternet ? (typeNames.get(number) ?? `TYPE${number}`) : `CLASS TYPE${number}`;
    const data = this.#data(type, length);
    const minimumS = type === "SOA" && length >= 20 ? this.#view.getUint32(end - 4) : 0;
    this.#at = end;
    return { name, type, ttlS: ttlS > 0x7fff_ffff ? 0 : ttlS, data, minimumS };
  }

  #uint32(): number {
    return this.uint16() * 0x1_0000 + this.uint16();
  }

  #data(type: string, length: number): string {
    const own = this.#bytes.subarray(this.#at, this.#at + length);
    switch (type) {
      case "A":
      case "AAAA":
        if (length !== (type === "A" ? 4 : 16)) throw new Error("reply is no DNS message");
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

import type { DnsCheck } from "../check-plan.ts";
import { choice, complaint, flag, orElse, orNull, text } from "../schema/fields.ts";
import type { Keys } from "./keys.ts";

/** `check = { type = "dns", … }`. */

/** The keys as the file has them. */
export interface DnsEntry {
  readonly name: string;
  readonly record: DnsCheck["record"];
  readonly rcode: DnsCheck["rcode"];
  readonly answer: string | null;
  readonly protocol: DnsCheck["protocol"];
  readonly recursion: boolean;
}

/** RFC 1035 §2.3.4; a label may hold anything printable but a dot. */
const name = text('name = "shop.example"', 254).superRefine((value, context) => {
  const labels = value.replace(/\.$/, "").split(".");
  const isName = value === "." || labels.every((label) => /^[!-~]{1,63}$/.test(label));
  if (isName) return;
  context.addIssue(
    complaint(
      `${JSON.stringify(value)} is no domain name`,
      'write it in ASCII letters, as in name = "shop.example"',
    ),
  );
});

const records = ["SOA", "A", "AAAA", "CNAME", "NS", "MX", "TXT", "SRV", "PTR"] as const;
const rcodes = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"] as const;

/** The keys of a DNS check. */
export const dnsKeys: Keys<DnsEntry> = {
  name: orElse(name, "."),
  record: orElse(choice(records), "SOA"),
  rcode: orElse(choice(rcodes), "NOERROR"),
  answer: orNull(text('answer = "192.0.2.8"', 512)),
  protocol: orElse(choice(["udp", "tcp"]), "udp"),
  recursion: orElse(flag("recursion = false"), true),
};

/** Reads a DNS check. */
export function readDns(entry: DnsEntry): DnsCheck {
  return { kind: "dns", ...entry };
}

/** Writes what tells a DNS check from others. */
export function dnsWords(check: DnsCheck): readonly string[] {
  return [
    `${check.record} ${check.name}`,
    ...(check.protocol === "udp" ? [] : ["over TCP"]),
    ...(check.recursion ? [] : ["not recursive"]),
    ...(check.rcode === "NOERROR" ? [] : [check.rcode]),
    ...(check.answer === null ? [] : [`answer ${check.answer}`]),
  ];
}

import { familyOf } from "../base/address.ts";
import type { Finding } from "./finding.ts";

/**
 * Judges who answers for a VIP on the network. PURE. It should be one, and a director: whoever else answers gets
 * requests past the directors.
 */

/** Who was heard when a network was asked for an address. */
export interface Answers {
  readonly vip: string;
  /** Interface on which it was asked; null if the VIP is in no network of this machine. */
  readonly interface: string | null;
  /** Hardware addresses of those who answered. */
  readonly macs: readonly string[];
  /** Why it could not be asked, or null. */
  readonly problem: string | null;
}

/** RFC 9568 §7.3: the hardware addresses of virtual routers, IPv4 and IPv6. */
const virtualMac = /^00:00:5e:00:0[12]:([0-9a-f]{2})$/;

/** Gives the finding about one VIP; `directors` are the nodes that answered for addresses of their own, by hardware address. */
export function judgeAnswers(answers: Answers, directors: ReadonlyMap<string, string>): Finding {
  const { vip, interface: asked, macs, problem } = answers;
  const finding = (verdict: Finding["verdict"], text: string): Finding => ({ subject: vip, verdict, text });
  const question = familyOf(vip) === 4 ? "ARP" : "neighbour solicitations";
  if (asked === null) {
    return finding("note", "is in no network of this machine: who answers for it cannot be asked from here");
  }
  if (problem !== null) return finding("note", `could not be asked for on ${asked}: ${problem}`);
  const names = macs.map((mac) => nameOf(mac, directors));
  const [first] = macs;
  if (first === undefined) {
    return finding(
      "note",
      `nobody answers ${question} for it on ${asked}: no director holds it at the moment`,
    );
  }
  if (macs.length > 1) {
    return finding(
      "unfit",
      `${macs.length} machines answer ${question} for it on ${asked}: ${names.join(", ")}; ` +
        "run `edge-ha rs status` on those that are no directors",
    );
  }
  const isDirector = directors.has(first) || virtualMac.test(first);
  if (!isDirector && directors.size > 0) {
    return finding(
      "unfit",
      `${names[0]} answers ${question} for it on ${asked}, and is none of the directors: requests pass them by; ` +
        "run `edge-ha rs status` there",
    );
  }
  return finding("fit", `${names[0]}, and nobody else, answers ${question} for it on ${asked}`);
}

function nameOf(mac: string, directors: ReadonlyMap<string, string>): string {
  const name = directors.get(mac);
  if (name !== undefined) return `${name} (${mac})`;
  const vrid = virtualMac.exec(mac)?.[1];
  return vrid === undefined ? mac : `virtual router ${Number.parseInt(vrid, 16)} (${mac})`;
}

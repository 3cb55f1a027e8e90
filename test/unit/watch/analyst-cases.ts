import type { Complaint, FindingCode, Notice } from "../../../src/watch/complaint.ts";
import { Analyst, type AnalystOptions, type Summary } from "../../../src/watch/analyst.ts";
import { dissect } from "../../../src/watch/dissect.ts";
import { arpFrame, type FrameWish, vrrpFrame } from "../../support/vrrp-frame.ts";

const [a, b] = ["192.0.2.11", "192.0.2.12"] as const;

/** The two routers of most tests; each has a MAC of its own. */
export const routers: { readonly a: FrameWish; readonly b: FrameWish } = {
  a: { source: a, priority: 200, mac: "020000000011" },
  b: { source: b, priority: 100, mac: "020000000012" },
};

/** An analyst whose wire a test writes. */
export class Wire {
  readonly #analyst: Analyst;
  readonly #notices: Notice[] = [];
  #atMs = 1_000_000;

  constructor(options: Partial<AnalystOptions> = {}) {
    this.#analyst = new Analyst({ vrids: null, expected: null, interfaces: null, ...options });
  }

  get nowMs(): number {
    return this.#atMs;
  }

  get summary(): Summary {
    return this.#analyst.summary();
  }

  /** Sends an advertisement now; tells whether it was shown. */
  advert(wish: FrameWish): boolean {
    return this.frame(vrrpFrame(wish));
  }

  /** Sends gratuitous ARP now. */
  arp(address: string, mac: string): boolean {
    return this.frame(arpFrame(address, mac));
  }

  frame(bytes: Uint8Array, linkType = 1): boolean {
    const packet = dissect({
      atMs: this.#atMs,
      interface: "eth0",
      linkType,
      bytes,
      wireLength: bytes.length,
    });
    if (packet === null) return false;
    const { isShown, notices } = this.#analyst.see(packet);
    this.#notices.push(...notices);
    return isShown;
  }

  /** Lets time pass without a packet. */
  wait(ms: number): void {
    this.#atMs += ms;
    this.#notices.push(...this.#analyst.advance(this.#atMs));
  }

  /** Sends advertisements of all, one after the other, for some rounds of 100 ms. */
  rounds(count: number, ...wishes: readonly FrameWish[]): void {
    for (let round = 0; round < count; round++) {
      for (const wish of wishes) this.advert(wish);
      this.wait(100);
    }
  }

  /** Gives what was told of a kind. */
  said(kind: Notice["kind"]): readonly string[] {
    return this.#notices.flatMap((notice) => {
      if (notice.kind !== kind) return [];
      return notice.kind === "event" ? [notice.text] : [notice.finding.code];
    });
  }

  /** Gives the findings of a code that were told, the last text first told included. */
  found(code: FindingCode): readonly Complaint[] {
    return this.#notices.flatMap((notice) =>
      notice.kind === "finding" && notice.finding.code === code ? [notice.finding] : [],
    );
  }
}

import { closeSync, openSync, writeSync } from "node:fs";
import { Analyst } from "../watch/analyst.ts";
import type { Notice } from "../watch/complaint.ts";
import { dissect } from "../watch/dissect.ts";
import type { Expectations } from "../watch/file-rules.ts";
import { noticeObject, packetObject, summaryObject } from "../watch/json.ts";
import { isKnownLinkType } from "../watch/link-layer.ts";
import type { CapturedFrame, Packet } from "../watch/packet.ts";
import { pcapHeader, pcapRecord } from "../watch/pcap.ts";
import { noticeLine, packetLine, summaryLines, type TextStyle } from "../watch/text.ts";
import type { LineWriter } from "./line-writer.ts";
import type { WatchOptions } from "./watch-options.ts";

/** What a watcher is made of. */
export interface WatcherOptions extends Omit<
  WatchOptions,
  "interface" | "durationMs" | "isConfigGiven" | "config"
> {
  readonly expected: Expectations | null;
  readonly writer: LineWriter;
  readonly hasColour: boolean;
  /** Those that are listened to; null is all of this host, or a file. */
  readonly interfaces: readonly string[] | null;
}

const findingsStatus = 3;

/** Has frames judged and writes down what there is to say. */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #analyst: Analyst;
  readonly #style: TextStyle;
  readonly #capture: CaptureWriter | null;
  #shown = 0;
  #toldDropped = 0;
  #addresses = 0;
  readonly #unknownLinkTypes = new Set<number>();
  /** Frames that the kernel had no room for. */
  dropped = 0;

  /** Opens the file to write to; throws what the system says if it cannot. */
  constructor(options: WatcherOptions) {
    this.#options = options;
    const { vrids, expected, hasColour, all, write, read } = options;
    const { interfaces } = options;
    this.#analyst = new Analyst({ vrids: vrids === null ? null : new Set(vrids), expected, interfaces });
    this.#style = { hasColour, namesInterface: all || read !== null, clock: localTime };
    this.#capture = write === null ? null : new CaptureWriter(write);
  }

  /** Whether anything was seen at all. */
  get hasSeen(): boolean {
    return this.#shown > 0;
  }

  /** Whether enough was seen, or nobody reads on. */
  get isDone(): boolean {
    const { count, writer } = this.#options;
    return writer.isBroken || (count !== null && this.#shown >= count);
  }

  /** Whether there are addresses that `takeAddresses` has not given yet. */
  get hasNewAddresses(): boolean {
    return this.#analyst.addressCount > this.#addresses;
  }

  /** Gives the addresses whose ARP is of interest. */
  takeAddresses(): readonly string[] {
    const { addresses } = this.#analyst;
    this.#addresses = this.#analyst.addressCount;
    return addresses;
  }

  /** Takes a frame. */
  take(frame: CapturedFrame): void {
    if (!isKnownLinkType(frame.linkType)) return this.#refuseLinkType(frame.linkType);
    const packet = dissect(frame);
    if (packet === null) return;
    const { isShown, notices } = this.#analyst.see(packet);
    if (isShown) {
      this.#shown += 1;
      this.#capture?.write(frame);
      if (!this.#options.quiet) this.#writePacket(packet);
    }
    this.#writeNotices(notices);
  }

  /** Lets time pass. */
  advance(atMs: number): void {
    this.#writeNotices(this.#analyst.advance(atMs));
  }

  /** Says when the kernel had no room for more frames than before. */
  tellDrops(dropped: number, atMs: number): void {
    if (dropped === this.#toldDropped) return;
    const text = `the kernel dropped ${dropped - this.#toldDropped} frames: this host is too busy, and silence may be ours`;
    this.#toldDropped = dropped;
    const place = { interface: null, vlans: [], vrid: null, family: null };
    this.#writeNotices([{ kind: "event", atMs, place, text }]);
  }

  /** Writes the summary, and gives the exit status. */
  finish(): number {
    const summary = this.#analyst.summary();
    const { json, writer } = this.#options;
    if (json) writer.write(JSON.stringify(summaryObject(summary, this.dropped, stamp)));
    else {
      writer.write("");
      for (const line of summaryLines(summary, this.#style)) writer.write(line);
      if (this.dropped > 0) writer.write(`the kernel dropped ${this.dropped} frames`);
    }
    this.#capture?.close();
    return summary.findings.length > 0 ? findingsStatus : 0;
  }

  #writePacket(packet: Packet): void {
    const { json, writer } = this.#options;
    writer.write(json ? JSON.stringify(packetObject(packet, stamp)) : packetLine(packet, this.#style));
  }

  #writeNotices(notices: readonly Notice[]): void {
    const { json, writer } = this.#options;
    for (const notice of notices) {
      writer.write(json ? JSON.stringify(noticeObject(notice, stamp)) : noticeLine(notice, this.#style));
    }
  }

  #refuseLinkType(type: number): void {
    if (this.#unknownLinkTypes.has(type)) return;
    this.#unknownLinkTypes.add(type);
    process.stderr.write(`edge-ha watch: frames of link type ${type} are not understood, and left out\n`);
  }
}

/** A pcap file with frames of one kind; it may hold passwords, and is for its owner only. */
class CaptureWriter {
  readonly #fd: number;
  #linkType: number | null = null;

  constructor(path: string) {
    this.#fd = openSync(path, "w", 0o600);
  }

  write(frame: CapturedFrame): void {
    if (this.#linkType === null) writeSync(this.#fd, pcapHeader(frame.linkType));
    this.#linkType ??= frame.linkType;
    // A file has one kind of frames, and captures that are read seldom have two.
    if (frame.linkType === this.#linkType) writeSync(this.#fd, pcapRecord(frame));
  }

  close(): void {
    if (this.#linkType === null) writeSync(this.#fd, pcapHeader(1));
    closeSync(this.#fd);
  }
}

function stamp(atMs: number): string {
  return new Date(atMs).toISOString();
}

function localTime(atMs: number): string {
  const zoneMinutes = -new Date(atMs).getTimezoneOffset();
  return stamp(atMs + zoneMinutes * 60_000).slice(11, 23);
}

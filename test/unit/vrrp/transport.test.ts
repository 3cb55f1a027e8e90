import { describe, expect, test } from "bun:test";
import type { ReceivedPacket } from "../../../src/kernel/raw-multicast.ts";
import type { Host, SegmentPlace } from "../../../src/vrrp/host.ts";
import { Transport } from "../../../src/vrrp/transport.ts";

const link = { index: 2, name: "eth0", mac: new Uint8Array(6), isUp: true, hasCarrier: true, mtu: 1500 };
const place: SegmentPlace = { link, group: "224.0.0.18", source: "192.0.2.10", speaker: null };

function setUp(): { transport: Transport; log: string[]; deliver: (packet: ReceivedPacket) => void } {
  const log: string[] = [];
  let receive: ((packet: ReceivedPacket) => void) | null = null;
  const host: Pick<Host, "openSegment" | "openSpeaker"> = {
    openSegment(where, react) {
      log.push(`open ${where.source}`);
      receive = react;
      return {
        send: () => undefined,
        floods: () => null,
        close: () => log.push(`close ${where.source}`),
      };
    },
    openSpeaker(_where, speaker) {
      log.push(`open ${speaker.name}`);
      const send = (payload: Uint8Array): void => void log.push(`${speaker.name} sends ${payload.length}`);
      return { send, close: () => log.push(`close ${speaker.name}`) };
    },
  };
  return { transport: new Transport(host), log, deliver: (packet) => receive?.(packet) };
}

function packet(...payload: number[]): ReceivedPacket {
  const bytes = Uint8Array.from(payload);
  return { payload: bytes, source: "192.0.2.11", destination: "224.0.0.18", ttl: 255, totalLength: 20 };
}

describe("Transport", () => {
  test("shares one socket among the virtual routers of a place and closes it after the last", () => {
    const { transport, log } = setUp();
    const first = transport.join(place, 1, () => undefined);
    const second = transport.join(place, 2, () => undefined);
    const other = transport.join({ ...place, source: "192.0.2.99" }, 1, () => undefined);
    first.leave();
    first.leave();
    expect(log).toEqual(["open 192.0.2.10", "open 192.0.2.99"]);
    second.leave();
    other.leave();
    expect(log.slice(2)).toEqual(["close 192.0.2.10", "close 192.0.2.99"]);
  });

  test("sends through the interface of a virtual MAC, and hears on the one below with the others", () => {
    const { transport, log, deliver } = setUp();
    const heard: string[] = [];
    const speaker = { ...link, index: 9, name: "vrrp4-1-eth0" };
    const first = transport.join({ ...place, speaker }, 1, () => heard.push("first"));
    const second = transport.join(place, 2, () => heard.push("second"));
    deliver(packet(0x31, 1));
    deliver(packet(0x31, 2));
    expect(heard).toEqual(["first", "second"]);
    first.send(new Uint8Array(12), "224.0.0.18");
    // A router of its own is spoken to as ever.
    first.send(new Uint8Array(12), "192.0.2.11");
    first.leave();
    second.leave();
    expect(log).toEqual([
      "open 192.0.2.10",
      "open vrrp4-1-eth0",
      "vrrp4-1-eth0 sends 12",
      "close vrrp4-1-eth0",
      "close 192.0.2.10",
    ]);
  });

  test("hands packets out by VRID and lets the others go", () => {
    const { transport, deliver } = setUp();
    const heard: number[] = [];
    transport.join(place, 1, () => heard.push(1));
    transport.join(place, 2, () => heard.push(2));
    for (const payload of [[0x31, 2], [0x31, 9], [0x31], []]) deliver(packet(...payload));
    expect(heard).toEqual([2]);
  });

  test("refuses a second router of the same VRID and keeps the first", () => {
    const { transport, log } = setUp();
    transport.join(place, 1, () => undefined);
    expect(() => transport.join(place, 1, () => undefined)).toThrow("VRID 1 on eth0");
    expect(log).toEqual(["open 192.0.2.10"]);
  });

  test("keeps a reserved socket open until it is released", () => {
    const { transport, log } = setUp();
    const release = transport.reserve(place);
    transport.join(place, 1, () => undefined).leave();
    expect(log).toEqual(["open 192.0.2.10"]);
    release();
    expect(log).toEqual(["open 192.0.2.10", "close 192.0.2.10"]);
  });
});

import { expect, test } from "bun:test";
import type { IpPacket } from "../../../src/kernel/frames.ts";
import { readFrame } from "../../../src/kernel/frames.ts";
import type { Link } from "../../../src/kernel/rtnetlink.ts";
import { Captures, type SeenAdvert } from "../../../src/vrrp/captures.ts";
import { type FrameWish, vrrpFrame } from "../../support/vrrp-frame.ts";

const link = (index: number): Link => {
  const state = { isUp: true, hasCarrier: true, mtu: 1500 } as const;
  return { index, name: `eth${index}`, mac: new Uint8Array(6), ...state };
};

function packetOf(wish: FrameWish): IpPacket {
  const frame = readFrame(vrrpFrame(wish));
  if (frame?.kind !== "ip") throw new Error("no IP packet");
  return frame;
}

function bench() {
  const open = new Set<{ readonly index: number; readonly react: (packet: IpPacket) => void }>();
  const captures = new Captures({
    openCapture: ({ link: { index } }, react) => {
      const socket = { index, react };
      open.add(socket);
      return { close: () => void open.delete(socket) };
    },
  });
  const see = (wish: FrameWish): void => {
    for (const { react } of open) react(packetOf(wish));
  };
  return { captures, open, see };
}

test("hundreds of routers of a link share one socket, and it goes with the last of them", () => {
  const { captures, open } = bench();
  const where = { link: link(2), family: 4 } as const;
  const watches = Array.from({ length: 250 }, (_, index) =>
    captures.watch(where, { vrid: index + 1, addresses: [`10.9.0.${index}`] }, () => undefined),
  );
  expect(open.size).toBe(1);
  const elsewhere = captures.watch({ link: link(3), family: 4 }, { vrid: 1, addresses: [] }, () => undefined);
  expect(open.size).toBe(2);
  for (const watch of watches.slice(1)) watch.close();
  elsewhere.close();
  elsewhere.close();
  expect([...open].map(({ index }) => index)).toEqual([2]);
  watches[0]?.close();
  expect(open.size).toBe(0);
});

test("a router sees what has its number or an address of its own, once each, and nothing after it has closed", () => {
  const { captures, see } = bench();
  const seen: SeenAdvert[] = [];
  const wanted = { vrid: 51, addresses: ["192.0.2.100", "192.0.2.101"] };
  const watch = captures.watch({ link: link(2), family: 4 }, wanted, (advert) => seen.push(advert));
  const other: number[] = [];
  captures.watch({ link: link(2), family: 4 }, { vrid: 9, addresses: ["192.0.2.9"] }, ({ vrid }) => {
    other.push(vrid);
  });
  see({ vrid: 51, addresses: ["192.0.2.100", "192.0.2.101"] });
  see({ vrid: 52, addresses: ["192.0.2.101"] });
  see({ vrid: 53, addresses: ["192.0.2.102"] });
  see({ vrid: 9, addresses: ["192.0.2.9"] });
  see({ vrid: 51, change: (message) => message.with(6, 1) });
  expect(seen.map(({ vrid, source }) => [vrid, source])).toEqual([
    [51, "192.0.2.11"],
    [52, "192.0.2.11"],
  ]);
  expect(other).toEqual([9]);
  watch.close();
  see({ vrid: 51 });
  expect(seen).toHaveLength(2);
});

import { expect, test } from "bun:test";
import { SystemError } from "../../../src/base/system-error.ts";
import type { NeighbourWord } from "../../../src/kernel/neighbour-word.ts";
import { Neighbourhoods } from "../../../src/vrrp/neighbourhoods.ts";

const where = {
  link: {
    index: 2,
    name: "eth0",
    mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
    isUp: true,
    hasCarrier: true,
    mtu: 1500,
  },
  family: 4,
} as const;

/** Sockets that say what they are asked to hear; `isFull` has the kernel refuse filters. */
function bench() {
  const sockets = new Set<{ addresses: readonly string[]; react: (word: NeighbourWord) => void }>();
  const kernel = { isFull: false };
  const neighbourhoods = new Neighbourhoods({
    openNeighbourhood: (_where, react) => {
      const socket = { addresses: [] as readonly string[], react };
      sockets.add(socket);
      return {
        listenFor: (addresses) => {
          if (kernel.isFull) throw new SystemError("setsockopt", "ENOMEM");
          socket.addresses = addresses;
        },
        probe: () => undefined,
        close: () => void sockets.delete(socket),
      };
    },
  });
  const say = (address: string): void => {
    for (const { react } of sockets) react({ address, mac: "02:00:00:00:00:09", isAnswer: true });
  };
  return { kernel, neighbourhoods, sockets, say };
}

test("routers of a link share one socket, hear of their own addresses, and it goes with the last of them", () => {
  const { neighbourhoods, sockets, say } = bench();
  const heard: string[] = [];
  const watch = (...addresses: readonly string[]) =>
    neighbourhoods.watch(where, addresses, ({ address }) => heard.push(`${addresses.join()} ${address}`));
  const [first, second] = [watch("192.0.2.1"), watch("192.0.2.2", "192.0.2.3")];
  expect([...sockets].map(({ addresses }) => addresses)).toEqual([["192.0.2.1", "192.0.2.2", "192.0.2.3"]]);
  say("192.0.2.3");
  first.close();
  first.close();
  say("192.0.2.1");
  expect(heard).toEqual(["192.0.2.2,192.0.2.3 192.0.2.3"]);
  expect([...sockets].map(({ addresses }) => addresses)).toEqual([["192.0.2.2", "192.0.2.3"]]);
  second.close();
  expect(sockets.size).toBe(0);
});

test("one that the kernel refuses leaves nothing behind, and one closes though it would refuse", () => {
  const { kernel, neighbourhoods, sockets, say } = bench();
  const heard: string[] = [];
  const watch = (address: string) => neighbourhoods.watch(where, [address], () => heard.push(address));
  kernel.isFull = true;
  expect(() => watch("192.0.2.1")).toThrow("ENOMEM");
  expect(sockets.size).toBe(0);
  kernel.isFull = false;
  const [first, second] = [watch("192.0.2.1"), watch("192.0.2.2")];
  kernel.isFull = true;
  for (const again of [1, 2]) expect(() => watch(`192.0.2.${again}`)).toThrow("ENOMEM");
  say("192.0.2.1");
  expect(heard).toEqual(["192.0.2.1"]);
  first.close();
  second.close();
  expect(sockets.size).toBe(0);
});

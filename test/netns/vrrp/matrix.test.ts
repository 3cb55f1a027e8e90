import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { compareAddresses, virtualLinkLocal } from "../../../src/base/address.ts";
import type { HmacPlan } from "../../../src/config/node-plan.ts";
import { type Host, waitFor } from "../../support/lab.ts";
import {
  peerKinds,
  planOf,
  type PeerKind,
  type RouterWish,
  type RunningPeer,
  untilPeer,
} from "../../support/vrrp-peers.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab, type PairLab } from "./pair-lab.ts";

setDefaultTimeout(120_000);

/** What both routers of a cell speak. */
interface Speech {
  readonly version: 2 | 3;
  readonly family: 4 | 6;
  readonly isUnicast: boolean;
}

const speeches: readonly Speech[] = [
  { version: 2, family: 4, isUnicast: false },
  { version: 3, family: 4, isUnicast: false },
  { version: 2, family: 4, isUnicast: true },
  { version: 3, family: 4, isUnicast: true },
  { version: 3, family: 6, isUnicast: false },
  { version: 3, family: 6, isUnicast: true },
];

/** A cell: a kind of router at lb2 that meets ours at lb1. */
interface Cell {
  readonly title: string;
  readonly kind: PeerKind;
  readonly speech: Speech;
}

const cells: readonly Cell[] = peerKinds.flatMap((kind) =>
  speeches
    .filter(({ isUnicast }) => !isUnicast || kind.canUnicast)
    .map((speech) => {
      const { version, family, isUnicast } = speech;
      const title = `${kind.name}, version ${version}, IPv${family}, ${isUnicast ? "unicast" : "multicast"}`;
      return { title, kind, speech };
    }),
);

/** Only so many cells run at a time: the machine is small and the intervals are short. */
const places = Array.from({ length: 8 }, () => Promise.resolve());
async function inTurn(cell: () => Promise<void>): Promise<void> {
  const index = turns % places.length;
  turns += 1;
  const mine = (places[index] ?? Promise.resolve()).then(cell);
  places[index] = mine.catch(() => undefined);
  return mine;
}
let turns = 0;

type Wish = Partial<
  Pick<RouterWish, "intervalMs" | "priority" | "preempts" | "addresses" | "password" | "hmac">
>;

function wishFor({ version, family }: Speech, wish: Wish): RouterWish {
  return {
    version,
    family,
    unicast: null,
    intervalMs: version === 2 ? 1000 : 200,
    priority: 100,
    preempts: true,
    addresses: family === 4 ? ["192.0.2.100"] : [virtualLinkLocal(51), "2001:db8::100"],
    password: null,
    hmac: null,
    ...wish,
  };
}

/** Gives the address that a host speaks from. */
async function sourceOf(host: Host, { family }: Speech): Promise<string> {
  const isSource = (address: string): boolean =>
    address.startsWith(family === 4 ? "192.0.2.1" : "fe80:") && address !== virtualLinkLocal(51);
  const found = (await host.addresses()).map((prefix) => prefix.split("/")[0] ?? "").find(isSource);
  if (found === undefined) throw new Error(`${host.name} has no address to speak from`);
  return found;
}

/** Gives what a router at one host is told of unicast to the other. */
async function unicastOf(from: Host, to: Host, speech: Speech): Promise<RouterWish["unicast"]> {
  if (!speech.isUnicast) return null;
  return { source: await sourceOf(from, speech), peers: [await sourceOf(to, speech)] };
}

async function startOurs({ lb1, lb2 }: PairLab, { speech }: Cell, wish: Wish): Promise<VrrpRole> {
  const unicast = await unicastOf(lb1, lb2, speech);
  return VrrpRole.start(lb1, planOf({ ...wishFor(speech, wish), unicast }));
}

async function startTheirs({ lb1, lb2 }: PairLab, { kind, speech }: Cell, wish: Wish): Promise<RunningPeer> {
  const unicast = await unicastOf(lb2, lb1, speech);
  return kind.start(lb2, { ...wishFor(speech, wish), unicast });
}

const received = (us: VrrpRole): number => us.status()?.counters["received"] ?? 0;
const counted = (us: VrrpRole, counter: string): number => us.status()?.counters[counter] ?? 0;

async function untilHeard(us: VrrpRole, more = 2): Promise<void> {
  const before = received(us);
  await waitFor("we have heard the peer", () => received(us) >= before + more, 30_000);
}

const each = test.concurrent.each(cells);

describe("our router and another", () => {
  each("$title: takes over on a cut, preempts on the return, and takes over on a resignation", (cell) =>
    inTurn(async () => {
      await using pair = await pairLab();
      const us = await startOurs(pair, cell, { priority: 200 });
      await us.reaches("active");
      const them = await startTheirs(pair, cell, { priority: 100 });
      await pair.lb1.cutLink("eth0");
      await untilPeer(them, true);
      await us.reaches("fault");
      await pair.lb1.restoreLink("eth0");
      await us.reaches("active");
      await untilPeer(them, false);
      await us.stop();
      await untilPeer(them, true);
    }),
  );

  each("$title: is followed, is taken over from when it dies, preempts, and resigns to us", (cell) =>
    inTurn(async () => {
      await using pair = await pairLab();
      const them = await startTheirs(pair, cell, { priority: 200 });
      await untilPeer(them, true);
      const us = await startOurs(pair, cell, { priority: 100 });
      await untilHeard(us);
      expect(us.status()).toMatchObject({ state: "backup", peer: { priority: 200 } });
      await them.kill();
      await us.reaches("active");
      expect(us.status()?.reason).toStartWith("no advertisement from ");
      const again = await startTheirs(pair, cell, { priority: 200 });
      await untilPeer(again, true);
      await us.reaches("backup");
      await again.stop();
      await us.reaches("active");
      expect(us.status()?.reason).toEndWith(" resigned");
      const dropped = Object.entries(us.status()?.counters ?? {}).filter(([name]) =>
        name.startsWith("dropped"),
      );
      expect(dropped.filter(([, count]) => count > 0)).toEqual([]);
    }),
  );

  each("$title: neither takes the address back without preempt", (cell) =>
    inTurn(async () => {
      await using pair = await pairLab();
      const us = await startOurs(pair, cell, { priority: 100, preempts: false });
      await us.reaches("active");
      const them = await startTheirs(pair, cell, { priority: 200, preempts: false });
      const sent = counted(us, "sent");
      await waitFor("we have gone on for a while", () => counted(us, "sent") > sent + 5, 30_000);
      expect(us.status()?.state).toBe("active");
      expect(await them.isActive()).toBe(false);
      await us.stop();
      await untilPeer(them, true);
      const again = await startOurs(pair, cell, { priority: 250, preempts: false });
      await untilHeard(again, 6);
      expect(again.status()?.state).toBe("backup");
    }),
  );

  each("$title: of two with the same priority the higher address wins", (cell) =>
    inTurn(async () => {
      await using pair = await pairLab();
      await pair.lb2.blockLink("eth0");
      const us = await startOurs(pair, cell, { priority: 150 });
      const them = await startTheirs(pair, cell, { priority: 150 });
      await us.reaches("active");
      await untilPeer(them, true);
      const source = await sourceOf(pair.lb1, cell.speech);
      // FRR speaks from its macvlan, whose address of IPv4 is the host's.
      const isMacvlan = cell.kind.name === "FRR" && cell.speech.family === 6;
      const rival = isMacvlan ? virtualLinkLocal(51) : await sourceOf(pair.lb2, cell.speech);
      await pair.lb2.unblockLink("eth0");
      const isOurs = compareAddresses(source, rival) > 0;
      await us.reaches(isOurs ? "active" : "backup");
      await untilPeer(them, !isOurs);
    }),
  );

  each("$title: another interval is learned in version 3, and dropped by name in version 2", (cell) =>
    inTurn(async () => {
      await using pair = await pairLab();
      const intervalMs = cell.speech.version === 2 ? 2000 : 600;
      const them = await startTheirs(pair, cell, { priority: 200, intervalMs });
      await untilPeer(them, true);
      // A peer that is late once is no dead one.
      const own = cell.speech.version === 2 ? {} : { intervalMs: 400 };
      const us = await startOurs(pair, cell, { priority: 100, ...own });
      if (cell.speech.version === 2) {
        await us.reaches("active");
        await waitFor("a drop is counted", () => counted(us, "droppedInterval") > 0, 30_000);
        expect(us.log()).toContain("its interval is 2 s, ours is 1 s");
        return;
      }
      await untilHeard(us, 4);
      expect(us.status()?.state).toBe("backup");
      expect(counted(us, "oddInterval")).toBeGreaterThan(0);
      expect(counted(us, "becameActive")).toBe(0);
    }),
  );

  each("$title: another list of addresses is told, and no reason for two actives", (cell) =>
    inTurn(async () => {
      await using pair = await pairLab();
      const more = cell.speech.family === 4 ? "192.0.2.101" : "2001:db8::101";
      const addresses = [...wishFor(cell.speech, {}).addresses, more];
      const them = await startTheirs(pair, cell, { priority: 200, addresses });
      await untilPeer(them, true);
      const us = await startOurs(pair, cell, { priority: 100 });
      await untilHeard(us, 4);
      expect(us.status()?.state).toBe("backup");
      expect(counted(us, "oddAddressList")).toBeGreaterThan(0);
      expect(us.log()).toContain("it lists ");
    }),
  );
});

const hmac = (hex: string): HmacPlan => {
  return { keys: [{ id: 1, hex: hex.repeat(32) }], activeKey: 1, timeWindowMs: 30_000, mode: "enforce" };
};

describe("our router and one that does not know the secret", () => {
  const secretive = test.concurrent.each(
    cells.filter(({ kind, speech }) => speech.version === 2 || kind.name === "edge-ha"),
  );
  secretive("$title: is not believed, and the log says why", (cell) =>
    inTurn(async () => {
      await using pair = await pairLab();
      const isV2 = cell.speech.version === 2;
      const { canAuthenticate } = cell.kind;
      const theirs: Wish = isV2 ? (canAuthenticate ? { password: "theirs" } : {}) : { hmac: hmac("a1") };
      const them = await startTheirs(pair, cell, { priority: 200, ...theirs });
      await untilPeer(them, true);
      const us = await startOurs(pair, cell, {
        priority: 100,
        ...(isV2 ? { password: "ours" } : { hmac: hmac("b2") }),
      });
      await us.reaches("active");
      const counter = isV2 ? "droppedAuth" : "droppedAuthFailed";
      await waitFor("a drop is counted", () => counted(us, counter) > 0, 30_000);
      expect(us.log()).toMatch(
        /dropped: (its password is not ours|its authentication type is|.*signature|.*key)/,
      );
    }),
  );
});

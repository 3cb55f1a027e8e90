import { describe, expect, test } from "bun:test";
import type { BodyFile } from "../../../../src/proxy/cache/body-file.ts";
import { BodySender } from "../../../../src/proxy/cache/body-sender.ts";
import type { ResponseSink } from "../../../../src/proxy/exchange-client.ts";
import { Sweep } from "../../../../src/proxy/sweep.ts";
import type { BodyPiece } from "../../../../src/proxy/body-piece.ts";
import { recordingLog } from "../../../support/recording-log.ts";

/** A body whose pieces come when they are asked for. */
class FakeFile implements BodyFile {
  readonly length = 4000;
  readonly inode = 1;
  users = 0;
  readonly asked: {
    readonly at: number;
    readonly blocks: number;
    readonly come: (isThere: boolean) => Promise<void>;
  }[] = [];

  hold(): void {
    this.users++;
  }

  release(): void {
    this.users--;
  }

  read(at: number, end: number, blocks: number): Promise<BodyPiece> {
    const { promise, reject, resolve } = Promise.withResolvers<BodyPiece>();
    const come = async (isThere: boolean): Promise<void> => {
      const to = Math.min(end, at + 400 - (at % 400));
      if (isThere) resolve({ bytes: Buffer.alloc(400, `${at}`), start: at % 400, end: to - at + (at % 400) });
      else reject(new Error("it broke"));
      await promise.catch(() => undefined);
      await Promise.resolve();
    };
    this.asked.push({ at, blocks, come });
    return promise;
  }
}

interface Sending {
  readonly file: FakeFile;
  readonly heard: string[];
  readonly client: { isFull: boolean };
  readonly sender: BodySender;
  readonly sweep: Sweep;
}

function begin(start = 0, end = 1000): Sending {
  const file = new FakeFile();
  const heard: string[] = [];
  const client = { isFull: false };
  const sink: ResponseSink = {
    sendResponse: () => true,
    sendBody: (piece, isLast) => {
      heard.push(`${piece.end - piece.start}${isLast ? " last" : ""}`);
      return !client.isFull;
    },
  };
  const { log } = recordingLog();
  const sweep = new Sweep(() => undefined);
  const ended = (isWhole: boolean): void => void heard.push(isWhole ? "whole" : "broken");
  const sender = new BodySender({ body: file, start, end }, { sink, sweep, log, ended });
  return { file, heard, client, sender, sweep };
}

describe("BodySender", () => {
  test("asks for the next piece when the client has taken the one before", async () => {
    const { client, file, heard, sender } = begin(300, 950);
    expect(file.users).toBe(1);
    sender.goOn();
    sender.goOn(); // said twice, read once
    expect(file.asked.map(({ at }) => at)).toEqual([300]);
    await file.asked[0]?.come(true);
    expect(file.asked.map(({ at }) => at)).toEqual([300, 400]);
    client.isFull = true;
    await file.asked[1]?.come(true);
    expect(file.asked).toHaveLength(2);
    sender.goOn();
    await file.asked[2]?.come(true);
    expect(heard).toEqual(["100", "400", "150 last", "whole"]);
    expect(file.users).toBe(0);
  });

  test("has more read at a time for a client that takes all at once, and least for one that does not", async () => {
    const { client, file, sender } = begin(0, 4000);
    sender.goOn();
    for (let times = 0; times < 5; times++) {
      client.isFull = times === 4;
      await file.asked[times]?.come(true);
    }
    sender.goOn();
    await file.asked[5]?.come(true);
    expect(file.asked.map(({ blocks }) => blocks)).toEqual([1, 2, 4, 4, 4, 1]);
  });

  test("lets go of the file when the client is gone, and sends nothing that comes later", async () => {
    const { file, heard, sender } = begin();
    sender.goOn();
    sender.cancel();
    sender.cancel();
    expect(file.users).toBe(0);
    await file.asked[0]?.come(true);
    expect(heard).toEqual([]);
  });

  test("ends where the file fails, or gives nothing for too long", async () => {
    const { file, heard, sender } = begin();
    sender.goOn();
    await file.asked[0]?.come(true);
    await file.asked[1]?.come(false);
    expect([heard, file.users]).toEqual([["400", "broken"], 0]);
    const slow = begin();
    slow.sender.sweep(slow.sweep.after(60_000)); // nothing is asked for yet
    expect(slow.heard).toEqual([]);
    slow.sender.goOn();
    slow.sender.sweep(slow.sweep.after(9_000));
    expect(slow.heard).toEqual([]);
    slow.sender.sweep(slow.sweep.after(60_000));
    expect([slow.heard, slow.file.users]).toEqual([["broken"], 0]);
    await slow.file.asked[0]?.come(true);
    expect(slow.heard).toEqual(["broken"]);
  });
});

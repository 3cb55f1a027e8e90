import { expect, test } from "bun:test";
import { HeadRoom, SentHead } from "../../../src/proxy/sent-head.ts";

function write(room: HeadRoom, text: string): SentHead {
  const start = room.used;
  const bytes = room.roomFor(text.length);
  const at = room.used;
  expect([0, start]).toContain(at);
  bytes.write(text, at, "latin1");
  return room.wrote(at + text.length);
}

test("heads that are written one behind the other all stay as they are", () => {
  const room = new HeadRoom();
  const texts = [10, 3_000, 2_000, 60_000, 4_096, 1, 700].map((length, at) => String(at).repeat(length));
  const heads = texts.map((text) => write(room, text));
  expect(heads.map(({ text }) => text)).toEqual(texts);
});

test("a head that is forgotten keeps no memory", () => {
  for (const head of [write(new HeadRoom(), "a"), SentHead.ofText("a")]) {
    expect(head.text).toBe("a");
    head.forget();
    expect([head.bytes, head.text]).toEqual([null, ""]);
  }
});

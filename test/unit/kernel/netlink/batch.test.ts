import { expect, test } from "bun:test";
import { madeRequests, type NetlinkRequest } from "../../../../src/kernel/netlink/connection.ts";
import { acknowledge, FakeNetlink } from "../../../support/fake-netlink.ts";

const requests = Array.from({ length: 300 }, (_, index): NetlinkRequest => {
  return {
    operation: `change ${index}`,
    type: 7,
    flags: 0x400,
    payload: Uint8Array.of(index & 0xff, 0, 0, 0),
  };
});

test("changes go many at a time, in their order, and only the last of those is asked for a word", () => {
  const fake = new FakeNetlink((request) => ((request.flags & 0x4) === 0 ? [] : [[acknowledge(request)]]));
  const sent: number[] = [];
  const connection = fake.connection(() => sent.push(fake.requests.length));
  expect(connection.batch(requests, madeRequests).every((refusal) => refusal === null)).toBe(true);
  expect(sent).toEqual([0, 128, 256]);
  expect(fake.requests.map(({ payload }) => payload[0])).toEqual(requests.map(({ payload }) => payload[0]));
  const asked = fake.requests.flatMap(({ flags }, index) => (flags === 0x405 ? [index] : []));
  expect(asked).toEqual([127, 255, 299]);
});

test("each refusal is told of its change, and keeps none of the others from being carried out", () => {
  const refused = [0, 127, 128, 200, 299];
  const fake = new FakeNetlink((request) => {
    const isRefused = refused.includes(request.sequence - 1);
    return isRefused || (request.flags & 0x4) !== 0 ? [[acknowledge(request, isRefused ? 17 : 0)]] : [];
  });
  const outcomes = fake.connection().batch(requests, madeRequests);
  expect(outcomes.flatMap((refusal, index) => (refusal === null ? [] : [[index, refusal.call]]))).toEqual(
    refused.map((index) => [index, `change ${index}`]),
  );
});

test("words about earlier requests are passed over, and a kernel that says nothing is named", () => {
  const fake = new FakeNetlink((request) =>
    request.sequence === 3 ? [[acknowledge({ ...request, sequence: 1 }, 17), acknowledge(request)]] : [],
  );
  const connection = fake.connection();
  expect(() => connection.batch(requests.slice(0, 2), madeRequests)).toThrow("change 1: ETIMEDOUT");
  expect(connection.batch(requests.slice(0, 1), madeRequests)).toEqual([null]);
});

import { expect, test } from "bun:test";
import { detourComments } from "../../../src/kernel/detour-table.ts";

/** NFT_USERDATA_MAXLEN less type, length and the zero at the end: the kernel refuses a rule with a longer comment (ERANGE). */
const longestComment = 253;

test("comments fit a rule of the kernel's, however many interfaces there are, and tell these apart", () => {
  const links = Array.from({ length: 100 }, (_, index) => `bond-outside.${index}`);
  const detours = [
    { vip: "2001:db8:1111:2222:3333:4444:5555:6666", mark: 0xffff_ffff },
    { vip: "192.0.2.100", mark: 1 },
  ];
  for (let count = 1; count <= links.length; count++) {
    const { leaving, coming } = detourComments(detours, links.slice(0, count));
    for (const comment of [...leaving, ...coming])
      expect(Buffer.byteLength(comment)).toBeLessThanOrEqual(longestComment);
  }
  const others = links.with(50, "bond-inside.7");
  expect(detourComments(detours, others)).not.toEqual(detourComments(detours, links));
});

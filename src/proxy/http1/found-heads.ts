/**
 * What the addon has written down of heads (native/heads.h), valid within the turn that brought them. A head is named by the place
 * where it stands here, from 1 on: its length, how many lines it has and where the second begins, then for each field where its name
 * ends, where its value begins and ends, where the next line begins, and its number, with 256 more if the line reads exactly
 * `name: value`. All are offsets into the bytes that the head begins with.
 *
 * Only plain heads are found: complete, with no octet and no line end that RFC 9112 forbids, each line a field. What is not here
 * may be a head all the same, or be none: `HeadScan` looks at it, and both say the same of those that are here.
 */
export const foundHeads: Int32Array = new Int32Array(new ArrayBuffer(4 * 16 * 1024));

/** Words of a head in front of its fields, and of each field. */
export const headWords = 3;
export const fieldWords = 5;

/** PURE: how the table looks that a turn of the streams fills in (native/stream-turn.c). */

/** Streams have a place below this. */
export const placeCount: number = 2 ** 18;

/** Words in front of the rows: where either kind of memory is read into, how many rows there are, the state, how many writes are gathered, and how many of the last came up short. */
export const clientWords = 0;
export const serverWords = 4;
export const rowCountWord = 8;
export const stateWord = 9;
export const writeCountWord = 10;
export const shortCountWord = 11;
export const headerWords = 12;
export const rowWords = 7;

/** Every read begins at a multiple of this. */
export const readStep = 256;

/** What the state tells: the runtime has something to do, or a listener has no descriptor for who waits. */
export const runtimeHasNews = 1;
export const hasStalled = 2;

/** What has happened to a stream. */
export const news = {
  data: 1,
  end: 2,
  closed: 3,
  writable: 4,
  accepted: 5,
  connected: 6,
  refused: 7,
} as const;

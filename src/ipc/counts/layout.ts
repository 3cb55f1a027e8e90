/**
 * How the memory is parted in which processes count what is limited for all of them together: a header that says who has
 * which seat, and a table for each seat. Only who has a seat writes its table, and all add up what they find. PURE.
 */

/** Another form has another number: processes that do not know each other's do not share memory. */
export const memoryFormat = 1;

/**
 * 256 workers in four generations that finish, one that serves and one that begins, and as many of the program before. A supervisor that
 * comes after another has one, too, as long as there are processes of that one.
 */
export const mostSeats = 3_072;

/** Whole pages, on any machine. */
const headerBytes = 64 * 1024;
export const headerWords: number = headerBytes / 4;

/** Words of the header. */
export const formatAt = 0;
/** Seats at and above this one have never been taken. */
export const seatsAt = 1;
/** Two words that nobody outside knows: who chooses names must not choose where they fall. */
export const secretAt = 2;
/** The process id of who has the first seat, 0 if nobody; the others follow. */
export const holdersAt = 16;

/** A bucket is so many marks and as many counts behind them: a look at a seat that does not have a name is one line of cache. */
export const bucketEntries = 16;
const bucketWords = 2 * bucketEntries;
/** What an operator names is apart from what anybody can: no flood of sources takes its room. */
const namedBuckets = 4 * 1024;
const sourceBuckets = 12 * 1024;

const seatBytes = (namedBuckets + sourceBuckets) * bucketWords * 4;
export const seatWords: number = seatBytes / 4;
export const memoryBytes: number = headerBytes + mostSeats * seatBytes;

/** Gives where the table of a seat begins in the memory. */
export function seatOffset(seat: number): number {
  return headerBytes + seat * seatBytes;
}

/** What something is counted under. */
export interface CountKey {
  /** Where its bucket begins in each table. */
  readonly at: number;
  /** Tells it from others there; never 0. */
  readonly mark: number;
}

/** Who chooses a name: the operator by what is configured, or anybody by where they come from. */
export type NameKind = "configured" | "source";

/** Makes a key of a hash of 64 bits: 44 to 46 of them tell names apart. */
export function keyOf(hash: bigint, kind: NameKind): CountKey {
  const [high, low] = [Number(BigInt.asIntN(32, hash >> 32n)), Number(BigInt.asUintN(32, hash))];
  const bucket = kind === "configured" ? low % namedBuckets : namedBuckets + (low % sourceBuckets);
  return { at: bucket * bucketWords, mark: high === 0 ? 1 : high };
}

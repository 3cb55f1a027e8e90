/** What somebody wants of something that there is only so much of. */
export interface Claim {
  readonly wanted: number;
}

/**
 * Shares a number out so that nobody gets more than is wanted, and nobody less than another who wants as much (max-min
 * fairness). What cannot be parted evenly goes to the first. PURE.
 */
export function fairShares(most: number, claims: readonly Claim[]): readonly number[] {
  const shares = claims.map(() => 0);
  let left = Math.max(0, most);
  let open = claims.flatMap(({ wanted }, at) => (wanted > 0 ? [at] : []));
  while (left > 0 && open.length > 0) {
    const each = Math.max(1, Math.floor(left / open.length));
    for (const at of open) {
      const share = shares[at] ?? 0;
      const more = Math.min(each, left, (claims[at]?.wanted ?? 0) - share);
      shares[at] = share + more;
      left -= more;
    }
    open = open.filter((at) => (shares[at] ?? 0) < (claims[at]?.wanted ?? 0));
  }
  return shares;
}

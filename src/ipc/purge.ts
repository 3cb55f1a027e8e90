/** Which stored answers are to be forgotten: URLs, with or without scheme, and those that begin as one that ends in `*`. */
export interface PurgeOrder {
  readonly patterns: readonly string[];
}

/** How many processes were told. */
export interface PurgeReport {
  readonly processes: number;
}

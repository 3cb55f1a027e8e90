/** A file as it was when the plan came into force. */
export interface Page {
  /** Its bytes, in Base64. */
  readonly content: string;
  /** When it was last changed, in milliseconds of Unix time. */
  readonly changedMs: number;
}

/** What stands in the pages and the folders that a plan names, by path. */
export type Pages = Readonly<Record<string, Page>>;

/** A server that failed clients of one proxy process, and is left alone by all of them for a while. */
export interface ServerEjection {
  /** As `proxiedServerId` writes it. */
  readonly server: string;
  readonly forMs: number;
  /** What it did, a sentence fragment. */
  readonly reason: string;
}

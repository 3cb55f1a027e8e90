/** A system call that failed: which call, with what errno, and what it was about. */
export class SystemError extends Error {
  /** The call, as `man 2` names it, or the netlink request. */
  readonly call: string;
  /** The errno as a name, such as `EADDRINUSE`. */
  readonly code: string;
  /** What the call was about: an address, an interface, a path; empty if nothing helps. */
  readonly about: string;

  constructor(call: string, code: string, about = "") {
    super(about === "" ? `${call}: ${code}` : `${call} ${about}: ${code}`);
    this.name = "SystemError";
    this.call = call;
    this.code = code;
    this.about = about;
  }
}

/** Tells whether `error` is a system error with one of these errno names (own or the runtime's). */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  if (typeof error !== "object" || error === null || !("code" in error)) return false;
  return typeof error.code === "string" && codes.includes(error.code);
}

/** Gives the text of anything thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Where the admin socket is unless the command line or the environment says otherwise. */
export const defaultSocket = "/run/edge-ha/admin.sock";

/**
 * How long the service may take to answer: at once by its nature, but a reload waits for its children, and a failover
 * for as long as the slowest backup at the longest interval takes.
 */
const patienceMs = { GET: 10_000, POST: 60_000 } as const;
const failoverPatienceMs = 200_000;

/** Nobody answers on the admin socket: the service does not run, or this user may not talk to it. */
export class NotRunningError extends Error {
  constructor(socket: string, cause: string) {
    super(`no edge-ha answers on ${socket} (${cause}); is the service running, and are you root?`);
    this.name = "NotRunningError";
  }
}

/** Asks the service over its socket and gives the JSON it answers; throws `NotRunningError` if nobody does. */
export async function askAdmin(
  socket: string,
  method: "GET" | "POST",
  path: string,
  body: unknown = null,
): Promise<unknown> {
  const limitMs = path === "/failover" ? failoverPatienceMs : patienceMs[method];
  let response: Response;
  try {
    response = await fetch(`http://localhost${path}`, {
      method,
      unix: socket,
      ...(body === null ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(limitMs),
    });
  } catch (error) {
    throw new NotRunningError(
      socket,
      hasTextCode(error) ? error.code : `no answer within ${limitMs / 1_000} s`,
    );
  }
  if (!response.ok) throw new Error(`the service answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** An aborted request has a number for a code, which says nothing to anybody. */
function hasTextCode(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

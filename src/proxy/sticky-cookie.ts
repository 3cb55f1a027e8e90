import type { StickyPlan } from "../config/upstream-policy.ts";

/** A server as a cookie knows it. */
interface KeyedServer {
  readonly key: string;
}

/**
 * The cookie that keeps clients with their server. Its value is the HMAC of upstream and server: it tells nothing about the
 * server, nobody without the secret can name another, and it is the same in every process and on both nodes.
 */
export class StickyCookie<T extends KeyedServer> {
  private readonly byValue: ReadonlyMap<string, T>;
  private readonly lines: ReadonlyMap<T, { readonly value: string; readonly field: string }>;

  constructor(plan: StickyPlan, upstream: string, servers: readonly T[]) {
    const values = servers.map(
      (server) => [server, signed(plan.secret, `${upstream} ${server.key}`)] as const,
    );
    this.byValue = new Map(values.map(([server, value]) => [value, server]));
    this.lines = new Map(
      values.map(([server, value]) => [
        server,
        { value, field: `Set-Cookie: ${setCookie(plan, value)}\r\n` },
      ]),
    );
  }

  /** Gives the server that a cookie stands for; null if there is no such server any more, or never was. */
  serverOf(cookie: string): T | null {
    return this.byValue.get(cookie) ?? null;
  }

  /** Gives the field line for a client that `server` answers; empty if it has the right cookie. */
  fieldFor(server: T, cookie: string | null): string {
    const line = this.lines.get(server);
    return line === undefined || line.value === cookie ? "" : line.field;
  }
}

function signed(secret: string, text: string): string {
  // 128 bits are enough for what lives as long as a secret, and short in every request.
  return new Bun.CryptoHasher("sha256", secret).update(text).digest().subarray(0, 16).toString("base64url");
}

/** RFC 6265 §4.1; SameSite is of its successor. */
function setCookie(plan: StickyPlan, value: string): string {
  const words = [`${plan.cookie}=${value}`, `Path=${plan.path}`];
  if (plan.ttlMs !== null) words.push(`Max-Age=${Math.round(plan.ttlMs / 1_000)}`);
  if (plan.isSecure) words.push("Secure");
  if (plan.isHttpOnly) words.push("HttpOnly");
  if (plan.sameSite !== null) words.push(`SameSite=${sameSites[plan.sameSite]}`);
  return words.join("; ");
}

const sameSites = { lax: "Lax", strict: "Strict", none: "None" } as const;

import type { RequestLog } from "./access-log.ts";
import type { Hold } from "./admission/connection-limit.ts";
import type { ForwardedBy } from "./headers.ts";
import type { FieldTable } from "./http1/field-table.ts";
import type { RequestHead } from "./http1/request-head.ts";
import { randomHex } from "./request-ids.ts";

/**
 * A request as routes and policies see it, whatever version of HTTP it came in. There is one of these for each
 * connection, filled anew for each request; it is valid during the turn in which the head was read, and no longer.
 */
export class RequestView {
  head: RequestHead;
  fields: FieldTable;
  /** The path that routes are matched against, as `matchingPath` gives it. */
  path = "/";
  /** Where it is logged instead of where its site says; undefined leaves that to the site. */
  log: RequestLog | null | undefined = undefined;
  /** Who sent it: through which connection, and as whom. */
  readonly by: ForwardedBy;
  /** The client's address: the connection's, or what trusted proxies say of it. */
  client: string;
  /** How the client speaks to us, or to the trusted proxies before us. */
  scheme: "http" | "https";
  /** Whether the connection comes from a trusted proxy, so that what its requests say of the client is believed. */
  isRelayed = false;
  /** What goes to the server as its target. */
  target: string;
  /** Its name, once it has one. */
  id: string | null = null;
  /** What it has taken of a limit, to be given back when it ends. */
  hold: Hold | null = null;

  constructor(by: ForwardedBy, head: RequestHead, fields: FieldTable) {
    this.by = by;
    this.head = head;
    this.fields = fields;
    this.client = by.remoteAddress;
    this.scheme = by.scheme;
    this.target = head.target;
  }

  /** Fills it with the next request. */
  set(head: RequestHead, fields: FieldTable, path: string): void {
    this.head = head;
    this.fields = fields;
    this.path = path;
    this.client = this.by.remoteAddress;
    this.scheme = this.by.scheme;
    this.isRelayed = false;
    this.target = head.target;
    this.id = null;
    this.hold = null;
    this.log = undefined;
  }

  /** A name for this request that no other has. */
  get requestId(): string {
    this.id ??= randomHex();
    return this.id;
  }

  /** The authority that the client asked, or ours where it named none. */
  get authority(): string {
    return this.head.host === "" ? this.by.localAuthority : this.head.host;
  }

  /** The query as the client wrote it, without the question mark. */
  get query(): string {
    const { target } = this.head;
    const at = target.indexOf("?");
    return at < 0 ? "" : target.substring(at + 1);
  }

  /** Gives the value of a field by its name in lower case, several joined with `, ` (RFC 9110 §5.2); null if there is none. */
  value(name: string): string | null {
    return name === "host" ? this.head.host : this.fields.joined(name);
  }
}

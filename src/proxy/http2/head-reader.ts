import { FieldTable } from "../http1/field-table.ts";
import { mostFields } from "../http1/head-end.ts";
import { isFault } from "../http1/request-head.ts";
import { RequestView } from "../request-view.ts";
import type { ReadBlock } from "./frame-session.ts";
import { readHttp2Request } from "./request.ts";
import type { ServerStream } from "./stream.ts";
import type { StreamHost } from "./stream-host.ts";

// Shared: what is read is used within the turn.
const requestFields = new FieldTable(mostFields + 4);

/** Reads the heads of the requests of one connection. */
export class HeadReader {
  private readonly host: Pick<StreamHost, "by" | "listener">;
  private view: RequestView | null = null;

  constructor(host: Pick<StreamHost, "by" | "listener">) {
    this.host = host;
  }

  /** Starts a stream with its head; false if that is malformed. */
  begin(stream: ServerStream, { endsStream, fields, isTooLarge }: ReadBlock): boolean {
    const { by, listener } = this.host;
    const head = isTooLarge
      ? ({ status: 431, reason: "too-many-fields" } as const)
      : readHttp2Request(fields, requestFields, endsStream, listener.plan.headLimits);
    if (head === null) return false;
    if (!isFault(head)) this.view ??= new RequestView(by, head, requestFields);
    stream.begin(head, this.view);
    return true;
  }
}

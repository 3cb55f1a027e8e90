import { mainLine, noNotes, notesOf, type RequestNotes } from "./access-log-line.ts";
import type { Engine } from "./engine.ts";
import type { FieldTable } from "./http1/field-table.ts";
import type { Site } from "./snapshot.ts";

/** Counts and logs requests, one after another. */
export class RequestRecord {
  /** Whose access log the present request belongs in. */
  site: Site | null = null;
  private readonly engine: Engine;
  /** Who sent the present request. */
  clientAddress: string;
  private readonly remoteAddress: string;
  private notes: RequestNotes = noNotes;

  constructor(engine: Engine, remoteAddress: string) {
    this.engine = engine;
    this.remoteAddress = remoteAddress;
    this.clientAddress = remoteAddress;
  }

  /** Starts with a request; `fields` is null if they could not be read. */
  begin(site: Site | null, requestLine: string, fields: FieldTable | null): void {
    this.engine.counters.requests++;
    this.site = site;
    this.clientAddress = this.remoteAddress;
    if (site === null || site.accessLog === null) return;
    this.notes = fields === null ? { ...noNotes, requestLine } : notesOf(requestLine, fields);
  }

  /** Ends it; `bodyBytes` were sent behind the head. */
  end(status: number, bodyBytes: number): void {
    const { counters, sweep } = this.engine;
    counters.add(status);
    const log = this.site?.accessLog ?? null;
    if (log === null) return;
    const remoteAddress = this.clientAddress;
    log.add(mainLine(this.notes, { remoteAddress, timeLocal: sweep.timeLocal, status, bodyBytes }));
  }
}

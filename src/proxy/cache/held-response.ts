import { fileOfBody } from "./body-file.ts";
import type { StoredResponse } from "./stored-response.ts";

/** A response that is held: the file of its body stays open. */
export class HeldResponse {
  entry: StoredResponse | null = null;

  /** Holds another in its place, or none. */
  keep(entry: StoredResponse | null): void {
    if (entry !== null) fileOfBody(entry.body)?.hold();
    if (this.entry !== null) fileOfBody(this.entry.body)?.release();
    this.entry = entry;
  }
}

import { createHash } from "node:crypto";
import type { FilesPlan } from "../../config/content-plan.ts";
import type { Pages } from "../../ipc/pages.ts";
import { plainAnswer, type Answer } from "../answer.ts";
import type { RequestView } from "../request-view.ts";
import type { PromptGate } from "../admission/gate.ts";
import { isUnchanged } from "./conditions.ts";
import { mediaType } from "./media-type.ts";

interface ShelvedFile {
  readonly etag: string;
  readonly changedMs: number;
  readonly whole: Answer;
  readonly unchanged: Answer;
}

const onlyReads: Answer = { ...plainAnswer(405), fields: "Content-Type: text/plain\r\nAllow: GET, HEAD\r\n" };
const noBody = Buffer.alloc(0);

/**
 * Answers requests below a path from files in memory, and nothing else: what a request names is looked up in a table, so
 * it can lead nowhere out of the folder. A path that ends in `/` is that of `index.html`.
 */
export function fileGate({ path, root }: FilesPlan, pages: Pages): PromptGate {
  const files = new Map<string, ShelvedFile>();
  for (const [file, { changedMs, content }] of Object.entries(pages)) {
    if (!file.startsWith(`${root}/`)) continue;
    // Paths of requests are compared as octets.
    const name = Buffer.from(path + file.slice(root.length + 1)).toString("latin1");
    files.set(name, shelved(file, Buffer.from(content, "base64"), changedMs));
  }
  return (view) => {
    if (!view.path.startsWith(path)) return null;
    const file = files.get(view.path.endsWith("/") ? `${view.path}index.html` : view.path);
    if (file === undefined) return plainAnswer(404);
    const { method } = view.head;
    if (method !== "GET" && method !== "HEAD") return onlyReads;
    return isHeld(view, file) ? file.unchanged : file.whole;
  };
}

function isHeld(view: RequestView, { changedMs, etag }: ShelvedFile): boolean {
  const conditions = {
    noneMatch: view.value("if-none-match"),
    modifiedSince: view.value("if-modified-since"),
  };
  return isUnchanged(conditions, { etag, lastModifiedMs: changedMs });
}

function shelved(file: string, body: Buffer, changedMs: number): ShelvedFile {
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  const validators = `Last-Modified: ${new Date(changedMs).toUTCString()}\r\nETag: ${etag}\r\n`;
  return {
    etag,
    changedMs,
    whole: { status: 200, fields: `Content-Type: ${mediaType(file)}\r\n${validators}`, body },
    unchanged: { status: 304, fields: validators, body: noBody }, // RFC 9110 §15.4.5
  };
}

import { createHash } from "node:crypto";
import type { HttpCheck, ProbeTiming } from "../config/check-plan.ts";
import { dial } from "./dial.ts";
import { Answer } from "./http/answer.ts";
import { digestLimitBytes } from "./http/body-verdict.ts";
import { requestText } from "./http/request.ts";
import { startTls } from "./tls-stream.ts";
import type { Deadline } from "./deadline.ts";

/** A page as a check with a digest sees it. */
export interface PageDigest {
  readonly status: number;
  readonly bytes: number;
  /** In hexadecimal digits. */
  readonly md5: string;
  readonly sha256: string;
}

/** What is asked for; the parts of a probe that concern one attempt. */
export type PageRequest = Pick<ProbeTiming, "target" | "vip" | "source" | "mark" | "proxyProtocol"> &
  HttpCheck;

/** Fetches a page as a check would and digests its body; throws why it could not be had. */
export async function digestPage(page: PageRequest, deadline: Deadline): Promise<PageDigest> {
  const socket = await dial(page, deadline);
  const [md5, sha256] = [createHash("md5"), createHash("sha256")];
  let bytes = 0;
  const onBody = (piece: Uint8Array): void => {
    bytes += piece.length;
    if (bytes > digestLimitBytes) throw new Error("body is longer than 64 MiB, too long for a digest");
    md5.update(piece);
    sha256.update(piece);
  };
  try {
    const { address } = page.target;
    const stream = page.tls === null ? socket : await startTls(socket, page.tls, { address });
    stream.write(new TextEncoder().encode(requestText(page, page.target)));
    const answer = new Answer({ isHead: false, onBody });
    while (!answer.isComplete) {
      const piece = await stream.read();
      if (piece === null) {
        answer.end();
        break;
      }
      answer.feed(piece);
    }
    return { status: answer.status ?? 0, bytes, md5: md5.digest("hex"), sha256: sha256.digest("hex") };
  } finally {
    socket.reset();
  }
}

import { lookup } from "node:dns/promises";
import { canonicalAddress } from "../base/address.ts";
import { errorText } from "../base/system-error.ts";
import type { HttpCheck, TlsPlan } from "../config/check-plan.ts";
import { parseDuration } from "../config/units.ts";
import { Deadline } from "../health/deadline.ts";
import { failureText } from "../health/failure-text.ts";
import { digestPage, type PageDigest, type PageRequest } from "../health/page-digest.ts";

/** How `edge-ha digest` was called. */
export interface DigestOptions {
  readonly url: string;
  /** Connect there in place of the URL's host. */
  readonly address: string | null;
  readonly httpVersion: string;
  readonly sni: string | null;
  readonly ca: string | null;
  readonly verifies: boolean;
  readonly timeout: string;
  readonly json: boolean;
}

/** Prints what a check's `digest` has to be for a page; 0 printed, 1 it could not be had, 2 wrong command line. */
export async function runDigest(options: DigestOptions): Promise<number> {
  const timeoutMs = parseDuration(options.timeout);
  const page = await pageOf(options);
  if (typeof page === "string" || timeoutMs === null) {
    const mistake =
      typeof page === "string" ? page : `--timeout ${options.timeout} is no duration, such as 5s`;
    process.stderr.write(`edge-ha digest: ${mistake}\n`);
    return 2;
  }
  const deadline = new Deadline();
  const timer = setTimeout(() => deadline.end(), timeoutMs);
  try {
    const digest = await digestPage(page, deadline);
    process.stdout.write(options.json ? `${JSON.stringify(digest)}\n` : textOf(digest));
    return 0;
  } catch (error) {
    const reason = deadline.isOver ? `no answer within ${options.timeout}` : failureText(error);
    process.stderr.write(`${options.url}: ${reason}\n`);
    return 1;
  } finally {
    clearTimeout(timer);
  }
}

function textOf({ status, bytes, md5, sha256 }: PageDigest): string {
  const note = status >= 200 && status < 300 ? "" : ` (a check takes it with status = ${status} only)`;
  return `status ${status}${note}, ${bytes} bytes\nmd5:${md5}\nsha256:${sha256}\n`;
}

/** Makes the request out of the command line; a text is what is wrong with that. */
async function pageOf(options: DigestOptions): Promise<PageRequest | string> {
  if (!URL.canParse(options.url)) return `${options.url} is no URL, such as http://10.16.8.8/healthz`;
  const url = new URL(options.url);
  const isTls = url.protocol === "https:";
  if (!isTls && url.protocol !== "http:") return `${options.url} is neither http:// nor https://`;
  if (options.httpVersion !== "1.0" && options.httpVersion !== "1.1")
    return `--http-version is 1.0 or 1.1, not ${options.httpVersion}`;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const address = await addressOf(options.address ?? host);
  if (address === null) return `${options.address ?? host} has no address`;
  const port = Number(url.port) || (isTls ? 443 : 80);
  const isName = canonicalAddress(host) === null;
  const tls: TlsPlan = {
    serverName: options.sni ?? (isName ? host : null),
    ca: options.ca,
    verifies: options.verifies,
  };
  const check: HttpCheck = {
    kind: "http",
    tls: isTls ? tls : null,
    method: "GET",
    path: `${url.pathname}${url.search}`,
    host: url.host,
    version: options.httpVersion,
    headers: [],
    status: [],
    body: null,
  };
  return { ...check, target: { address, port }, vip: null, source: null, mark: null, proxyProtocol: null };
}

async function addressOf(name: string): Promise<string | null> {
  const literal = canonicalAddress(name);
  if (literal !== null) return literal;
  try {
    return (await lookup(name)).address;
  } catch (error) {
    process.stderr.write(`${name}: ${errorText(error)}\n`);
    return null;
  }
}

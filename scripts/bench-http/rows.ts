import type { Load } from "./load.ts";
import type { Site } from "./sites.ts";

/** One kind of work that proxies are compared at. */
export interface Row {
  readonly name: string;
  readonly title: string;
  /** The most that it may cost, as a multiple of nginx; of idle connections KB each. */
  readonly bar: number;
  /** The longest that 99 of 100 requests may take, as a multiple of nginx; null sets no bar. */
  readonly barP99: number | null;
  readonly site: Site;
  /** Null holds idle connections. */
  readonly load: Load | null;
}

const plain: Site = { isSecure: false, isWhole: false };
const secure: Site = { isSecure: true, isWhole: false };
const encoded: Site = { isSecure: false, isWhole: false, gzipLevel: 5 };
const cached: Site = { isSecure: false, isWhole: false, isCached: true };

const small = { tool: "wrk", connections: 64, path: "/small" } as const;
const renewed = { ...small, connections: 16, isSecure: true, isNew: true };

/** All rows, in the order in which they are measured. */
export const rows: readonly Row[] = [
  { name: "h1-64", title: "110 B, 64 connections", bar: 1, barP99: 1.2, site: plain, load: small },
  {
    name: "h1-512",
    title: "110 B, 512 connections",
    bar: 1,
    barP99: 1.2,
    site: plain,
    load: { ...small, connections: 512 },
  },
  {
    name: "whole",
    title: "110 B, everything a real site has on",
    bar: 1,
    barP99: 1.2,
    site: { isSecure: false, isWhole: true },
    load: small,
  },
  {
    name: "tls-h1",
    title: "110 B, TLS, HTTP/1.1",
    bar: 1,
    barP99: null,
    site: secure,
    load: { ...small, isSecure: true },
  },
  {
    name: "tls-h2",
    title: "110 B, TLS, HTTP/2, 16 × 8",
    bar: 1.5,
    barP99: null,
    site: secure,
    load: { tool: "h2load", connections: 16, streams: 8, path: "/small", isSecure: true },
  },
  {
    name: "tls-new",
    title: "a new TLS 1.3 connection each",
    bar: 1.1,
    barP99: null,
    site: secure,
    load: renewed,
  },
  {
    name: "tls-new-1.2",
    title: "a new TLS 1.2 connection each",
    bar: 1.1,
    barP99: null,
    site: secure,
    load: { ...renewed, openssl: "MaxProtocol = TLSv1.2\nOptions = -SessionTicket" },
  },
  {
    name: "tls-back-1.2",
    title: "TLS 1.2, clients come back with a ticket",
    bar: 1.1,
    barP99: null,
    site: secure,
    load: { ...renewed, openssl: "MaxProtocol = TLSv1.2" },
  },
  {
    name: "down-64k",
    title: "64 KiB down",
    bar: 1,
    barP99: null,
    site: plain,
    load: { ...small, path: "/medium" },
  },
  {
    name: "cached-4k",
    title: "4 KiB from the cache",
    bar: 1,
    barP99: null,
    site: cached,
    load: { ...small, path: "/kept" },
  },
  {
    name: "gzip-64k",
    title: "64 KiB of HTML, gzip level 5",
    bar: 1,
    barP99: null,
    site: encoded,
    load: { ...small, path: "/page.html", accepts: "gzip" },
  },
  {
    name: "down-1m",
    title: "1 MiB down",
    bar: 1,
    barP99: null,
    site: plain,
    load: { ...small, path: "/large" },
  },
  {
    name: "up-1m",
    title: "1 MiB up",
    bar: 1,
    barP99: null,
    site: plain,
    load: { ...small, connections: 16, path: "/upload", upload: 1024 * 1024 },
  },
  { name: "idle", title: "10,000 idle connections", bar: 12, barP99: null, site: plain, load: null },
];

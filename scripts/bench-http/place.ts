import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates } from "../../test/support/certificates.ts";
import { seededRandom } from "../../test/support/seeded-random.ts";

/** Where the files of one run are, and where the server behind all proxies listens. */
export interface Place {
  readonly folder: string;
  /** Documents of the server. */
  readonly root: string;
  readonly certificate: string;
  readonly key: string;
  /** Both in one file, as HAProxy wants them. */
  readonly pair: string;
}

/** Makes the files: certificates on P-256, and answers of three sizes. */
export async function makePlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "edge-ha-bench-"));
  await makeCertificates(folder, ["shop.example"]);
  // As everybody's has, the file has the certificate of who signed ours too; the runtime looks for one otherwise, each time.
  const certificate = join(folder, "chain.pem");
  const parts = ["shop.example.pem", "ca.pem"].map((name) => readFileSync(join(folder, name), "latin1"));
  writeFileSync(certificate, parts.join(""));
  const key = join(folder, "shop.example.key");
  const pair = join(folder, "pair.pem");
  writeFileSync(pair, readFileSync(certificate, "latin1") + readFileSync(key, "latin1"));
  const root = join(folder, "root");
  mkdirSync(root);
  writeFileSync(join(root, "small"), `${"x".repeat(109)}\n`);
  writeFileSync(join(root, "kept"), Buffer.alloc(4 * 1024, "x"));
  writeFileSync(join(root, "medium"), Buffer.alloc(64 * 1024, "x"));
  writeFileSync(join(root, "large"), Buffer.alloc(1024 * 1024, "x"));
  writeFileSync(join(root, "page.html"), page(64 * 1024));
  return { folder, root, certificate, key, pair };
}

/** Text that repeats itself as much as pages do: gzip makes a third of it. */
function page(bytes: number): string {
  const random = seededRandom(7);
  const word = (): string => {
    const length = 2 + Math.trunc(random() * 8);
    return Array.from({ length }, () => "etaoinshrdlucmfwypvbgkjqxz"[Math.trunc(random() ** 2 * 26)]).join(
      "",
    );
  };
  const words = Array.from({ length: 2000 }, word);
  let text = "";
  while (text.length < bytes) {
    const line = Array.from({ length: 12 }, () => words[Math.trunc(random() ** 2 * words.length)]).join(" ");
    const link = `/p/${Math.trunc(random() * 1e6)}`;
    text += `<div class="c${Math.trunc(random() * 20)}"><a href="${link}">${line}</a></div>\n`;
  }
  return text.slice(0, bytes);
}

/** What the server behind all proxies says; `/upload` answers when it has the whole body. */
export function originConfig({ root }: Place, port: number): string {
  return (
    `access_log off; sendfile on; server { listen 127.0.0.1:${port}; root ${root}; location = /kept { expires 1h; } location = /upload { client_max_body_size 0; ` +
    `client_body_buffer_size 2m; proxy_http_version 1.0; proxy_set_body ""; proxy_method GET; proxy_pass http://127.0.0.1:${port}/small; } }`
  );
}

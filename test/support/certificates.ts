import { join } from "node:path";
import { runCommand } from "./lab-command.ts";

async function openssl(...words: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runCommand(["openssl", ...words]);
  if (exitCode !== 0) throw new Error(stderr);
}

/** Makes an authority (`ca.pem`) in a folder, and a certificate with its key (`NAME.pem`, `NAME.key`) for each name. */
export async function makeCertificates(folder: string, names: readonly string[]): Promise<void> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const at = (name: string): string => join(folder, name);
  await openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.pem"),
    "-days",
    "2",
    "-subj",
    "/CN=ca",
  );
  for (const name of names) {
    const signed = [
      "-x509",
      "-CA",
      at("ca.pem"),
      "-CAkey",
      at("ca.key"),
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
    ];
    const alternative = /^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`;
    const extensions = [
      "-addext",
      `subjectAltName=${alternative}`,
      "-addext",
      "basicConstraints=critical,CA:FALSE",
    ];
    await openssl(
      "req",
      ...key,
      ...signed,
      ...extensions,
      "-keyout",
      at(`${name}.key`),
      "-out",
      at(`${name}.pem`),
    );
  }
}

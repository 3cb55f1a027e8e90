import { readFileSync } from "node:fs";
import { authorityProblem, certificateNames, keyPairProblem } from "../base/certificate-file.ts";
import { cacheFolderProblem } from "../base/cache-folder.ts";
import { networkFileProblem } from "../base/network-file.ts";
import { pageProblem } from "../base/page-file.ts";
import { readUserFile } from "../base/htpasswd.ts";
import { errorText } from "../base/system-error.ts";
import { trustProblem } from "../base/trust.ts";
import type { HostKnowledge } from "../config/model.ts";

/** What this host knows of what a configuration names. */
export const hostKnowledge: HostKnowledge = {
  trustProblem,
  authorityProblem,
  keyPairProblem: (certificate, key) => keyPairProblem(certificate, key, new Date()),
  usersProblem,
  certificateNames,
  pageProblem,
  cacheFolderProblem,
  networkFileProblem,
};

function usersProblem(path: string): string | null {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch (error) {
    return `${path} cannot be read: ${errorText(error)}`;
  }
  const { problem } = readUserFile(text);
  return problem === null ? null : `${path}: ${problem}`;
}

import { authorityProblem, certificateNames, keyPairProblem } from "../base/certificate-file.ts";
import { pageProblem } from "../base/page-file.ts";
import { trustProblem } from "../base/trust.ts";
import type { HostKnowledge } from "../config/model.ts";

/** What this host knows of what a configuration names. */
export const hostKnowledge: HostKnowledge = {
  trustProblem,
  authorityProblem,
  keyPairProblem: (certificate, key) => keyPairProblem(certificate, key, new Date()),
  certificateNames,
  pageProblem,
};

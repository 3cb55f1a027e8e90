import { formatEndpoint, type Endpoint } from "../../src/base/address.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { DirectorPlan } from "../../src/config/node-plan.ts";
import { everythingIn } from "../../src/director/balanced-service.ts";
import { Director } from "../../src/director/director.ts";
import { ServiceNotices } from "../../src/director/service-notices.ts";
import { ServiceNotifier } from "../../src/director/service-notifier.ts";
import { attemptProbe } from "../../src/health/probe.ts";
import { Prober } from "../../src/health/prober.ts";
import type { IpvsKey } from "../../src/kernel/ipvs.ts";
import { FakeIpvs } from "./fake-ipvs.ts";
import { recordingLog } from "./recording-log.ts";

/**
 * A director as its process composes it, with real checks and real notices, before a kernel's table in memory:
 * notice-director.ts PLAN-AS-JSON. It says which servers leave the table and when, in milliseconds since 1970. SIGTERM
 * stops it as a stop of the service does.
 */

/** The table, which tells who leaves it. */
class TellingIpvs extends FakeIpvs {
  override removeServer(key: IpvsKey, server: Endpoint): void {
    super.removeServer(key, server);
    process.stdout.write(`removed ${formatEndpoint(server)} ${performance.timeOrigin + performance.now()}\n`);
  }
}

const plan = JSON.parse(process.argv[2] ?? "") as DirectorPlan;
const { log } = recordingLog();
const kernel = new TellingIpvs();
const notifier = new ServiceNotifier(log);
const notices = new ServiceNotices();
const prober = new Prober({
  clock: systemClock,
  log,
  attempt: attemptProbe,
  onVerdict: () => director.reconcile(),
});
const director: Director = new Director({
  clock: systemClock,
  log,
  prober,
  journal: { entries: new Set(), note: () => undefined },
  book: { drains: [], note: () => undefined },
  openIpvs: () => kernel,
  tell: () => undefined,
  stand: () => undefined,
  onProgress: () => undefined,
  onStandings: (...look) => notifier.tell(notices.look(...look)),
});

process.once("SIGTERM", () => {
  notifier.tell(notices.end(everythingIn(plan).filter(({ quorum }) => quorum.endsOnStop)));
  director.stop();
  void notifier.finish().then(() => process.exit(0));
});

const refusal = notifier.configure(plan.notify) ?? director.configure(plan);
if (refusal !== null) throw new Error(refusal);

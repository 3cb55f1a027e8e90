import { hasCode } from "../../src/base/system-error.ts";
import { Ipvs, type IpvsKey, type IpvsServer, type IpvsService } from "../../src/kernel/ipvs.ts";

/** One call of the kernel's interface, as the test writes it on the command line. */
export type DriverCall =
  | { readonly call: "addService" | "setService"; readonly service: IpvsService }
  | { readonly call: "removeService"; readonly key: IpvsKey }
  | {
      readonly call: "addServer" | "setServer" | "removeServer";
      readonly key: IpvsKey;
      readonly server: IpvsServer;
    };

/** What the driver prints: the outcome of each call, then the table as it reads it. */
export interface DriverOutput {
  readonly version: string;
  /** `ok`, or the errno's name. */
  readonly outcomes: readonly string[];
  readonly services: readonly IpvsService[];
}

function carryOut(ipvs: Ipvs, call: DriverCall): void {
  switch (call.call) {
    case "addService":
      return ipvs.addService(call.service);
    case "setService":
      return ipvs.setService(call.service);
    case "removeService":
      return ipvs.removeService(call.key);
    case "addServer":
      return ipvs.addServer(call.key, call.server);
    case "setServer":
      return ipvs.setServer(call.key, call.server);
    case "removeServer":
      return ipvs.removeServer(call.key, call.server);
  }
}

function outcomeOf(ipvs: Ipvs, call: DriverCall): string {
  try {
    carryOut(ipvs, call);
    return "ok";
  } catch (error) {
    for (const code of ["EEXIST", "ESRCH", "ENOENT", "EINVAL"]) if (hasCode(error, code)) return code;
    throw error;
  }
}

if (import.meta.main) {
  const calls = JSON.parse(await Bun.stdin.text()) as readonly DriverCall[];
  const ipvs = Ipvs.open();
  const outcomes = calls.map((call) => outcomeOf(ipvs, call));
  const output: DriverOutput = { version: ipvs.version(), outcomes, services: ipvs.services() };
  process.stdout.write(JSON.stringify(output));
}

import { join } from "node:path";
import { type Host, waitFor } from "./lab.ts";

/** Reads fields of the frames that a filter lets through, a line for each frame. */
export type ReadCapture = (filter: string, ...fields: readonly string[]) => Promise<readonly string[]>;

/** Lets tcpdump record what reaches a host and tshark read it, which shares no code with us. */
export async function capture(host: Host, during: () => Promise<void>): Promise<ReadCapture> {
  const file = join(host.directory, "capture.pcap");
  // Unless told how long a frame is at most it has room for eight of them.
  const room = ["-s", "2048", "-B", "16384"];
  const how = ["-U", "--immediate-mode", "-Z", "root", ...room];
  const tcpdump = host.spawn(["tcpdump", "-i", "eth0", ...how, "-w", file]);
  await waitFor("tcpdump listens", () => tcpdump.output().includes("listening on"));
  await during();
  tcpdump.kill("SIGINT");
  await tcpdump.exited;
  return async (filter, ...fields) => {
    const wanted = fields.flatMap((field) => ["-e", field]);
    const checks = ["-o", "vrrp.v3_checksum_as_in_v2:FALSE"];
    const tshark = ["tshark", "-r", file, ...checks, "-Y", filter, "-T", "fields", ...wanted];
    const { stdout, stderr, exitCode } = await host.run(tshark);
    if (exitCode !== 0) throw new Error(stderr);
    return stdout.split("\n").filter((line) => line !== "");
  };
}

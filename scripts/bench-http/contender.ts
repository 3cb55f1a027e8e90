import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProxyPlan } from "../../src/config/node-plan.ts";
import { ProxyDriver } from "../../test/support/proxy-driver.ts";
import type { Place } from "./place.ts";

/** A proxy that is measured, or the server behind all of them. */
export interface Contender {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts nginx with one process for what stands in `http`; several at a time have different names. */
export async function startNginx(place: Place, name: string, port: number, http: string): Promise<Contender> {
  const at = (what: string): string => join(place.folder, `${name.replaceAll(/\W/g, "-")}-${port}.${what}`);
  writeFileSync(
    at("conf"),
    `daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 30000; error_log /dev/null; pid ${at("pid")};
     events { worker_connections 20000; }
     http { client_body_temp_path ${at("body")}; proxy_temp_path ${at("proxy")}; fastcgi_temp_path ${at("f")};
       uwsgi_temp_path ${at("u")}; scgi_temp_path ${at("s")}; keepalive_requests 100000000; http2_max_requests 100000000;
       log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
         '"$http_referer" "$http_user_agent" "$http_x_forwarded_for"';
       ${http} }`,
  );
  return startProgram(name, port, ["nginx", "-c", at("conf")]);
}

/** Starts HAProxy with one thread for these sections. */
export async function startHaproxy(place: Place, port: number, sections: string): Promise<Contender> {
  const path = join(place.folder, `haproxy-${port}.cfg`);
  writeFileSync(
    path,
    `global\n  nbthread 1\n  maxconn 4096\n  tune.ssl.default-dh-param 2048\ndefaults\n  mode http\n  timeout connect 5s\n` +
      `  timeout client 75s\n  timeout server 60s\n  http-reuse always\n${sections}`,
  );
  return startProgram("HAProxy", port, ["haproxy", "-db", "-f", path]);
}

/** Starts a program that listens on a port once it is ready. */
export async function startProgram(
  name: string,
  port: number,
  command: readonly string[],
): Promise<Contender> {
  const subprocess = Bun.spawn([...command], { stdio: ["ignore", "ignore", "ignore"] });
  const stop = async (): Promise<void> => {
    subprocess.kill("SIGTERM");
    await subprocess.exited;
  };
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      (await Bun.connect({ hostname: "127.0.0.1", port, socket: { data: () => undefined } })).end();
      return { name, port, pid: subprocess.pid, stop };
    } catch {
      await Bun.sleep(50);
    }
  }
  await stop();
  throw new Error(`${command.join(" ")} does not listen on port ${port}`);
}

/** Starts a proxy process of ours. */
export async function startOurs(port: number, plan: ProxyPlan): Promise<Contender> {
  const driver = await ProxyDriver.start(
    plan,
    plan.upstreams.flatMap(({ servers }) =>
      servers.flatMap(({ probe }) => (probe === null ? [] : [{ probe, isUp: true, weight: null }])),
    ),
  );
  return {
    name: "edge-ha",
    port,
    pid: driver.pid,
    stop: async () => {
      await driver[Symbol.asyncDispose]();
      if (driver.log() !== "") console.log(`  edge-ha logged: ${driver.log()}`);
    },
  };
}

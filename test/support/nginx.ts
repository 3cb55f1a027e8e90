import { join } from "node:path";
import type { Child, Host } from "./lab.ts";
import { waitFor } from "./lab.ts";

/** Where nginx wants the PROXY protocol, and answers with what it was told. */
export const proxyProtocolPort: number = 8090;

/** Starts nginx as a web server on port 80 of a host; every answer names the host in X-Served-By and its body. */
export async function startNginx(host: Host): Promise<Child> {
  const path = join(host.directory, "nginx.conf");
  await Bun.write(path, configuration(host));
  const child = host.spawn(["nginx", "-p", host.directory, "-c", path, "-e", "stderr"]);
  await waitFor(`nginx on ${host.name} listens`, async () => {
    const { stdout } = await host.run(["ss", "-Hltn", "sport", "=", ":80"]);
    return stdout !== "";
  });
  return child;
}

function configuration(host: Host): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `  ${kind}_temp_path ${host.directory}/nginx-${kind};`,
  );
  return `daemon off;
worker_processes 1;
pid ${host.directory}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
${temporary.join("\n")}
  keepalive_requests 1000000;
  server {
    listen 80 backlog=4096;
    location / {
      add_header X-Served-By ${host.name} always;
      return 200 "${host.name} answers $request_uri\\n";
    }
  }
  server {
    listen ${proxyProtocolPort} proxy_protocol;
    location / {
      return 200 "$proxy_protocol_addr $proxy_protocol_server_addr $proxy_protocol_server_port\\n";
    }
  }
}
`;
}

import { vip } from "./expect-lines.ts";

/** Tables that several tests vary. */
export const web = `[[service]]
name = "web"
vips = ["public"]
port = 80
forward = "dr"
servers = [{ address = "172.16.8.8" }]
`;
export const site = `[[listener]]
name = "http"
address = ":8080"
[[upstream]]
name = "apps"
servers = [{ address = "172.16.8.8:80" }]
[[site]]
hosts = ["*"]
listeners = ["http"]
[[site.route]]
upstream = "apps"
`;
export const vip2: string = vip.replace('"public"', '"inside"').replace("172.16.8.100", "10.16.8.100");

/** Keys of `[[listener]]`, `[[upstream]]` and `[[site]]` that this version does not know yet, with what to use meanwhile. */

const noTls = "terminate TLS elsewhere, or balance the port with a [[service]] meanwhile";

const upstreamServer: Readonly<Record<string, string>> = {
  drain: "write weight = 0, or run edge-ha drain, meanwhile",
  tls: "write tls in the [[upstream]]: it is for all its servers",
};

const route: Readonly<Record<string, string>> = {
  retries: "write retries in the [[upstream]]",
};

/** By the table they stand in. */
export const notBuiltHttp: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  listener: {
    http3: "HTTP/1.1 is spoken meanwhile",
  },
  "upstream.servers": upstreamServer,
  site: {
    tls: noTls,
  },
  "site.route": route,
};

/** Keys of `[[listener]]`, `[[upstream]]` and `[[site]]` that this version does not know yet, with what to use meanwhile. */

const noTls = "terminate TLS elsewhere, or balance the port with a [[service]] meanwhile";

const upstreamServer: Readonly<Record<string, string>> = {
  tls: "write tls in the [[upstream]]: it is for all its servers",
};

/** By the table they stand in. */
export const notBuiltHttp: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  listener: {
    http3:
      "the runtime's HTTP/3 changes paths and cannot take over a socket or a new certificate: write http2 = true instead",
  },
  "upstream.servers": upstreamServer,
  site: {
    tls: noTls,
  },
};

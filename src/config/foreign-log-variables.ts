/** PURE: variables of nginx that there are none of here, and what says the same, or why nothing does. */

const certificate =
  "of a client's certificate there are $ssl_client_s_dn, $ssl_client_serial and $ssl_client_fingerprint";
const offered = "$ssl_protocol and $ssl_cipher tell what was agreed on";
const path = "$uri is the path, $request_uri the path with the arguments";
const proxyHeader =
  "where a listener takes the PROXY protocol, $realip_remote_addr, $realip_remote_port, $server_addr and $server_port are what that says";
const limit =
  "$status tells of a request that was refused: 429 for a rate, 503 for connections, unless another was chosen";
const country = "give the address, $remote_addr, and have it looked up where logs are read";
const times = "$time_iso8601, $time_local and $msec tell the time";
const kernel = "`ss -ti` tells it of open connections";

const instead: Readonly<Record<string, string>> = {
  binary_remote_addr: "write $remote_addr",
  body: "bodies are passed on and not kept; $request_length tells how long one was",
  request_body: "bodies are passed on and not kept; $request_length tells how long one was",
  request_body_file: "bodies are passed on and not kept; $request_length tells how long one was",
  request_completion: "a client that left before its answer was complete has $status 499",
  request_filename: path,
  document_root: path,
  realpath_root: path,
  connection_time: "$connection_requests tells how many requests the connection has carried",
  connections_active: "`edge-ha status` and the metrics count connections",
  connections_reading: "`edge-ha status` and the metrics count connections",
  connections_waiting: "`edge-ha status` and the metrics count connections",
  connections_writing: "`edge-ha status` and the metrics count connections",
  date_gmt: times,
  date_local: times,
  gzip_ratio:
    "write $upstream_response_length beside $body_bytes_sent, for a response before and after its compression",
  limit_conn_status: limit,
  limit_req_status: limit,
  limit_rate: "leave it out",
  nginx_version: "leave it out: `edge-ha version` tells which this is",
  pipe: "leave it out; $connection_requests counts the requests of a connection",
  proxy_port: "$upstream_addr has the port of the server",
  proxy_protocol_addr: proxyHeader,
  proxy_protocol_port: proxyHeader,
  proxy_protocol_server_addr: proxyHeader,
  proxy_protocol_server_port: proxyHeader,
  ssl_ciphers: offered,
  ssl_client_cert: certificate,
  ssl_client_escaped_cert: certificate,
  ssl_client_i_dn: certificate,
  ssl_client_i_dn_legacy: certificate,
  ssl_client_raw_cert: certificate,
  ssl_client_s_dn_legacy: "write $ssl_client_s_dn",
  ssl_client_v_end: certificate,
  ssl_client_v_remain: certificate,
  ssl_client_v_start: certificate,
  ssl_curve: offered,
  ssl_curves: offered,
  ssl_early_data: "leave it out: early data is never taken",
  ssl_session_id: "$ssl_session_reused tells whether one was",
  ssl_sigalg: offered,
};

const insteadByPrefix: readonly (readonly [prefix: string, remedy: string])[] = [
  ["geoip", country],
  ["proxy_protocol_tlv_", proxyHeader],
  ["sent_trailer_", "trailers are passed on and not kept; $sent_http_NAME is a field of the head"],
  ["tcpinfo_", kernel],
  ["upstream_trailer_", "trailers are passed on and not kept; $upstream_http_NAME is a field of the head"],
  ["upstream_cache_", "$upstream_cache_status is the one there is"],
];

/** Gives what to write in place of a variable of nginx that there is none of; null if it is not known what is meant. */
export function insteadOfVariable(name: string): string | null {
  if (Object.hasOwn(instead, name)) return instead[name] ?? null;
  return insteadByPrefix.find(([prefix]) => name.startsWith(prefix))?.[1] ?? null;
}

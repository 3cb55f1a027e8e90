/**
 * keepalived's and nginx's words, with what says the same here, and our own where they do not belong: hints for unknown keys,
 * by the table they stand in.
 */

const auth = 'write auth = { type = "pass", password = "…" }';
const peers = 'write peers = "unicast", or in a [[vrrp]] peers = ["192.0.2.11"]';
/** A program for one state. */
function notifyAt(state: string): string {
  return `write notify = { ${state} = "/usr/local/bin/became-${state}" } in the [[vip]], [[vrrp]] or [[sync_group]]`;
}

/** What follows a thing, and who goes by it. */
function tracked(subject: string): string {
  return `write a [[track]] with ${subject}, and its name in track`;
}

const garpDelay = 'write garp = { repeat_delay = "5s" }, with a unit';
const garpRepeat = "write garp = { burst = 5 }";
const garpRefresh = 'write garp = { refresh = "60s" }, with a unit';
const garpRefreshRepeat = "write garp = { refresh_count = 1 }, beside refresh";
const garpInterval = 'write garp = { interval = "1ms" }, with a unit';
const afterLosing = "leave it out: an address is announced again after a rival was heard, as garp says";
const byItself = "leave it out: it is always so";

/** How a taken address is announced. */
const announcing: Readonly<Record<string, string>> = {
  garp_master_delay: garpDelay,
  garp_master_repeat: garpRepeat,
  garp_master_refresh: garpRefresh,
  garp_master_refresh_repeat: garpRefreshRepeat,
  garp_lower_prio_delay: afterLosing,
  garp_lower_prio_repeat: afterLosing,
  garp_interval: garpInterval,
  gna_interval: garpInterval,
  garp_extra_if: "leave it out: an address is announced where it lives",
  vmac_garp_intvl: garpRefresh,
  vrrp_garp_master_delay: garpDelay,
  vrrp_garp_master_repeat: garpRepeat,
  vrrp_garp_master_refresh: garpRefresh,
  vrrp_garp_master_refresh_repeat: garpRefreshRepeat,
  vrrp_garp_lower_prio_delay: afterLosing,
  vrrp_garp_lower_prio_repeat: afterLosing,
  vrrp_garp_interval: garpInterval,
  vrrp_gna_interval: garpInterval,
};

const router: Readonly<Record<string, string>> = {
  ...announcing,
  state: "leave it out: prefer (or priority) decides who is active",
  nopreempt: "write preempt = false",
  virtual_router_id: "write vrid",
  advert_int: 'write advert_interval, with a unit, as in "1s"',
  auth_type: auth,
  auth_pass: auth,
  authentication: auth,
  auth_hmac: 'write auth = { type = "hmac", keys = { 1 = "hex:…" } }',
  virtual_ipaddress: "write address (and addresses for further ones)",
  virtual_ipaddress_excluded: "write extra_addresses",
  virtual_routes: "write routes",
  virtual_rules: "write rules",
  promote_secondaries: "leave it out: it is always seen to",
  mcast_src_ip: "write source in a [[vrrp]], or leave it out: the node's own address is taken",
  unicast_src_ip: "write source in a [[vrrp]], or leave it out: the node's own address is taken",
  unicast_peer: peers,
  check_unicast_src: "write check_source",
  mcast_dst_ip: "write group, or group6",
  vrrp_mcast_group4: "write group",
  vrrp_mcast_group6: "write group6",
  native_ipv6: "leave it out: the family is that of the address",
  v3_checksum_as_v2: 'write checksum = "message-only"',
  track_script: tracked("script"),
  track_process: tracked("process"),
  track_bfd: tracked("bfd"),
  track_interface: tracked("interface"),
  interface_up_down_delays: "write up_delay and down_delay in a [[track]] with interface",
  dont_track_primary: "leave it out: a router without its interface can claim nothing",
  track_src_ip: "leave it out: a router without its own address can claim nothing",
  linkbeat_use_polling: "leave it out: the kernel tells when a carrier is lost",
  linkbeat_interfaces: "leave it out: the kernel tells when a carrier is lost",
  vrrp_strict: "write strict = true",
  strict_mode: "write strict = true",
  no_accept: "write accept = false",
  skip_check_adv_addr: "write skip_check_addresses = true",
  vrrp_skip_check_adv_addr: "write skip_check_addresses = true",
  down_timer_adverts: "write down_after",
  vrrp_startup_delay: 'write startup_delay, with a unit, as in "30s"',
  use_vmac: "write virtual_mac = true",
  use_vmac_addr: "leave it out: with virtual_mac the router's own addresses live on its interface",
  vmac_xmit_base: "leave it out: with virtual_mac advertisements leave from the virtual MAC (RFC 9568 §7.3)",
  use_ipvlan: "write virtual_mac = true, or leave it out",
  lower_prio_no_advert:
    "leave it out: a rival that is outranked is answered at once, as RFC 9568 §6.4.3 says",
  higher_prio_send_advert:
    "leave it out: an outranked router says a last word by itself, so that the winner announces",
  owner_ignore_adverts:
    "leave it out: the address owner (priority 255) gives way to nobody of lower priority",
  unicast_fault_no_peer: "leave it out: the nodes of the file are the peers",
  old_unicast_checksum: "leave it out: both forms of the checksum are accepted",
  kernel_rx_buf_size: "leave it out: what cannot be read in a flood is sorted by the kernel",
  timer_expired_backup: "leave it out: a router that was late listens before it claims",
  thread_timer_expired: "leave it out: a router that was late listens before it claims",
  debug: "leave it out: `edge-ha watch` shows what is on the wire",
  vrrp_version: "write version in a [[vrrp]], or vrrp_version in [cluster]",
  script_user: "write user in the [[track]], in [notify] or in notify",
  enable_script_security: byItself,
  vrrp_rt_priority: byItself,
  vrrp_no_swap: byItself,
  dynamic_interfaces: "leave it out: interfaces may come and go",
  global_tracking:
    "leave it out: a [[track]] concerns every router unless its vips, or a router's track, says otherwise",
  notify_priority_changes: "leave it out: priorities are in the log and in `edge-ha status`",
  notify_master_rx_lower_pri: "leave it out: a rival is in the log and in `edge-ha status` as a split brain",
  notify_deleted: notifyAt("stop"),
  smtp_alert: "leave it out: mail is not built yet in this version; let a notify script send it",
  router_id: "leave it out: the node's name takes its place",
  notification_email: "leave it out: mail is not built yet in this version; let a notify script send it",
  notify:
    "write [notify], which is told of every router and group, or notify in one [[vip]], [[vrrp]] or [[sync_group]]",
  notify_master: notifyAt("master"),
  notify_backup: notifyAt("backup"),
  notify_fault: notifyAt("fault"),
  notify_stop: notifyAt("stop"),
  track_file: tracked("file"),
  lvs_sync_daemon_interface: "write [sync_daemon] with interface",
};

const track: Readonly<Record<string, string>> = {
  param_match: "write arguments, with the words that must stand one after the other",
  full_command: 'write process with a slash, as in "/usr/sbin/haproxy", and arguments',
  quorum: "write at_least",
  quorum_max: "leave it out: at_least is the lower limit, and there is no upper one",
  delay: "write up_delay and down_delay",
  fork_delay: "write up_delay",
  terminate_delay: "write down_delay",
  dev: "write interface",
  init_fail: "leave it out: nothing counts before the first result, and the first one counts by itself",
  init_file: "leave it out: no file counts as 0",
  bfd_instance: "write bfd, with the name of a [[bfd]]",
  neighbor_ip: "write a [[bfd]] with peer, and bfd with its name here",
  track_interface: "write interface",
};

const fifoScript = "write fifo in [notify], and start its reader as a service of its own";

const oneHop = "leave it out: sessions go one hop (RFC 5881), with a TTL of 255 on both ends";

const bfd: Readonly<Record<string, string>> = {
  neighbor_ip: "write peer",
  source_ip: "write source, or leave it out: the node's own address in the peer's network is taken",
  min_tx: 'write interval, with a unit, as in "100ms"',
  min_rx: 'write min_receive, with a unit, as in "100ms"',
  idle_tx: "leave it out: a session that is not up sends once a second (RFC 5880)",
  weight: "write a [[track]] with bfd and weight",
  passive: "leave it out: both ends begin to send",
  ttl: oneHop,
  hoplimit: oneHop,
  max_hops: oneHop,
  multihop: oneHop,
};

const check: Readonly<Record<string, string>> = {
  delay_loop: "write interval",
  connect_timeout: "write timeout",
  connect_port: "write port",
  nb_get_retry: "write retries",
  retry: "write retries",
  delay_before_retry: "write retry_delay",
  status_code: "write status",
  virtualhost: "write host",
  url: "write path and status",
  connect_ip: "write connect_address",
  bindto: "write source",
  bind_if: "write source, with the address that the interface has",
  bind_port: "leave it out: the kernel chooses the port",
  warmup: "leave it out: checks are spread by themselves, and jitter says how far",
  fast_recovery: "write fast_interval",
  regex: "write body_match",
  regex_no_match: "write body_match with what the right page has",
  regex_options: "write (?i) in front of body_match to ignore case",
  http_protocol: 'write http_version = "1.0" or "1.1"',
  enable_sni: "leave it out: the name in host is asked for, or write sni",
  sni_name: "write sni",
  helo_name: "write helo",
  misc_path: 'write type = "script" and script',
  misc_timeout: "write timeout",
  misc_dynamic: "write dynamic_weight",
  require_reply: "write expect",
  min_reply_length: "write expect with as many bytes",
  max_reply_length: "leave it out: expect is how the reply begins",
  track_file: 'write type = "file" and path',
  log_all_failures: "leave it out: `edge-ha status` shows the last result",
  alpha: "leave it out: a server counts as up until its first check, which is made at once",
  uri: "write path",
  inter: "write interval",
  fastinter: "write fast_interval",
  "agent-port": "write port",
  "agent-send": "write send",
};

const toldOfServers =
  "write quorum_up and quorum_down, or services = true in [notify], which is told of every service and server";

const service: Readonly<Record<string, string>> = {
  lb_algo: "write scheduler",
  lvs_sched: "write scheduler",
  lb_kind: "write forward",
  lvs_method: "write forward",
  mark: "write fwmark",
  persistence_granularity: "write persistence_mask",
  ops: "write one_packet = true",
  "sh-port": 'write scheduler_flags = ["port"]',
  "sh-fallback": 'write scheduler_flags = ["fallback"]',
  "mh-port": 'write scheduler_flags = ["port"]',
  "mh-fallback": 'write scheduler_flags = ["fallback"]',
  "flag-1": 'write scheduler_flags = ["fallback"]',
  "flag-2": 'write scheduler_flags = ["port"]',
  uthreshold: "write upper_threshold in the server",
  lthreshold: "write lower_threshold in the server",
  persistence_timeout: 'write persistence, with a unit, as in "50s"',
  TCP_CHECK: 'write check = { type = "tcp" }',
  HTTP_GET: 'write check = { type = "http" }',
  SSL_GET: 'write check = { type = "https" }',
  MISC_CHECK: 'write check = { type = "script" }',
  DNS_CHECK: 'write check = { type = "dns" }',
  SMTP_CHECK: 'write check = { type = "smtp" }',
  PING_CHECK: 'write check = { type = "ping" }',
  UDP_CHECK: 'write check = { type = "udp" }',
  FILE_CHECK: 'write check = { type = "file" }',
  sorry_server: 'write sorry = "192.0.2.9:80"',
  real_server: "write servers = [{ address = … }]",
  nat_mask: "leave it out: keepalived ignores it too",
  delay_loop: "write interval in the check",
  notify: toldOfServers,
  notify_up: toldOfServers,
  notify_down: toldOfServers,
  // Its sync daemon takes an id, an interface and a group, and asks nothing of a service.
  sync: "leave it out: the kernel tells the others of the connections of all services or of none; write [sync_daemon] for all",
};

const syncDaemon: Readonly<Record<string, string>> = {
  inst: "leave it out: every node tells and hears at the same time",
  instance: "leave it out: every node tells and hears at the same time",
  state: "leave it out: every node tells and hears at the same time",
  syncid: "write id",
  mcast_interface: "write interface",
  maxlen: "write max_length",
  sync_maxlen: "write max_length",
  mcast_group: "write group",
  mcast_port: "write port",
  mcast_ttl: "write ttl",
};

const timeouts = 'write tcp_timeout, tcp_fin_timeout and udp_timeout in [ipvs], with a unit, as in "15m"';
const flushed = "leave it out: what is this node's is removed on a stop, and what is not stays";

/** Of `global_defs`, which some write at the top and some in `[cluster]`. */
const directors: Readonly<Record<string, string>> = {
  lvs_sync_daemon: "write [sync_daemon]",
  lvs_timeouts: timeouts,
  lvs_flush: flushed,
  lvs_flush_on_stop: flushed,
};

const ipvs: Readonly<Record<string, string>> = {
  lvs_timeouts: timeouts,
  tcp: 'write tcp_timeout, with a unit, as in "15m"',
  tcpfin: 'write tcp_fin_timeout, with a unit, as in "2m"',
  tcp_fin: 'write tcp_fin_timeout, with a unit, as in "2m"',
  udp: 'write udp_timeout, with a unit, as in "5m"',
};

const site: Readonly<Record<string, string>> = {
  server_name: "write hosts",
  listen: "write listeners, with the names of [[listener]] tables",
  location: "write [[site.route]] with a path",
  client_max_body_size: "write max_body",
  proxy_pass: "write upstream in a [[site.route]], with the name of an [[upstream]]",
  proxy_connect_timeout: "write timeouts = { connect = … } in the [[site.route]]",
  proxy_send_timeout: "write timeouts = { send = … } in the [[site.route]]",
  proxy_read_timeout: "write timeouts = { read = … } in the [[site.route]]",
  add_header: "write response_headers = { add = … } in the [[site.route]]",
  proxy_set_header: "leave it out: X-Real-IP and X-Forwarded-* are always set",
};

const tlsInListener =
  "write it in the [[listener]]: of its certificates each client gets the one for the name it asks for";

const byPlace: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "": {
    global_defs: "write [cluster]",
    vrrp_instance: "write [[vip]], or [[vrrp]] to spell it out",
    vrrp_sync_group: "write [[sync_group]]",
    vrrp_script: "write [[track]]",
    vrrp_track_file: "write [[track]] with file",
    track_file: "write [[track]] with file",
    vrrp_track_process: "write [[track]] with process",
    bfd_instance: "write [[bfd]], and a [[track]] with bfd for what follows from it",
    track_group: "write track in each [[vip]] or [[vrrp]], or vips in the [[track]]",
    vrrp_notify_fifo: "write fifo in [notify]",
    notify_fifo: "write fifo in [notify]",
    lvs_notify_fifo: "write fifo and services = true in [notify]",
    vrrp_notify_fifo_script: fifoScript,
    notify_fifo_script: fifoScript,
    virtual_server: "write [[service]]",
    virtual_server_group: "write [[address_group]], and its name in address_groups of a [[service]]",
    real_servers: "write [[server_group]], and its name in server_groups of a [[service]]",
    ...directors,
    cache: "write cache = true in the [[site]] or [[site.route]], and cache_memory in [proxy]",
    rate_limit: "write it in the [[site]] or [[site.route]]",
    connection_limit: "write it in the [[site]] or [[site.route]]",
    server: "write [[site]], and its servers in an [[upstream]]",
  },
  cluster: { ...router, ...directors },
  vip: router,
  vrrp: router,
  sync_daemon: syncDaemon,
  ipvs,
  sync_group: {
    ...router,
    group: "write vips, with the names of its members",
    sync_group_tracking_weight: "leave it out: what burdens one member burdens all",
  },
  track,
  bfd,
  service,
  "service.servers": { notify_up: toldOfServers, notify_down: toldOfServers, notify: toldOfServers },
  "service.check": { ...check, slow_start: "write slow_start in the [[service]]" },
  "service.servers.check": { ...check, slow_start: "write slow_start in the server" },
  "upstream.check": { ...check, slow_start: "write slow_start in the [[upstream]]" },
  "upstream.servers.check": { ...check, slow_start: "write slow_start in the server" },
  "upstream.servers": { tls: "write it in the [[upstream]]: it is for all its servers" },
  proxy: { worker_processes: "write workers" },
  site: { ...site, tls: tlsInListener },
  "site.route": { ...site, tls: tlsInListener },
  "site.route.retries": { budget: "write it in the [[upstream]]: it is one for all that leads there" },
};

/** Gives the hint for a key that means something in keepalived or nginx, or elsewhere here; null if it does not. `place` is the table without indices. */
export function foreignWord(place: string, key: string): string | null {
  const words = byPlace[place];
  return words !== undefined && Object.hasOwn(words, key) ? (words[key] ?? null) : null;
}

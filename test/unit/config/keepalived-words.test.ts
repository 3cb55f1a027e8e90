import { expect, test } from "bun:test";
import { foreignWord } from "../../../src/config/foreign-words.ts";
import { notBuilt } from "../../../src/config/not-built.ts";
import { vrrpSchema } from "../../../src/config/schema/vrrp.ts";

/** What keepalived takes in a vrrp_instance (vrrp_parser.c). */
const instanceWords =
  `track_interface track_script track_file track_process track_bfd notify_backup notify_master notify_fault
notify_stop notify smtp_alert notify_priority_changes garp_interval gna_interval interface linkbeat_use_polling use_vmac
use_vmac_addr vmac_xmit_base use_ipvlan unicast_peer unicast_fault_no_peer check_unicast_src old_unicast_checksum native_ipv6
state dont_track_primary mcast_src_ip unicast_src_ip mcast_dst_ip track_src_ip virtual_router_id unicast_ttl version priority
advert_int virtual_ipaddress virtual_ipaddress_excluded promote_secondaries v3_checksum_as_v2 virtual_routes virtual_rules
accept no_accept skip_check_adv_addr strict_mode preempt nopreempt preempt_delay debug notify_deleted
notify_master_rx_lower_pri lvs_sync_daemon_interface garp_master_delay garp_master_refresh garp_master_repeat
garp_master_refresh_repeat garp_lower_prio_delay garp_lower_prio_repeat down_timer_adverts timer_expired_backup
thread_timer_expired garp_extra_if vmac_garp_intvl lower_prio_no_advert higher_prio_send_advert owner_ignore_adverts
kernel_rx_buf_size authentication auth_type auth_pass auth_hmac`.split(/\s+/);

const groupWords =
  `group track_interface track_script track_file track_process track_bfd notify_backup notify_master
notify_fault notify_stop notify smtp_alert global_tracking sync_group_tracking_weight notify_priority_changes`.split(
    /\s+/,
  );

function ownKeys(): readonly string[] {
  const issues = vrrpSchema.safeParse({ _: 1 }).error?.issues ?? [];
  return issues.find(({ code }) => code === "unrecognized_keys")?.message.split(" ") ?? [];
}

test("every word of a vrrp_instance is a key here, or is answered with what to write", () => {
  const own = ownKeys();
  expect(own).toContain("advert_interval");
  const isAnswered = (word: string): boolean => own.includes(word) || foreignWord("vrrp", word) !== null;
  expect(instanceWords.filter((word) => !isAnswered(word))).toEqual([]);
});

test("so is every word of a vrrp_sync_group", () => {
  const unanswered = groupWords.filter((word) => foreignWord("sync_group", word) === null);
  // One that is answered although it is a key is never asked for.
  expect(unanswered).toEqual([]);
});

test("no key that works is said to be not built", () => {
  expect(ownKeys().filter((key) => notBuilt("vrrp", key) !== null)).toEqual([]);
});

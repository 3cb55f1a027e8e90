/* The table of exported functions. */
#include "addon.h"

struct entry {
	const char *name;
	napi_callback function;
};

static const struct entry entries[] = {
	{ "open", edge_open },
	{ "bind", edge_bind },
	{ "connect", edge_connect },
	{ "listen", edge_listen },
	{ "setOption", edge_set_option },
	{ "attachFilter", edge_attach_filter },
	{ "getOption", edge_get_option },
	{ "send", edge_send },
	{ "sendDescriptor", edge_send_descriptor },
	{ "receive", edge_receive },
	{ "watch", edge_watch },
	{ "unwatch", edge_unwatch },
	{ "getName", edge_get_name },
	{ "close", edge_close },
	{ "createTimer", edge_create_timer },
	{ "setTimer", edge_set_timer },
	{ "readTimer", edge_read_timer },
	{ "monotonicMs", edge_monotonic_ms },
	{ "setScheduler", edge_set_scheduler },
	{ "setResourceLimit", edge_set_resource_limit },
	{ "lockMemory", edge_lock_memory },
	{ "openProcess", edge_open_process },
	{ "takeOver", edge_take_over },
	{ "execute", edge_execute },
	{ "reap", edge_reap },
	{ "createMemory", edge_create_memory },
	{ "createPoll", edge_create_poll },
	{ "controlPoll", edge_control_poll },
	{ "readPoll", edge_read_poll },
	{ "startConnect", edge_start_connect },
	{ "read", edge_read },
	{ "openStreams", edge_open_streams },
	{ "armStreams", edge_arm_streams },
	{ "askStreams", edge_ask_streams },
	{ "lendStreams", edge_lend_streams },
	{ "turn", edge_turn },
	{ "listenStream", edge_listen_stream },
	{ "connectStream", edge_connect_stream },
	{ "writeStream", edge_write_stream },
	{ "writeStreams", edge_write_streams },
	{ "pauseStream", edge_pause_stream },
	{ "isQuietStream", edge_is_quiet_stream },
	{ "unheardStream", edge_unheard_stream },
	{ "acknowledgedStream", edge_acknowledged_stream },
	{ "acknowledgedSocket", edge_acknowledged_socket },
	{ "shutStream", edge_shut_stream },
	{ "closeStream", edge_close_stream },
	{ "nameStream", edge_name_stream },
};

NAPI_MODULE_INIT()
{
	if (!watcher_install(env))
		return NULL;
	for (size_t index = 0; index < sizeof entries / sizeof entries[0]; index++) {
		napi_value function = NULL;
		if (napi_create_function(env, entries[index].name, NAPI_AUTO_LENGTH, entries[index].function, NULL,
					 &function) != napi_ok
		    || !set_field(env, exports, entries[index].name, function))
			return NULL;
	}
	return exports;
}

/*
 * The boundary between TypeScript and the system: every function takes and gives bytes and numbers, makes one
 * system call, and throws an Error with `call` and `code` when it fails. What the bytes mean is known in
 * TypeScript only, but for where the lines of a head end (heads.h). No libuv: waiting is done by threads of our own
 * (watch.c, and stream-thread.c for streams.h).
 */
#ifndef EDGE_HA_ADDON_H
#define EDGE_HA_ADDON_H

#include <node_api.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A byte string that belongs to JavaScript: valid until the native function returns. */
struct bytes {
	uint8_t *data;
	size_t length;
};

struct watcher;

/* arguments.c: every reader throws a TypeError or RangeError and returns false when the argument is unfit. */
bool read_arguments(napi_env env, napi_callback_info info, size_t wanted, napi_value *out);
/* Throws what readers throw, for an argument that should be something else; false. */
bool refuse(napi_env env, bool is_range, const char *name, const char *wanted);
bool read_integer(napi_env env, napi_value value, const char *name, int64_t least, int64_t most, int64_t *out);
bool read_int(napi_env env, napi_value value, const char *name, int *out);
bool read_descriptor(napi_env env, napi_value value, int *out);
bool read_bytes(napi_env env, napi_value value, const char *name, struct bytes *out);
bool read_optional_bytes(napi_env env, napi_value value, const char *name, struct bytes *out);
bool read_address(napi_env env, napi_value value, bool allows_null, struct bytes *out);

/* results.c: these return NULL with an exception pending when the runtime refuses. */
napi_value throw_errno(napi_env env, const char *call, int number);
napi_value make_int(napi_env env, int64_t number);
napi_value make_double(napi_env env, double number);
napi_value make_bytes(napi_env env, const void *data, size_t length);
napi_value make_null(napi_env env);
napi_value make_undefined(napi_env env);
bool set_field(napi_env env, napi_value object, const char *name, napi_value value);

/* thread.c: starts a thread that no signal interrupts; 0, or why not. */
int start_thread(pthread_t *thread, const char *name, void *(*run)(void *), void *argument);

/* socket.c, message.c, timer.c, process.c, succession.c: the exported functions. */
napi_value edge_open(napi_env env, napi_callback_info info);
napi_value edge_bind(napi_env env, napi_callback_info info);
napi_value edge_connect(napi_env env, napi_callback_info info);
napi_value edge_listen(napi_env env, napi_callback_info info);
napi_value edge_set_option(napi_env env, napi_callback_info info);
napi_value edge_attach_filter(napi_env env, napi_callback_info info);
napi_value edge_get_option(napi_env env, napi_callback_info info);
napi_value edge_get_name(napi_env env, napi_callback_info info);
napi_value edge_close(napi_env env, napi_callback_info info);
napi_value edge_send(napi_env env, napi_callback_info info);
napi_value edge_send_descriptor(napi_env env, napi_callback_info info);
napi_value edge_receive(napi_env env, napi_callback_info info);
napi_value edge_create_timer(napi_env env, napi_callback_info info);
napi_value edge_set_timer(napi_env env, napi_callback_info info);
napi_value edge_read_timer(napi_env env, napi_callback_info info);
napi_value edge_monotonic_ms(napi_env env, napi_callback_info info);
napi_value edge_set_scheduler(napi_env env, napi_callback_info info);
napi_value edge_set_resource_limit(napi_env env, napi_callback_info info);
napi_value edge_lock_memory(napi_env env, napi_callback_info info);
napi_value edge_open_process(napi_env env, napi_callback_info info);

/* succession.c */
napi_value edge_take_over(napi_env env, napi_callback_info info);
napi_value edge_execute(napi_env env, napi_callback_info info);
napi_value edge_reap(napi_env env, napi_callback_info info);

/* memory.c */
napi_value edge_create_memory(napi_env env, napi_callback_info info);

/* poll.c */
napi_value edge_create_poll(napi_env env, napi_callback_info info);
napi_value edge_control_poll(napi_env env, napi_callback_info info);
napi_value edge_read_poll(napi_env env, napi_callback_info info);
napi_value edge_start_connect(napi_env env, napi_callback_info info);
napi_value edge_read(napi_env env, napi_callback_info info);

/* stream-thread.c, stream-memory.c, stream-turn.c, stream-calls.c, stream-writes.c */
napi_value edge_open_streams(napi_env env, napi_callback_info info);
napi_value edge_ask_streams(napi_env env, napi_callback_info info);
napi_value edge_arm_streams(napi_env env, napi_callback_info info);
napi_value edge_lend_streams(napi_env env, napi_callback_info info);
napi_value edge_turn(napi_env env, napi_callback_info info);
napi_value edge_listen_stream(napi_env env, napi_callback_info info);
napi_value edge_connect_stream(napi_env env, napi_callback_info info);
napi_value edge_write_stream(napi_env env, napi_callback_info info);
napi_value edge_write_streams(napi_env env, napi_callback_info info);
napi_value edge_pause_stream(napi_env env, napi_callback_info info);
napi_value edge_is_quiet_stream(napi_env env, napi_callback_info info);
napi_value edge_unheard_stream(napi_env env, napi_callback_info info);
napi_value edge_acknowledged_stream(napi_env env, napi_callback_info info);
napi_value edge_acknowledged_socket(napi_env env, napi_callback_info info);
napi_value edge_shut_stream(napi_env env, napi_callback_info info);
napi_value edge_close_stream(napi_env env, napi_callback_info info);
napi_value edge_name_stream(napi_env env, napi_callback_info info);

/* watch.c */
napi_value edge_watch(napi_env env, napi_callback_info info);
napi_value edge_unwatch(napi_env env, napi_callback_info info);
bool watcher_install(napi_env env);
void watcher_forget(napi_env env, int fd);

#endif

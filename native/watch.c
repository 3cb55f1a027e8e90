/*
 * Waiting for descriptors. Bun has no libuv loop to hand them to, so one thread waits in epoll and wakes
 * JavaScript through a threadsafe function.
 *
 *   epoll thread:      epoll_wait ──► queue the watch's token ──► epoll_wait …
 *   JavaScript thread: token ──► callback ──► arm the descriptor again
 *
 * Each descriptor is armed once (EPOLLONESHOT) and again only after its callback has run: it is level-triggered
 * as the callback sees it, but the queue never holds more than one token for each watch and the thread does not
 * spin while JavaScript is busy. The thread touches nothing but the epoll descriptor: the table of watches belongs to
 * the JavaScript thread, and a token whose watch has ended meanwhile is recognised by its generation.
 */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { WATCH_LIMIT = 1024, EVENT_BATCH = 32 };

/* Token of the descriptor that ends the thread; generations start at 1, so that no watch has it. */
static const uint64_t stop_token = 0;

struct watch {
	int fd; /* -1 if the place is free */
	uint32_t generation;
	napi_ref callback;
};

struct watcher {
	napi_env env;
	bool is_running;
	int epoll_fd;
	int stop_fd;
	pthread_t thread;
	napi_threadsafe_function wake;
	size_t count;
	struct watch watches[WATCH_LIMIT];
};

static uint64_t token_of(const struct watcher *self, const struct watch *watch)
{
	return ((uint64_t)watch->generation << 32) | (uint64_t)(watch - self->watches);
}

static struct watch *find(struct watcher *self, int fd)
{
	for (size_t index = 0; index < WATCH_LIMIT; index++)
		if (self->watches[index].fd == fd)
			return &self->watches[index];
	return NULL;
}

/* A thread started by a realtime one begins as a normal one (SCHED_RESET_ON_FORK): take the same policy again. */
static void follow_scheduler(void)
{
	struct sched_param parameters;
	int policy = sched_getscheduler(getpid());
	if (policy > 0 && sched_getparam(getpid(), &parameters) == 0)
		(void)sched_setscheduler(0, policy, &parameters);
}

static void *wait_for_events(void *argument)
{
	const struct watcher *self = argument;
	struct epoll_event events[EVENT_BATCH];
	follow_scheduler();
	for (;;) {
		int count = epoll_wait(self->epoll_fd, events, EVENT_BATCH, -1);
		if (count < 0 && errno != EINTR)
			return NULL;
		for (int index = 0; index < count; index++) {
			uint64_t token = events[index].data.u64;
			if (token == stop_token)
				return NULL;
			if (napi_call_threadsafe_function(self->wake, (void *)(uintptr_t)token,
							  napi_tsfn_nonblocking) != napi_ok)
				return NULL;
		}
	}
}

static bool arm(struct watcher *self, struct watch *watch, int operation)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data = { .u64 = token_of(self, watch) } };
	return epoll_ctl(self->epoll_fd, operation, watch->fd, &event) == 0;
}

static void call_callback(napi_env env, struct watch *watch)
{
	napi_value callback = NULL;
	napi_value receiver = NULL;
	napi_value error = NULL;
	bool has_thrown = false;
	if (napi_get_reference_value(env, watch->callback, &callback) != napi_ok || callback == NULL
	    || napi_get_undefined(env, &receiver) != napi_ok)
		return;
	(void)napi_call_function(env, receiver, callback, 0, NULL, NULL);
	if (napi_is_exception_pending(env, &has_thrown) == napi_ok && has_thrown
	    && napi_get_and_clear_last_exception(env, &error) == napi_ok)
		(void)napi_fatal_exception(env, error);
}

/* Runs on the JavaScript thread for each token; `env` is NULL while the runtime is being torn down. */
static void deliver(napi_env env, napi_value unused, void *context, void *data)
{
	struct watcher *self = context;
	uint64_t token = (uint64_t)(uintptr_t)data;
	size_t index = (size_t)(token & UINT32_MAX);
	napi_handle_scope scope = NULL;
	(void)unused;
	if (env == NULL || index >= WATCH_LIMIT)
		return;
	struct watch *watch = &self->watches[index];
	if (watch->fd < 0 || token_of(self, watch) != token)
		return;
	if (napi_open_handle_scope(env, &scope) != napi_ok)
		return;
	call_callback(env, watch);
	(void)napi_close_handle_scope(env, scope);
	/* The callback may have ended this watch, and even begun another in its place. */
	if (watch->fd >= 0 && token_of(self, watch) == token)
		(void)arm(self, watch, EPOLL_CTL_MOD);
}

/* Ends the thread; what it queued already is dropped with the threadsafe function. */
static void stop(void *argument)
{
	struct watcher *self = argument;
	const uint64_t one = 1;
	if (self->is_running) {
		if (write(self->stop_fd, &one, sizeof one) == (ssize_t)sizeof one)
			(void)pthread_join(self->thread, NULL);
		(void)napi_release_threadsafe_function(self->wake, napi_tsfn_abort);
		(void)close(self->epoll_fd);
		(void)close(self->stop_fd);
	}
	/* A call that still comes, from a finalizer say, must not find what is freed. */
	(void)napi_set_instance_data(self->env, NULL, NULL, NULL);
	free(self);
}

static bool open_descriptors(struct watcher *self)
{
	struct epoll_event event = { .events = EPOLLIN, .data = { .u64 = stop_token } };
	self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	self->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return self->epoll_fd >= 0 && self->stop_fd >= 0
	    && epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, self->stop_fd, &event) == 0;
}

static void close_descriptors(struct watcher *self)
{
	if (self->epoll_fd >= 0)
		(void)close(self->epoll_fd);
	if (self->stop_fd >= 0)
		(void)close(self->stop_fd);
}

/* Starts the thread at the first watch: a process that watches nothing has none. */
static bool start(napi_env env, struct watcher *self)
{
	napi_value name = NULL;
	if (!open_descriptors(self)) {
		int number = errno;
		close_descriptors(self);
		(void)throw_errno(env, "epoll_create1", number);
		return false;
	}
	if (napi_create_string_utf8(env, "edge-ha-watch", NAPI_AUTO_LENGTH, &name) != napi_ok
	    || napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, NULL, NULL, self, deliver,
					       &self->wake) != napi_ok) {
		close_descriptors(self);
		(void)napi_throw_error(env, NULL, "the runtime refused a threadsafe function");
		return false;
	}
	int failure = start_thread(&self->thread, "edge-ha-watch", wait_for_events, self);
	if (failure != 0) {
		(void)napi_release_threadsafe_function(self->wake, napi_tsfn_abort);
		close_descriptors(self);
		(void)throw_errno(env, "pthread_create", failure);
		return false;
	}
	self->is_running = true;
	return true;
}

static struct watcher *watcher_of(napi_env env)
{
	void *self = NULL;
	return napi_get_instance_data(env, &self) == napi_ok ? self : NULL;
}

/* Prepares an environment for watches; the thread starts with the first one. */
bool watcher_install(napi_env env)
{
	struct watcher *self = calloc(1, sizeof *self);
	if (self == NULL)
		return false;
	self->env = env;
	for (size_t index = 0; index < WATCH_LIMIT; index++)
		self->watches[index].fd = -1;
	if (napi_set_instance_data(env, self, NULL, NULL) != napi_ok
	    || napi_add_env_cleanup_hook(env, stop, self) != napi_ok) {
		free(self);
		return false;
	}
	return true;
}

static void end(napi_env env, struct watcher *self, struct watch *watch)
{
	(void)epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	(void)napi_delete_reference(env, watch->callback);
	watch->callback = NULL;
	watch->fd = -1;
	self->count--;
	/* Only a process with watches is kept alive by them. */
	if (self->count == 0)
		(void)napi_unref_threadsafe_function(env, self->wake);
}

/* Ends the watch on a descriptor, if there is one. */
void watcher_forget(napi_env env, int fd)
{
	struct watcher *self = watcher_of(env);
	struct watch *watch = self == NULL ? NULL : find(self, fd);
	if (watch != NULL)
		end(env, self, watch);
}

/* watch(descriptor, callback): calls back whenever it is readable, until unwatch or close. */
napi_value edge_watch(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	int fd = -1;
	napi_valuetype type = napi_undefined;
	struct watcher *self = watcher_of(env);
	if (!read_arguments(env, info, 2, arguments) || !read_descriptor(env, arguments[0], &fd))
		return NULL;
	if (self == NULL) {
		(void)napi_throw_error(env, NULL, "the runtime is being torn down");
		return NULL;
	}
	if (napi_typeof(env, arguments[1], &type) != napi_ok || type != napi_function) {
		(void)napi_throw_type_error(env, NULL, "callback must be a function");
		return NULL;
	}
	if (find(self, fd) != NULL)
		return throw_errno(env, "epoll_ctl", EEXIST);
	struct watch *watch = find(self, -1);
	if (watch == NULL)
		return throw_errno(env, "epoll_ctl", ENOSPC);
	if (!self->is_running && !start(env, self))
		return NULL;
	watch->generation = watch->generation == UINT32_MAX ? 1 : watch->generation + 1;
	watch->fd = fd;
	if (!arm(self, watch, EPOLL_CTL_ADD)) {
		watch->fd = -1;
		return throw_errno(env, "epoll_ctl", errno);
	}
	if (napi_create_reference(env, arguments[1], 1, &watch->callback) != napi_ok) {
		(void)epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		watch->fd = -1;
		return NULL;
	}
	if (self->count++ == 0)
		(void)napi_ref_threadsafe_function(env, self->wake);
	return make_undefined(env);
}

/* unwatch(descriptor): no further callback, also not for what is queued already; nothing if it is not watched. */
napi_value edge_unwatch(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	int fd = -1;
	if (!read_arguments(env, info, 1, arguments) || !read_descriptor(env, arguments[0], &fd))
		return NULL;
	watcher_forget(env, fd);
	return make_undefined(env);
}

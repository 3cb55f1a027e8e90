/* The beginning and the end of streams, and the thread that waits while JavaScript has nothing to do. */
#define _GNU_SOURCE
#include "streams.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A worker of the runtime has its own, on its own thread: nothing is shared. */
static _Thread_local struct streams *own_or_null = NULL;

static void *wait_for_set(void *argument)
{
	const struct streams *self = argument;
	struct epoll_event event;
	for (;;) {
		int count = epoll_wait(self->armed_fd, &event, 1, -1);
		if (count < 0 && errno != EINTR)
			return NULL;
		if (count < 1)
			continue;
		if (event.data.u32 == 0)
			return NULL;
		if (napi_call_threadsafe_function(self->wake, NULL, napi_tsfn_nonblocking) != napi_ok)
			return NULL;
	}
}

struct streams *own_streams(void)
{
	return own_or_null;
}

/* Closes what is open, and frees all. */
static void discard(struct streams *self)
{
	const int sets[] = { self->epoll_fd, self->armed_fd, self->stop_fd };
	if (self->wake != NULL)
		(void)napi_release_threadsafe_function(self->wake, napi_tsfn_abort);
	streams_return(self);
	for (uint32_t slot = 0; slot < self->size; slot++)
		if (self->all[slot].kind != KIND_FREE && self->all[slot].kind != KIND_RUNTIME)
			(void)close(self->all[slot].fd);
	for (size_t index = 0; index < sizeof sets / sizeof sets[0]; index++)
		if (sets[index] >= 0)
			(void)close(sets[index]);
	free(self->all);
	free(self);
}

/* Ends the thread, and then all: a call that still comes, from a finalizer say, finds no streams. */
static void stop(void *argument)
{
	struct streams *self = argument;
	const uint64_t one = 1;
	if (write(self->stop_fd, &one, sizeof one) == (ssize_t)sizeof one)
		(void)pthread_join(self->thread, NULL);
	if (own_or_null == self)
		own_or_null = NULL;
	discard(self);
}

static bool open_sets(struct streams *self)
{
	struct epoll_event stopping = { .events = EPOLLIN, .data = { .u32 = 0 } };
	struct epoll_event set = { .events = 0, .data = { .u32 = 1 } };
	self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	self->armed_fd = epoll_create1(EPOLL_CLOEXEC);
	self->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return self->epoll_fd >= 0 && self->armed_fd >= 0 && self->stop_fd >= 0
	    && epoll_ctl(self->armed_fd, EPOLL_CTL_ADD, self->stop_fd, &stopping) == 0
	    && epoll_ctl(self->armed_fd, EPOLL_CTL_ADD, self->epoll_fd, &set) == 0;
}

/* Makes what streams need but the thread: NULL, or the call that failed, with errno. */
static const char *prepare(struct streams *self, napi_value callback, int runtime_fd)
{
	napi_env env = self->env;
	napi_value name = NULL;
	if (!open_sets(self) || !streams_grow(self))
		return "epoll_create1";
	errno = ENOMEM;
	if (napi_create_string_utf8(env, "edge-ha-streams", NAPI_AUTO_LENGTH, &name) != napi_ok
	    || napi_create_threadsafe_function(env, callback, NULL, name, 0, 1, NULL, NULL, self, NULL, &self->wake)
		   != napi_ok)
		return "stream";
	/* It keeps the process alive while there are streams. */
	(void)napi_unref_threadsafe_function(env, self->wake);
	if (runtime_fd >= 0)
		self->runtime_slot = stream_take(self, runtime_fd, KIND_RUNTIME, 0);
	return runtime_fd >= 0 && self->runtime_slot == NO_STREAM ? "epoll_ctl" : NULL;
}

/* openStreams(callback, the runtime's own set or -1, names of fields with a line feed behind each): begins; once in a thread. */
napi_value edge_open_streams(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	napi_valuetype type = napi_undefined;
	struct bytes names;
	int runtime_fd = -1;
	if (!read_arguments(env, info, 3, arguments) || !read_int(env, arguments[1], "descriptor", &runtime_fd)
	    || !read_bytes(env, arguments[2], "names", &names))
		return NULL;
	if (napi_typeof(env, arguments[0], &type) != napi_ok || type != napi_function) {
		(void)napi_throw_type_error(env, NULL, "callback must be a function");
		return NULL;
	}
	if (own_or_null != NULL)
		return throw_errno(env, "stream", EALREADY);
	struct streams *self = calloc(1, sizeof *self);
	if (self == NULL)
		return throw_errno(env, "stream", ENOMEM);
	*self = (struct streams){ .env = env, .epoll_fd = -1, .armed_fd = -1, .stop_fd = -1 };
	self->first_free = NO_STREAM;
	self->runtime_slot = NO_STREAM;
	if (!read_field_names(&self->names, names.data, names.length)) {
		free(self);
		(void)napi_throw_range_error(env, NULL, "names must be in lower case, with a line feed behind each");
		return NULL;
	}
	const char *call = prepare(self, arguments[0], runtime_fd);
	int failure = call == NULL ? start_thread(&self->thread, "edge-ha-streams", wait_for_set, self) : errno;
	if (failure != 0) {
		discard(self);
		return throw_errno(env, call == NULL ? "pthread_create" : call, failure);
	}
	own_or_null = self;
	if (napi_add_env_cleanup_hook(env, stop, self) != napi_ok) {
		stop(self);
		return throw_errno(env, "stream", ENOMEM);
	}
	return make_undefined(env);
}

/* armStreams(): the callback of `openStreams` is called once when something happens. */
napi_value edge_arm_streams(napi_env env, napi_callback_info info)
{
	struct streams *self = own_streams();
	(void)info;
	if (self == NULL)
		return throw_errno(env, "stream", EBADF);
	/* Else the thread would wake for each thing that the runtime is about to see to by itself. */
	streams_hear_runtime(self, false);
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data = { .u32 = 1 } };
	if (epoll_ctl(self->armed_fd, EPOLL_CTL_MOD, self->epoll_fd, &event) < 0)
		return throw_errno(env, "epoll_ctl", errno);
	return make_undefined(env);
}

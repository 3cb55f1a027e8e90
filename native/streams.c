/* The places of streams, and what the set is told of each. */
#define _GNU_SOURCE
#include "streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_STREAMS = 1024 };

bool streams_grow(struct streams *self)
{
	uint32_t size = self->size == 0 ? FIRST_STREAMS : 2 * self->size;
	if (size > STREAM_LIMIT)
		return false;
	struct stream *all = realloc(self->all, size * sizeof *all);
	if (all == NULL)
		return false;
	memset(all + self->size, 0, (size - self->size) * sizeof *all);
	for (uint32_t slot = self->size; slot < size; slot++) {
		all[slot].fd = -1;
		all[slot].generation = 1;
		all[slot].next_free = slot + 1 < size ? slot + 1 : self->first_free;
	}
	self->first_free = self->size;
	self->all = all;
	self->size = size;
	return true;
}

/* What epoll is to tell of a stream. */
static uint32_t wanted(const struct streams *self, const struct stream *stream)
{
	if (stream->kind == KIND_CONNECTING)
		return EPOLLOUT;
	if (stream->kind == KIND_RUNTIME)
		return self->hears_runtime ? EPOLLIN | EPOLLET : 0;
	if (stream->kind == KIND_LISTENER)
		return EPOLLIN;
	return (stream->is_paused || stream->has_ended ? (uint32_t)EPOLLET : STREAM_INPUT)
	    | (stream->wants_room ? EPOLLOUT : 0);
}

static uint64_t token_of(const struct streams *self, const struct stream *stream)
{
	return ((uint64_t)stream->generation << 32) | (uint64_t)(stream - self->all);
}

static bool control(struct streams *self, struct stream *stream, int operation, uint32_t events)
{
	struct epoll_event event = { .events = events, .data = { .u64 = token_of(self, stream) } };
	stream->events = events;
	return epoll_ctl(self->epoll_fd, operation, stream->fd, &event) == 0;
}

/*
 * The set has no room for a stream: the system's limit of watches, or of memory. A listener is asked again like one without descriptors;
 * of a connection nothing would ever be heard. Only a turn tells of either.
 */
static void be_deaf(struct streams *self, struct stream *stream, int failure)
{
	if (stream->kind == KIND_LISTENER) {
		self->has_stalled = true;
	} else {
		if (stream->failure == 0)
			stream->failure = failure;
		stream->is_deaf = true;
		self->has_deaf = true;
	}
	(void)napi_call_threadsafe_function(self->wake, NULL, napi_tsfn_nonblocking);
}

void stream_settle(struct streams *self, struct stream *stream)
{
	uint32_t events = wanted(self, stream);
	if (stream->is_lost || stream->is_deaf)
		return;
	if (!stream->is_in_set) {
		stream->is_in_set = control(self, stream, EPOLL_CTL_ADD, events);
		if (!stream->is_in_set)
			be_deaf(self, stream, errno);
	} else if (events != stream->events) {
		(void)control(self, stream, EPOLL_CTL_MOD, events);
	}
}

void stream_hear_again(struct streams *self, struct stream *stream)
{
	if (stream->is_in_set)
		(void)control(self, stream, EPOLL_CTL_MOD, stream->events);
}

uint32_t stream_take(struct streams *self, int fd, enum kind kind, uint32_t events)
{
	if (self->first_free == NO_STREAM && !streams_grow(self)) {
		errno = ENOMEM;
		return NO_STREAM;
	}
	uint32_t slot = self->first_free;
	struct stream *stream = &self->all[slot];
	uint32_t generation = stream->generation;
	uint32_t next_free = stream->next_free;
	*stream = (struct stream){ .fd = fd, .generation = generation, .kind = (uint8_t)kind, .is_in_set = true };
	if (!control(self, stream, EPOLL_CTL_ADD, events)) {
		*stream = (struct stream){ .fd = -1, .generation = generation, .next_free = next_free };
		return NO_STREAM;
	}
	self->first_free = next_free;
	/* Only a process with streams is kept alive by them. */
	if (kind != KIND_RUNTIME && self->count++ == 0)
		(void)napi_ref_threadsafe_function(self->env, self->wake);
	return slot;
}

void stream_leave_set(struct streams *self, struct stream *stream)
{
	if (stream->is_in_set)
		(void)epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, stream->fd, NULL);
	stream->is_in_set = false;
}

bool stream_is_connected(const struct stream *stream)
{
	return stream->kind == KIND_CLIENT || stream->kind == KIND_SERVER;
}

int stream_give_back(struct streams *self, struct stream *stream)
{
	int fd = stream->fd;
	/* The supervisor may have it open too: then closing it here does not take it out of the set. */
	stream_leave_set(self, stream);
	uint32_t generation = stream->generation == INT32_MAX ? 1 : stream->generation + 1;
	*stream = (struct stream){ .fd = -1, .generation = generation, .next_free = self->first_free };
	self->first_free = (uint32_t)(stream - self->all);
	if (--self->count == 0)
		(void)napi_unref_threadsafe_function(self->env, self->wake);
	return fd;
}

struct stream *read_stream(napi_env env, const napi_value *arguments)
{
	struct streams *self = own_streams();
	uint32_t slot = 0;
	uint32_t generation = 0;
	if (napi_get_value_uint32(env, arguments[0], &slot) != napi_ok
	    || napi_get_value_uint32(env, arguments[1], &generation) != napi_ok) {
		(void)napi_throw_type_error(env, NULL, "a stream is a place and a generation");
		return NULL;
	}
	if (self == NULL || slot >= self->size || self->all[slot].generation != generation
	    || self->all[slot].kind == KIND_FREE || self->all[slot].kind == KIND_RUNTIME) {
		(void)throw_errno(env, "stream", EBADF);
		return NULL;
	}
	return &self->all[slot];
}

struct stream *read_connected(napi_env env, const napi_value *arguments)
{
	struct stream *stream = read_stream(env, arguments);
	if (stream == NULL || stream_is_connected(stream))
		return stream;
	(void)throw_errno(env, "stream", ENOTCONN);
	return NULL;
}

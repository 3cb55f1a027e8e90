/*
 * Streams: many connected TCP sockets and the listening sockets they come from, in one epoll set. One call of `turn` waits, accepts and
 * reads for all of them, into memory of JavaScript's own, and tells what happened in a table of numbers: nothing is called back,
 * allocated or copied for each read.
 *
 * A stream is named by its place in the table and its generation, so that what was meant for one that is closed never reaches
 * another. While JavaScript has nothing to do, a thread waits for the set and wakes the runtime's loop once.
 */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	STREAM_LIMIT = 1 << 18,
	FIRST_STREAMS = 1024,
	EVENT_BATCH = 256,
	ACCEPT_BATCH = 32,
	STACK_SIZE = 128 * 1024,
	/* Numbers in front of the table, and in each of its rows. */
	CLIENT_WORDS = 0,
	SERVER_WORDS = 4,
	ROW_COUNT_WORD = 8,
	STATE_WORD = 9,
	HEADER_WORDS = 10,
	ROW_WORDS = 6,
	/* Numbers in a row of what is to be written. */
	WRITE_WORDS = 4,
	/* The least room that is read into. */
	LEAST_ROOM = 16 * 1024,
	/* Behind a longer read what comes next goes elsewhere: then the whole place is free again at once. */
	LONG_READ = 4096,
	LONGEST_WAIT_MS = 1000,
	/* What the fourth number of the header tells. */
	RUNTIME_HAS_NEWS = 1,
	HAS_STALLED = 2,
};

/* What a stream is; clients' and servers' bytes go to different memory. */
enum kind { KIND_FREE, KIND_LISTENER, KIND_CLIENT, KIND_SERVER, KIND_CONNECTING, KIND_RUNTIME };

/* What has happened to one. */
enum news { NEWS_DATA = 1, NEWS_END, NEWS_CLOSED, NEWS_WRITABLE, NEWS_ACCEPTED, NEWS_CONNECTED, NEWS_REFUSED };

struct stream {
	int fd;
	uint32_t generation;
	uint32_t next_free;
	uint32_t events; /* as epoll has them */
	uint8_t kind;
	bool is_paused;
	bool wants_room;
	bool has_ended;
	bool is_in_set;
	/* What a write failed with: the kernel tells that once, and of a reset that was told so reading finds an orderly end. */
	int failure;
};

/* Where bytes of one kind of streams go in this turn: first into one part of a memory, then into another. */
struct part {
	size_t used;
	size_t end;
	bool is_over;
};

struct area {
	uint8_t *data;
	struct part parts[2];
};

struct streams {
	napi_env env;
	int epoll_fd;
	int armed_fd; /* the thread's own set: has epoll_fd, armed for one time */
	int stop_fd;
	pthread_t thread;
	bool is_running;
	napi_threadsafe_function wake;
	struct stream *all;
	uint32_t size;
	uint32_t first_free;
	uint32_t count; /* of places in use but the runtime's */
	/* A listener had no descriptor for whoever waits; JavaScript asks it again a little later (`askStreams`). */
	bool has_stalled;
	/* The place of the runtime's own set, and whether this set is told of it: not while the runtime waits itself. */
	uint32_t runtime_slot;
	bool hears_runtime;
	/*
	 * What the set has told and there was no room for yet. It is seen to before the set is asked again, which would tell of the same ones
	 * first, and the rest would never have their turn.
	 */
	struct epoll_event events[EVENT_BATCH];
	int next_event;
	int event_count;
};

static struct streams *self_or_null = NULL;
static const uint32_t no_stream = UINT32_MAX;

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

static void stop(void *argument)
{
	struct streams *self = argument;
	const uint64_t one = 1;
	if (write(self->stop_fd, &one, sizeof one) == (ssize_t)sizeof one)
		(void)pthread_join(self->thread, NULL);
	(void)napi_release_threadsafe_function(self->wake, napi_tsfn_abort);
	for (uint32_t slot = 0; slot < self->size; slot++)
		if (self->all[slot].kind != KIND_FREE && self->all[slot].kind != KIND_RUNTIME)
			(void)close(self->all[slot].fd);
	(void)close(self->epoll_fd);
	(void)close(self->armed_fd);
	(void)close(self->stop_fd);
	self_or_null = NULL;
	free(self->all);
	free(self);
}

static bool grow(struct streams *self)
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
static uint32_t wanted(const struct stream *stream)
{
	if (stream->kind == KIND_CONNECTING)
		return EPOLLOUT;
	return (stream->is_paused || stream->has_ended ? 0 : EPOLLIN) | (stream->wants_room ? EPOLLOUT : 0);
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

static void settle(struct streams *self, struct stream *stream)
{
	uint32_t events = wanted(stream);
	if (!stream->is_in_set) {
		stream->is_in_set = control(self, stream, EPOLL_CTL_ADD, events);
	} else if (events != stream->events) {
		(void)control(self, stream, EPOLL_CTL_MOD, events);
	}
}

/* Gives a descriptor a place; no_stream with errno if there is none. */
static uint32_t take(struct streams *self, int fd, enum kind kind, uint32_t events)
{
	if (self->first_free == no_stream && !grow(self)) {
		errno = ENOMEM;
		return no_stream;
	}
	uint32_t slot = self->first_free;
	struct stream *stream = &self->all[slot];
	uint32_t generation = stream->generation;
	uint32_t next_free = stream->next_free;
	*stream = (struct stream){ .fd = fd, .generation = generation, .kind = (uint8_t)kind, .is_in_set = true };
	if (!control(self, stream, EPOLL_CTL_ADD, events)) {
		*stream = (struct stream){ .fd = -1, .generation = generation, .next_free = next_free };
		return no_stream;
	}
	self->first_free = next_free;
	/* Only a process with streams is kept alive by them. */
	if (kind != KIND_RUNTIME && self->count++ == 0)
		(void)napi_ref_threadsafe_function(self->env, self->wake);
	return slot;
}

/* Lets go of a place; the descriptor is closed by the caller. */
static int give_back(struct streams *self, struct stream *stream)
{
	int fd = stream->fd;
	/* The supervisor may have it open too: then closing it here does not take it out of the set. */
	if (stream->is_in_set)
		(void)epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	uint32_t generation = stream->generation == INT32_MAX ? 1 : stream->generation + 1;
	*stream = (struct stream){ .fd = -1, .generation = generation, .next_free = self->first_free };
	self->first_free = (uint32_t)(stream - self->all);
	if (--self->count == 0)
		(void)napi_unref_threadsafe_function(self->env, self->wake);
	return fd;
}

/* Reads a stream's name: place and generation. Throws and gives NULL for one that is not there. */
static struct stream *read_stream(napi_env env, const napi_value *arguments)
{
	struct streams *self = self_or_null;
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

struct table {
	int32_t *words;
	uint32_t rows;
	uint32_t count;
};

static void tell(struct table *table, const struct streams *self, const struct stream *stream, enum news news,
		 int32_t offset, int32_t length)
{
	int32_t *row = table->words + HEADER_WORDS + (size_t)table->count * ROW_WORDS;
	row[0] = (int32_t)(stream - self->all);
	row[1] = (int32_t)stream->generation;
	row[2] = (int32_t)news;
	row[3] = stream->kind == KIND_SERVER ? 1 : 0; /* of one that was accepted, its listener's generation */
	row[4] = offset;
	row[5] = length;
	table->count++;
}

static bool has_row(const struct table *table, uint32_t count)
{
	return table->count + count <= table->rows;
}

/* The part that has room for so much, or NULL. */
static struct part *part_with(struct area *area, size_t room)
{
	for (size_t index = 0; index < 2; index++) {
		struct part *part = &area->parts[index];
		if (!part->is_over && part->end - part->used >= room)
			return part;
	}
	return NULL;
}

/* Accepts who waits; each row has the peer's address in the clients' area. False if there was room for no more. */
static void accept_all(struct streams *self, uint32_t slot, struct area *area, struct table *table)
{
	for (int count = 0; count < ACCEPT_BATCH; count++) {
		const size_t room = sizeof(struct sockaddr_in6);
		struct part *part = part_with(area, room + 4);
		if (!has_row(table, 1) || part == NULL)
			return;
		struct sockaddr_storage peer;
		socklen_t length = sizeof peer;
		int fd = accept4(self->all[slot].fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			if (errno == EAGAIN || errno == EWOULDBLOCK)
				return;
			/* Nobody can be taken now: the set would tell of who waits again and again. */
			self->has_stalled = true;
			(void)control(self, &self->all[slot], EPOLL_CTL_MOD, 0);
			return;
		}
		const int one = 1;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		uint32_t place = take(self, fd, KIND_CLIENT, EPOLLIN);
		if (place == no_stream) {
			(void)close(fd);
			return;
		}
		size_t kept = length < room ? length : room;
		memcpy(area->data + part->used, &peer, kept);
		tell(table, self, &self->all[place], NEWS_ACCEPTED, (int32_t)part->used, (int32_t)slot);
		table->words[HEADER_WORDS + (size_t)(table->count - 1) * ROW_WORDS + 3] =
		    (int32_t)self->all[slot].generation;
		part->used += room + 4; /* a multiple of eight */
	}
}

/* False if there was no room to read into. */
static bool read_one(struct streams *self, struct stream *stream, struct area *area, struct table *table)
{
	struct part *part = part_with(area, LEAST_ROOM);
	if (part == NULL)
		return false;
	ssize_t length = recv(stream->fd, area->data + part->used, part->end - part->used, 0);
	if (length > 0) {
		tell(table, self, stream, NEWS_DATA, (int32_t)part->used, (int32_t)length);
		/* An end is a multiple of eight. */
		part->used += ((size_t)length + 7) & ~(size_t)7;
		part->is_over = length > LONG_READ;
	} else if (length == 0 && stream->failure != 0) {
		tell(table, self, stream, NEWS_CLOSED, 0, stream->failure);
	} else if (length == 0) {
		stream->has_ended = true;
		settle(self, stream);
		tell(table, self, stream, NEWS_END, 0, 0);
	} else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
		tell(table, self, stream, NEWS_CLOSED, 0, errno);
	}
	return true;
}

/* False if there was no room for what has happened: it is to be seen to again. */
static bool see_to(struct streams *self, const struct epoll_event *event, struct area *areas, struct table *table)
{
	uint32_t slot = (uint32_t)event->data.u64;
	if (slot >= self->size || self->all[slot].generation != (uint32_t)(event->data.u64 >> 32))
		return true;
	struct stream *stream = &self->all[slot];
	if (stream->kind == KIND_LISTENER) {
		accept_all(self, slot, &areas[0], table);
		return true;
	}
	if (stream->kind == KIND_RUNTIME) {
		table->words[STATE_WORD] |= RUNTIME_HAS_NEWS;
		return true;
	}
	if (stream->kind == KIND_CONNECTING) {
		int failure = 0;
		socklen_t length = sizeof failure;
		if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &failure, &length) < 0)
			failure = errno;
		if (failure == 0) {
			stream->kind = KIND_SERVER;
			settle(self, stream);
		}
		tell(table, self, stream, failure == 0 ? NEWS_CONNECTED : NEWS_REFUSED, 0, failure);
		return true;
	}
	const bool is_gone = (event->events & (EPOLLERR | EPOLLHUP)) != 0;
	if ((event->events & EPOLLOUT) != 0 && stream->wants_room && !is_gone) {
		stream->wants_room = false;
		settle(self, stream);
		tell(table, self, stream, NEWS_WRITABLE, 0, 0);
	}
	if ((event->events & EPOLLIN) != 0 && !stream->is_paused && !stream->has_ended) {
		return read_one(self, stream, &areas[stream->kind == KIND_SERVER ? 1 : 0], table);
	}
	if (!is_gone)
		return true;
	int failure = 0;
	socklen_t length = sizeof failure;
	if ((event->events & EPOLLERR) != 0)
		(void)getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &failure, &length);
	if (failure == 0)
		failure = stream->failure;
	if (failure == 0 && stream->is_paused && !stream->has_ended) {
		/* What it has sent is read when somebody wants it; the set cannot be told to be silent about the end. */
		(void)epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, stream->fd, NULL);
		stream->is_in_set = false;
		return true;
	}
	tell(table, self, stream, NEWS_CLOSED, 0, failure);
	return true;
}

static bool read_area(napi_env env, napi_value array, const int32_t *words, struct area *out)
{
	struct bytes bytes;
	if (!read_bytes(env, array, "memory", &bytes))
		return false;
	out->data = bytes.data;
	for (size_t index = 0; index < 2; index++) {
		const int32_t used = words[2 * index];
		const int32_t end = words[2 * index + 1];
		if (used < 0 || end < used || end % 8 != 0 || (size_t)end > bytes.length) {
			(void)napi_throw_range_error(env, NULL, "what is read into must lie in the memory");
			return false;
		}
		out->parts[index] = (struct part){ .used = (size_t)used, .end = (size_t)end };
	}
	return true;
}

static void write_area(const struct area *area, int32_t *words)
{
	words[0] = (int32_t)area->parts[0].used;
	words[2] = (int32_t)area->parts[1].used;
}

static bool read_table(napi_env env, napi_value value, struct table *out)
{
	napi_typedarray_type type = napi_int8_array;
	void *data = NULL;
	size_t length = 0;
	if (napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL) != napi_ok
	    || type != napi_int32_array || data == NULL || length < HEADER_WORDS + 2 * ROW_WORDS) {
		(void)napi_throw_type_error(env, NULL, "table must be an Int32Array with room for rows");
		return false;
	}
	*out = (struct table){ .words = data, .rows = (uint32_t)((length - HEADER_WORDS) / ROW_WORDS), .count = 0 };
	return true;
}

static void hear_runtime(struct streams *self, bool hears)
{
	if (self->hears_runtime == hears || self->runtime_slot == no_stream)
		return;
	self->hears_runtime = hears;
	(void)control(self, &self->all[self->runtime_slot], EPOLL_CTL_MOD, hears ? EPOLLIN | EPOLLET : 0);
}

/* askStreams(): listeners that could take nobody are asked again. */
napi_value edge_ask_streams(napi_env env, napi_callback_info info)
{
	struct streams *self = self_or_null;
	(void)info;
	for (uint32_t slot = 0; self != NULL && slot < self->size; slot++)
		if (self->all[slot].kind == KIND_LISTENER && self->all[slot].events == 0)
			(void)control(self, &self->all[slot], EPOLL_CTL_MOD, EPOLLIN);
	if (self != NULL)
		self->has_stalled = false;
	return make_undefined(env);
}

/*
 * turn(table, clients' memory, servers' memory, wait in ms): how many descriptors had news. In front of the rows stand two parts of either
 * memory, each with how far it is used and its end, the number of rows, and a state.
 */
napi_value edge_turn(napi_env env, napi_callback_info info)
{
	napi_value arguments[4];
	struct streams *self = self_or_null;
	struct table table;
	struct area areas[2];
	int64_t wait_ms = 0;
	if (!read_arguments(env, info, 4, arguments) || !read_table(env, arguments[0], &table)
	    || !read_area(env, arguments[1], table.words + CLIENT_WORDS, &areas[0])
	    || !read_area(env, arguments[2], table.words + SERVER_WORDS, &areas[1])
	    || !read_integer(env, arguments[3], "wait", 0, LONGEST_WAIT_MS, &wait_ms))
		return NULL;
	if (self == NULL)
		return throw_errno(env, "stream", EBADF);
	table.words[STATE_WORD] = 0;
	hear_runtime(self, true);
	if (self->next_event == self->event_count) {
		self->next_event = 0;
		self->event_count = epoll_wait(self->epoll_fd, self->events, EVENT_BATCH, (int)wait_ms);
		if (self->event_count < 0) {
			self->event_count = 0;
			if (errno != EINTR)
				return throw_errno(env, "epoll_wait", errno);
		}
	}
	const int first = self->next_event;
	/* Each may have two rows. */
	while (self->next_event < self->event_count && has_row(&table, 2)
	       && see_to(self, &self->events[self->next_event], areas, &table))
		self->next_event++;
	if (self->has_stalled)
		table.words[STATE_WORD] |= HAS_STALLED;
	table.words[ROW_COUNT_WORD] = (int32_t)table.count;
	write_area(&areas[0], table.words + CLIENT_WORDS);
	write_area(&areas[1], table.words + SERVER_WORDS);
	return make_int(env, self->event_count - first);
}

/* armStreams(): the callback of `openStreams` is called once when something happens. */
napi_value edge_arm_streams(napi_env env, napi_callback_info info)
{
	struct streams *self = self_or_null;
	(void)info;
	if (self == NULL)
		return throw_errno(env, "stream", EBADF);
	/* Else the thread would wake for each thing that the runtime is about to see to by itself. */
	hear_runtime(self, false);
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data = { .u32 = 1 } };
	if (epoll_ctl(self->armed_fd, EPOLL_CTL_MOD, self->epoll_fd, &event) < 0)
		return throw_errno(env, "epoll_ctl", errno);
	return make_undefined(env);
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

static int start_thread(struct streams *self)
{
	pthread_attr_t attributes;
	sigset_t all;
	sigset_t before;
	int failure = pthread_attr_init(&attributes);
	if (failure != 0)
		return failure;
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failure = pthread_create(&self->thread, &attributes, wait_for_set, self);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	if (failure == 0)
		(void)pthread_setname_np(self->thread, "edge-ha-streams");
	return failure;
}

/* openStreams(callback, the runtime's own set or -1): begins; once in a process. */
napi_value edge_open_streams(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	napi_value name = NULL;
	int runtime_fd = -1;
	if (!read_arguments(env, info, 2, arguments) || !read_int(env, arguments[1], "descriptor", &runtime_fd))
		return NULL;
	if (self_or_null != NULL)
		return throw_errno(env, "stream", EALREADY);
	struct streams *self = calloc(1, sizeof *self);
	if (self == NULL)
		return throw_errno(env, "stream", ENOMEM);
	self->env = env;
	self->first_free = no_stream;
	if (!open_sets(self) || !grow(self))
		return throw_errno(env, "epoll_create1", errno);
	if (napi_create_string_utf8(env, "edge-ha-streams", NAPI_AUTO_LENGTH, &name) != napi_ok
	    || napi_create_threadsafe_function(env, arguments[0], NULL, name, 0, 1, NULL, NULL, self, NULL, &self->wake)
		   != napi_ok)
		return throw_errno(env, "stream", ENOMEM);
	(void)napi_unref_threadsafe_function(env, self->wake);
	self->runtime_slot = runtime_fd < 0 ? no_stream : take(self, runtime_fd, KIND_RUNTIME, 0);
	if (runtime_fd >= 0 && self->runtime_slot == no_stream)
		return throw_errno(env, "epoll_ctl", errno);
	int failure = start_thread(self);
	if (failure != 0)
		return throw_errno(env, "pthread_create", failure);
	self_or_null = self;
	if (napi_add_env_cleanup_hook(env, stop, self) != napi_ok)
		return throw_errno(env, "stream", ENOMEM);
	return make_undefined(env);
}

static napi_value make_name(napi_env env, const struct streams *self, uint32_t slot)
{
	napi_value name = make_double(env, (double)self->all[slot].generation * (double)STREAM_LIMIT + slot);
	return name;
}

/* listenStream(descriptor): accepts on a listening socket, which is the stream's from now on. */
napi_value edge_listen_stream(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	int fd = -1;
	struct streams *self = self_or_null;
	if (!read_arguments(env, info, 1, arguments) || !read_descriptor(env, arguments[0], &fd))
		return NULL;
	if (self == NULL)
		return throw_errno(env, "stream", EBADF);
	uint32_t slot = take(self, fd, KIND_LISTENER, EPOLLIN);
	return slot == no_stream ? throw_errno(env, "epoll_ctl", errno) : make_name(env, self, slot);
}

/* connectStream(address): begins a connection; it is told of when it is there, or will never be. */
napi_value edge_connect_stream(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	struct bytes address;
	struct streams *self = self_or_null;
	if (!read_arguments(env, info, 1, arguments) || !read_address(env, arguments[0], false, &address))
		return NULL;
	if (self == NULL)
		return throw_errno(env, "stream", EBADF);
	sa_family_t family;
	memcpy(&family, address.data, sizeof family);
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return throw_errno(env, "socket", errno);
	const int one = 1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	int result = connect(fd, (const struct sockaddr *)(const void *)address.data, (socklen_t)address.length);
	if (result < 0 && errno != EINPROGRESS) {
		int failure = errno;
		(void)close(fd);
		return throw_errno(env, "connect", failure);
	}
	uint32_t slot = take(self, fd, KIND_CONNECTING, EPOLLOUT);
	if (slot == no_stream) {
		int failure = errno;
		(void)close(fd);
		return throw_errno(env, "epoll_ctl", failure);
	}
	return make_name(env, self, slot);
}

/* One write; how much was taken, or -1 if the stream is lost. */
static ssize_t write_to(struct streams *self, struct stream *stream, const uint8_t *data, size_t length)
{
	ssize_t sent = 0;
	do {
		sent = send(stream->fd, data, length, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0) {
		if (errno != EAGAIN && errno != EWOULDBLOCK) {
			stream->failure = errno;
			return -1;
		}
		sent = 0;
	}
	if ((size_t)sent < length && !stream->wants_room) {
		stream->wants_room = true;
		settle(self, stream);
	}
	return sent;
}

/* writeStream(place, generation, bytes, offset, length): how many bytes were taken, or -1 if it is gone. */
napi_value edge_write_stream(napi_env env, napi_callback_info info)
{
	napi_value arguments[5];
	struct bytes bytes;
	int64_t offset = 0;
	int64_t length = 0;
	if (!read_arguments(env, info, 5, arguments))
		return NULL;
	struct stream *stream = read_stream(env, arguments);
	if (stream == NULL || !read_bytes(env, arguments[2], "bytes", &bytes)
	    || !read_integer(env, arguments[3], "offset", 0, (int64_t)bytes.length, &offset)
	    || !read_integer(env, arguments[4], "length", 0, (int64_t)bytes.length - offset, &length))
		return NULL;
	return make_int(env, write_to(self_or_null, stream, bytes.data + offset, (size_t)length));
}

/* What JavaScript has gathered: rows of a place, a generation, an offset and a length. */
struct gathered {
	int32_t *words;
	size_t rows;
	struct bytes memory;
};

/* Reads it and looks at all bounds, so that nothing is sent if one of them is unfit. */
static bool read_gathered(napi_env env, const napi_value *arguments, struct gathered *out)
{
	napi_typedarray_type type = napi_int8_array;
	void *words = NULL;
	size_t length = 0;
	int64_t rows = 0;
	if (napi_get_typedarray_info(env, arguments[0], &type, &length, &words, NULL, NULL) != napi_ok
	    || type != napi_int32_array) {
		(void)napi_throw_type_error(env, NULL, "rows must be an Int32Array");
		return false;
	}
	if (words == NULL)
		length = 0;
	if (!read_bytes(env, arguments[1], "memory", &out->memory)
	    || !read_integer(env, arguments[2], "count", 0, (int64_t)(length / WRITE_WORDS), &rows))
		return false;
	out->words = words;
	out->rows = (size_t)rows;
	for (size_t index = 0; index < out->rows; index++) {
		const int32_t *row = out->words + index * WRITE_WORDS;
		if (row[2] < 0 || row[3] < 0 || (size_t)row[2] + (size_t)row[3] > out->memory.length) {
			(void)napi_throw_range_error(env, NULL, "what is written must lie in the memory");
			return false;
		}
	}
	return true;
}

/* How much of a row was taken, or -1. Behind what has to wait for room everything waits: bytes keep their order. */
static ssize_t write_row(struct streams *self, const int32_t *row, const uint8_t *memory)
{
	const uint32_t slot = (uint32_t)row[0];
	/* Nobody waits any more for what was meant for one that is closed. */
	if (slot >= self->size || self->all[slot].generation != (uint32_t)row[1] || self->all[slot].kind == KIND_FREE)
		return row[3];
	struct stream *stream = &self->all[slot];
	if (stream->failure != 0 || (stream->kind != KIND_CLIENT && stream->kind != KIND_SERVER))
		return -1;
	return stream->wants_room ? 0 : write_to(self, stream, memory + row[2], (size_t)row[3]);
}

/*
 * writeStreams(rows, memory, how many rows): writes what was gathered in a turn. In each row the length is replaced by what was taken, -1
 * if the stream is lost. Gives how many rows were not taken whole.
 */
napi_value edge_write_streams(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	struct gathered gathered;
	struct streams *self = self_or_null;
	int short_count = 0;
	if (!read_arguments(env, info, 3, arguments) || !read_gathered(env, arguments, &gathered))
		return NULL;
	if (self == NULL)
		return throw_errno(env, "stream", EBADF);
	for (size_t index = 0; index < gathered.rows; index++) {
		int32_t *row = gathered.words + index * WRITE_WORDS;
		const ssize_t taken = write_row(self, row, gathered.memory.data);
		short_count += taken < row[3];
		row[3] = (int32_t)taken;
	}
	return make_int(env, short_count);
}

/* pauseStream(place, generation, whether): reads no more, or goes on. */
napi_value edge_pause_stream(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	bool is_paused = false;
	if (!read_arguments(env, info, 3, arguments))
		return NULL;
	struct stream *stream = read_stream(env, arguments);
	if (stream == NULL)
		return NULL;
	if (napi_get_value_bool(env, arguments[2], &is_paused) != napi_ok) {
		(void)napi_throw_type_error(env, NULL, "whether must be a boolean");
		return NULL;
	}
	stream->is_paused = is_paused;
	settle(self_or_null, stream);
	return make_undefined(env);
}

/* shutStream(place, generation): ends our half. */
napi_value edge_shut_stream(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	if (!read_arguments(env, info, 2, arguments))
		return NULL;
	struct stream *stream = read_stream(env, arguments);
	if (stream == NULL)
		return NULL;
	(void)shutdown(stream->fd, SHUT_WR);
	return make_undefined(env);
}

/* closeStream(place, generation, whether the peer is to see a reset). */
napi_value edge_close_stream(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	bool is_reset = false;
	if (!read_arguments(env, info, 3, arguments))
		return NULL;
	struct stream *stream = read_stream(env, arguments);
	if (stream == NULL)
		return NULL;
	if (napi_get_value_bool(env, arguments[2], &is_reset) != napi_ok) {
		(void)napi_throw_type_error(env, NULL, "whether must be a boolean");
		return NULL;
	}
	bool is_listener = stream->kind == KIND_LISTENER;
	int fd = give_back(self_or_null, stream);
	if (is_reset && !is_listener) {
		const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	}
	(void)close(fd);
	return make_undefined(env);
}

/* nameStream(place, generation, whether the peer's): a socket address. */
napi_value edge_name_stream(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	bool is_peer = false;
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	if (!read_arguments(env, info, 3, arguments))
		return NULL;
	struct stream *stream = read_stream(env, arguments);
	if (stream == NULL || napi_get_value_bool(env, arguments[2], &is_peer) != napi_ok)
		return NULL;
	int result = is_peer ? getpeername(stream->fd, (struct sockaddr *)&address, &length)
			     : getsockname(stream->fd, (struct sockaddr *)&address, &length);
	return result < 0 ? make_null(env) : make_bytes(env, &address, length);
}

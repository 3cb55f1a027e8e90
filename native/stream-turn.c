/* A turn: waits for the set, accepts and reads, and tells what has happened. */
#define _GNU_SOURCE
#include "streams.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ACCEPT_BATCH = 32,
	/* The least room that is read into. */
	LEAST_ROOM = 16 * 1024,
	/* Behind a longer read what comes next goes elsewhere: then the whole place is free again at once. */
	LONG_READ = 4096,
	/* What is read begins at a multiple of this: so there are few places, and JavaScript has a view of each. */
	READ_STEP = 256,
	LONGEST_WAIT_MS = 1000,
	/* What the state tells. */
	RUNTIME_HAS_NEWS = 1,
	HAS_STALLED = 2,
};

/* What has happened to a stream. */
enum news { NEWS_DATA = 1, NEWS_END, NEWS_CLOSED, NEWS_WRITABLE, NEWS_ACCEPTED, NEWS_CONNECTED, NEWS_REFUSED };

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

struct table {
	int32_t *words;
	uint32_t rows;
	uint32_t count;
	/* What is written down of heads, from 1 on. */
	int32_t *heads;
	size_t heads_used;
	size_t heads_end;
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
	row[6] = 0;
	table->count++;
}

/* Writes down the head that begins with what was told of last, if one does. */
static void tell_head(struct table *table, const struct streams *self, struct octets octets)
{
	size_t used = find_head(&self->names, octets,
				(struct head_room){ table->heads + table->heads_used, table->heads_end - table->heads_used });
	if (used == 0)
		return;
	table->words[HEADER_WORDS + (size_t)(table->count - 1) * ROW_WORDS + 6] = (int32_t)table->heads_used;
	table->heads_used += used;
}

static bool has_row(const struct table *table, uint32_t count)
{
	return table->count + count <= table->rows;
}

/* Where the next read begins behind so much. An end of a part is such a place too. */
static size_t step_behind(size_t used)
{
	return (used + READ_STEP - 1) & ~(size_t)(READ_STEP - 1);
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

/* Nobody can be taken now, and the set would tell of who waits again and again. */
static void stall(struct streams *self, struct stream *listener)
{
	self->has_stalled = true;
	stream_leave_set(self, listener);
}

/* Accepts who waits; each row has the peer's address in the clients' area. */
static void accept_all(struct streams *self, uint32_t slot, struct area *area, struct table *table)
{
	for (int count = 0; count < ACCEPT_BATCH; count++) {
		const size_t room = sizeof(struct sockaddr_in6);
		struct part *part = part_with(area, READ_STEP);
		if (!has_row(table, 1) || part == NULL)
			return;
		struct sockaddr_storage peer = { 0 };
		socklen_t length = sizeof peer;
		int fd = accept4(self->all[slot].fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				stall(self, &self->all[slot]);
			return;
		}
		const int one = 1;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		uint32_t place = stream_take(self, fd, KIND_CLIENT, STREAM_INPUT);
		if (place == NO_STREAM) {
			(void)close(fd);
			stall(self, &self->all[slot]);
			return;
		}
		memcpy(area->data + part->used, &peer, room);
		tell(table, self, &self->all[place], NEWS_ACCEPTED, (int32_t)part->used, (int32_t)slot);
		table->words[HEADER_WORDS + (size_t)(table->count - 1) * ROW_WORDS + 3] =
		    (int32_t)self->all[slot].generation;
		part->used = step_behind(part->used + room);
	}
}

/* Tells of an end for good. The set would go on telling of it, whatever it is asked for. */
static void tell_loss(struct table *table, struct streams *self, struct stream *stream, enum news news, int failure)
{
	stream_leave_set(self, stream);
	stream->is_lost = true;
	tell(table, self, stream, news, 0, failure);
}

/* False if there was no room to read into. */
static bool read_one(struct streams *self, struct stream *stream, struct area *area, struct table *table)
{
	struct part *part = part_with(area, LEAST_ROOM);
	if (part == NULL)
		return false;
	const size_t room = part->end - part->used;
	const uint8_t *const data = area->data + part->used;
	ssize_t length = recv(stream->fd, area->data + part->used, room, 0);
	if (length > 0) {
		if ((size_t)length == room)
			stream_hear_again(self, stream);
		tell(table, self, stream, NEWS_DATA, (int32_t)part->used, (int32_t)length);
		tell_head(table, self, (struct octets){ data, data + length });
		part->used = step_behind(part->used + (size_t)length);
		part->is_over = length > LONG_READ;
	} else if (length == 0 && stream->failure != 0) {
		tell_loss(table, self, stream, NEWS_CLOSED, stream->failure);
	} else if (length == 0) {
		stream->has_ended = true;
		stream_settle(self, stream);
		tell(table, self, stream, NEWS_END, 0, 0);
	} else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
		tell_loss(table, self, stream, NEWS_CLOSED, errno);
	}
	return true;
}

static int take_error(const struct stream *stream)
{
	int failure = 0;
	socklen_t length = sizeof failure;
	if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &failure, &length) < 0)
		failure = errno;
	return failure;
}

static void see_to_connecting(struct streams *self, struct stream *stream, struct table *table)
{
	int failure = take_error(stream);
	if (failure != 0) {
		tell_loss(table, self, stream, NEWS_REFUSED, failure);
		return;
	}
	stream->kind = KIND_SERVER;
	stream_settle(self, stream);
	tell(table, self, stream, NEWS_CONNECTED, 0, 0);
}

static bool has_unread(const struct stream *stream)
{
	int length = 0;
	return ioctl(stream->fd, FIONREAD, &length) == 0 && length > 0;
}

/* Both halves have ended, or it was reset, while nobody reads from it: it is paused, or has no more to say. */
static void see_to_loss(struct streams *self, struct stream *stream, uint32_t events, struct table *table)
{
	if (stream->failure == 0 && (events & EPOLLERR) != 0)
		stream->failure = take_error(stream);
	/*
	 * What has come before that is read when somebody wants it; the set cannot be told to be silent about the end. Of a client that has
	 * reset its connection nobody wants it: what is done for it ends at once. A server may have answered first.
	 */
	const bool may_wait = stream->failure == 0 || (stream->kind == KIND_SERVER && has_unread(stream));
	if (!stream->has_ended && may_wait)
		stream_leave_set(self, stream);
	else
		tell_loss(table, self, stream, NEWS_CLOSED, stream->failure);
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
		see_to_connecting(self, stream, table);
		return true;
	}
	const bool is_gone = (event->events & (EPOLLERR | EPOLLHUP)) != 0;
	if ((event->events & EPOLLOUT) != 0 && stream->wants_room && !is_gone) {
		stream->wants_room = false;
		stream_settle(self, stream);
		tell(table, self, stream, NEWS_WRITABLE, 0, 0);
	}
	/* What is to be read tells of an end by itself. The event may be an older one, from when nothing was. */
	if ((is_gone || (event->events & EPOLLIN) != 0) && !stream->is_paused && !stream->has_ended) {
		if (!read_one(self, stream, &areas[stream->kind == KIND_SERVER ? 1 : 0], table))
			return false;
		/* An end or an urgent byte stands behind what was read. */
		if ((event->events & ~(uint32_t)(EPOLLIN | EPOLLOUT)) != 0 && !stream->has_ended)
			stream_hear_again(self, stream);
		return true;
	}
	if (is_gone)
		see_to_loss(self, stream, event->events, table);
	return true;
}

/* Tells of those that the set did not take again; gives how many. */
static int tell_deaf(struct streams *self, struct table *table)
{
	int count = 0;
	for (uint32_t slot = 0; slot < self->size; slot++) {
		struct stream *stream = &self->all[slot];
		if (!stream->is_deaf)
			continue;
		if (!has_row(table, 1))
			return count;
		stream->is_deaf = false;
		tell_loss(table, self, stream, NEWS_CLOSED, stream->failure);
		count++;
	}
	self->has_deaf = false;
	return count;
}

static bool read_area(const struct streams *self, const struct lent *memory, const int32_t *words, struct area *out)
{
	out->data = memory->data;
	for (size_t index = 0; index < 2; index++) {
		const int32_t used = words[2 * index];
		const int32_t end = words[2 * index + 1];
		if (used < 0 || used % READ_STEP != 0 || end < used || end % READ_STEP != 0
		    || (size_t)end > memory->length) {
			(void)napi_throw_range_error(self->env, NULL, "what is read into must lie in the memory");
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

static struct table table_of(const struct streams *self)
{
	const struct lent *table = &self->lent[LENT_TABLE];
	const struct lent *heads = &self->lent[LENT_HEADS];
	return (struct table){
		.words = table->data,
		.rows = (uint32_t)((table->length - HEADER_WORDS) / ROW_WORDS),
		.heads = heads->data,
		.heads_used = heads->length > 0 ? 1 : 0,
		.heads_end = heads->length,
	};
}

void streams_hear_runtime(struct streams *self, bool hears)
{
	if (self->hears_runtime == hears || self->runtime_slot == NO_STREAM)
		return;
	self->hears_runtime = hears;
	stream_settle(self, &self->all[self->runtime_slot]);
}

/* askStreams(): listeners that could take nobody are asked again. */
napi_value edge_ask_streams(napi_env env, napi_callback_info info)
{
	struct streams *self = own_streams();
	(void)info;
	if (self != NULL)
		self->has_stalled = false;
	for (uint32_t slot = 0; self != NULL && slot < self->size; slot++)
		if (self->all[slot].kind == KIND_LISTENER && !self->all[slot].is_in_set)
			stream_settle(self, &self->all[slot]);
	return make_undefined(env);
}

/* Asks the set what has happened, unless there is some left to be seen to; false with an exception. */
static bool wait(struct streams *self, int wait_ms)
{
	if (self->next_event < self->event_count)
		return true;
	self->next_event = 0;
	self->event_count = epoll_wait(self->epoll_fd, self->events, EVENT_BATCH, self->has_deaf ? 0 : wait_ms);
	if (self->event_count >= 0)
		return true;
	self->event_count = 0;
	if (errno == EINTR)
		return true;
	(void)throw_errno(self->env, "epoll_wait", errno);
	return false;
}

/* Sees to what has happened; gives how many descriptors had news. */
static int hand_out(struct streams *self, struct table *table, struct area *areas)
{
	const int deaf_count = self->has_deaf ? tell_deaf(self, table) : 0;
	const int first = self->next_event;
	/* Each may have two rows. */
	while (self->next_event < self->event_count && has_row(table, 2)
	       && see_to(self, &self->events[self->next_event], areas, table))
		self->next_event++;
	return deaf_count + self->event_count - first;
}

/*
 * turn(wait in ms): writes what is gathered, waits, accepts and reads; gives how many descriptors had news. In front of the rows stand two
 * parts of either memory, each with how far it is used and its end, the number of rows, a state, and how many writes are gathered.
 */
napi_value edge_turn(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	struct streams *self = own_streams();
	struct area areas[2];
	int64_t wait_ms = 0;
	if (!read_arguments(env, info, 1, arguments)
	    || !read_integer(env, arguments[0], "wait", 0, LONGEST_WAIT_MS, &wait_ms))
		return NULL;
	if (self == NULL || self->lent[LENT_TABLE].data == NULL)
		return throw_errno(env, "stream", EBADF);
	struct table table = table_of(self);
	if (!read_area(self, &self->lent[LENT_CLIENTS], table.words + CLIENT_WORDS, &areas[0])
	    || !read_area(self, &self->lent[LENT_SERVERS], table.words + SERVER_WORDS, &areas[1])
	    || !streams_write(self))
		return NULL;
	table.words[STATE_WORD] = 0;
	table.words[ROW_COUNT_WORD] = 0;
	streams_hear_runtime(self, true);
	if (!wait(self, (int)wait_ms))
		return NULL;
	const int count = hand_out(self, &table, areas);
	if (self->has_stalled)
		table.words[STATE_WORD] |= HAS_STALLED;
	table.words[ROW_COUNT_WORD] = (int32_t)table.count;
	write_area(&areas[0], table.words + CLIENT_WORDS);
	write_area(&areas[1], table.words + SERVER_WORDS);
	return make_int(env, count);
}

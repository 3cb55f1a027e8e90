/* Writing: to one stream, and what was gathered for many in a turn. */
#define _GNU_SOURCE
#include "streams.h"

#include <errno.h>
#include <sys/socket.h>

enum { WRITE_WORDS = 4 };

/* One write; how much was taken, or -1 if the stream is lost. */
static ssize_t write_to(struct streams *self, struct stream *stream, const uint8_t *data, size_t length)
{
	ssize_t sent = 0;
	do {
		sent = send(stream->fd, data, length, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0) {
		if (errno != EAGAIN && errno != EWOULDBLOCK) {
			/* The first is what really happened to it. */
			if (stream->failure == 0)
				stream->failure = errno;
			/* One that is paused may have been taken out of the set before that. */
			stream_settle(self, stream);
			return -1;
		}
		sent = 0;
	}
	if ((size_t)sent < length && !stream->wants_room) {
		stream->wants_room = true;
		stream_settle(self, stream);
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
	struct stream *stream = read_connected(env, arguments);
	if (stream == NULL)
		return NULL;
	if (!read_bytes(env, arguments[2], "bytes", &bytes)
	    || !read_integer(env, arguments[3], "offset", 0, (int64_t)bytes.length, &offset)
	    || !read_integer(env, arguments[4], "length", 0, (int64_t)bytes.length - offset, &length))
		return NULL;
	return make_int(env, write_to(own_streams(), stream, bytes.data + offset, (size_t)length));
}

/* Whether what JavaScript has gathered is fit: rows of a place, a generation, an offset and a length. */
static bool is_fit(const struct streams *self, int32_t count)
{
	const struct lent *writes = &self->lent[LENT_WRITES];
	const size_t length = self->lent[LENT_GATHERED].length;
	if (count < 0 || (size_t)count > writes->length / WRITE_WORDS)
		return false;
	for (int32_t index = 0; index < count; index++) {
		const int32_t *row = (const int32_t *)writes->data + (size_t)index * WRITE_WORDS;
		if (row[2] < 0 || row[3] < 0 || (size_t)row[2] + (size_t)row[3] > length)
			return false;
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
	if (stream->failure != 0 || !stream_is_connected(stream))
		return -1;
	return stream->wants_room ? 0 : write_to(self, stream, memory + row[2], (size_t)row[3]);
}

/*
 * Writes what was gathered, and says how many rows were not taken whole. In each row the length is replaced by what was taken, -1 if the
 * stream is lost. All bounds are looked at first, so that nothing is sent if one of them is unfit.
 */
bool streams_write(struct streams *self)
{
	int32_t *const words = self->lent[LENT_TABLE].data;
	const int32_t count = words[WRITE_COUNT_WORD];
	if (!is_fit(self, count)) {
		(void)napi_throw_range_error(self->env, NULL, "what is written must lie in the memory");
		return false;
	}
	words[WRITE_COUNT_WORD] = 0;
	words[SHORT_COUNT_WORD] = 0;
	for (int32_t index = 0; index < count; index++) {
		int32_t *row = (int32_t *)self->lent[LENT_WRITES].data + (size_t)index * WRITE_WORDS;
		const ssize_t taken = write_row(self, row, self->lent[LENT_GATHERED].data);
		words[SHORT_COUNT_WORD] += taken < row[3];
		row[3] = (int32_t)taken;
	}
	return true;
}

/* writeStreams(): writes what was gathered now, and not with the next turn. */
napi_value edge_write_streams(napi_env env, napi_callback_info info)
{
	struct streams *self = own_streams();
	(void)info;
	if (self == NULL || self->lent[LENT_TABLE].data == NULL)
		return throw_errno(env, "stream", EBADF);
	return streams_write(self) ? make_undefined(env) : NULL;
}

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
	if (stream->failure != 0 || !stream_is_connected(stream))
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
	struct streams *self = own_streams();
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

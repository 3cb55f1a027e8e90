/*
 * Streams: many connected TCP sockets and the listening sockets they come from, in one epoll set. One call of `turn` waits, accepts and
 * reads for all of them, into memory of JavaScript's own, and tells what happened in a table of numbers: nothing is called back,
 * allocated or copied for each read. src/native/index.ts has what each call takes and gives.
 *
 * A stream is named by its place in the table and its generation, so that what was meant for one that is closed never reaches
 * another. While JavaScript has nothing to do, a thread waits for the set and wakes the runtime's loop once.
 *
 *     streams.c         the places, and what the set is told of each
 *     stream-thread.c   the beginning and the end, and who waits while JavaScript has nothing to do
 *     stream-memory.c   the memory that turns read into, write from and tell by
 *     stream-turn.c     a turn: what has happened, in rows
 *     stream-calls.c    what is asked of one stream
 *     stream-writes.c   writing
 *
 * All but the thread's one function is called by JavaScript's thread.
 */
#ifndef EDGE_HA_STREAMS_H
#define EDGE_HA_STREAMS_H

#include "addon.h"
#include "heads.h"

#include <pthread.h>
#include <sys/epoll.h>

#define NO_STREAM UINT32_MAX

/*
 * What is told of a connection that is read from: once when something comes, and not again until more comes, so that the kernel does not
 * look at each socket twice. An end (EPOLLRDHUP) and urgent bytes (EPOLLPRI) are told apart, for a read may stop in front of them: whatever
 * may leave something behind has it told again (`stream_hear_again`), or it would never be heard of.
 */
#define STREAM_INPUT ((uint32_t)EPOLLET | EPOLLIN | EPOLLRDHUP | EPOLLPRI)

enum {
	STREAM_LIMIT = 1 << 18,
	EVENT_BATCH = 256,
	/* Numbers in front of the table, and in each of its rows; there is room for two rows at least. */
	CLIENT_WORDS = 0,
	SERVER_WORDS = 4,
	ROW_COUNT_WORD = 8,
	STATE_WORD = 9,
	WRITE_COUNT_WORD = 10,
	SHORT_COUNT_WORD = 11,
	HEADER_WORDS = 12,
	ROW_WORDS = 7,
	STREAM_TABLE_LEAST = HEADER_WORDS + 2 * ROW_WORDS,
};

/* What JavaScript has lent for all turns. */
enum { LENT_TABLE, LENT_HEADS, LENT_CLIENTS, LENT_SERVERS, LENT_WRITES, LENT_GATHERED, LENT_ARRAYS };

struct lent {
	void *data;
	size_t length; /* in numbers, or in octets */
	napi_value value; /* while it is being lent */
	napi_ref reference;
};

/* What a stream is; clients' and servers' bytes go to different memory. */
enum kind { KIND_FREE, KIND_LISTENER, KIND_CLIENT, KIND_SERVER, KIND_CONNECTING, KIND_RUNTIME };

struct stream {
	int fd;
	uint32_t generation;
	uint32_t next_free;
	uint32_t events; /* as epoll has them */
	uint8_t kind;
	bool is_paused;
	bool wants_room;
	bool has_ended;
	bool is_shut; /* our half has ended */
	bool is_in_set;
	bool is_lost; /* and that was told: nothing more is */
	bool is_deaf; /* the set does not take it again: the next turn tells of it as lost */
	/* What a write failed with: the kernel tells that once, and of a reset that was told so reading finds an orderly end. */
	int failure;
};

struct streams {
	napi_env env;
	int epoll_fd;
	int armed_fd; /* the thread's own set: has epoll_fd, armed for one time */
	int stop_fd;
	pthread_t thread;
	napi_threadsafe_function wake;
	/* Moves when it grows: no pointer into it outlives a call of `stream_take`. */
	struct stream *all;
	uint32_t size;
	uint32_t first_free;
	uint32_t count; /* of places in use but the runtime's */
	/* A listener could take nobody of who waits; JavaScript asks it again a little later (`askStreams`). */
	bool has_stalled;
	bool has_deaf;
	/* The place of the runtime's own set, and whether this set is told of it: not while the runtime waits itself. */
	uint32_t runtime_slot;
	bool hears_runtime;
	struct field_names names;
	/* Nobody may move or detach them. */
	struct lent lent[LENT_ARRAYS];
	/*
	 * What the set has told and there was no room for yet. It is seen to before the set is asked again, which would tell of the same ones
	 * first, and the rest would never have their turn.
	 */
	struct epoll_event events[EVENT_BATCH];
	int next_event;
	int event_count;
};

/* stream-thread.c: those of this thread; NULL before they are opened. */
struct streams *own_streams(void);

/* streams.c */
bool streams_grow(struct streams *self);
/* Gives a descriptor a place; NO_STREAM with errno if there is none. */
uint32_t stream_take(struct streams *self, int fd, enum kind kind, uint32_t events);
/* Lets go of a place; the descriptor is closed by the caller. */
int stream_give_back(struct streams *self, struct stream *stream);
/* Has the set know what is wanted of a stream now. */
void stream_settle(struct streams *self, struct stream *stream);
/* Has the set tell again what is to be read from a stream, if there is anything left. */
void stream_hear_again(struct streams *self, struct stream *stream);
/* Has the set tell nothing more of a stream, until it is settled. */
void stream_leave_set(struct streams *self, struct stream *stream);
/* Whether there is a connection to read from and to write to. */
bool stream_is_connected(const struct stream *stream);
/* Reads a stream's name: place and generation. Throws and gives NULL for one that is not there. */
struct stream *read_stream(napi_env env, const napi_value *arguments);
/* The same for one that has to be connected. */
struct stream *read_connected(napi_env env, const napi_value *arguments);

/* stream-memory.c: lets go of what was lent. */
void streams_return(struct streams *self);
/* stream-writes.c: writes what is gathered and counted in the table; false if that is unfit, with an exception. */
bool streams_write(struct streams *self);
/* stream-turn.c: whether the set tells of the runtime's own. */
void streams_hear_runtime(struct streams *self, bool hears);

#endif

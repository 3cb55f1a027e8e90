/* What is asked of one stream. */
#define _GNU_SOURCE
#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static napi_value make_name(napi_env env, const struct streams *self, uint32_t slot)
{
	return make_double(env, (double)self->all[slot].generation * (double)STREAM_LIMIT + slot);
}

/* listenStream(descriptor): accepts on a listening socket, which is the stream's from now on. */
napi_value edge_listen_stream(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	int fd = -1;
	struct streams *self = own_streams();
	if (!read_arguments(env, info, 1, arguments) || !read_descriptor(env, arguments[0], &fd))
		return NULL;
	if (self == NULL)
		return throw_errno(env, "stream", EBADF);
	/* It was inherited: accepting who has gone again must not wait for somebody else, nor a program run later have it. */
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return throw_errno(env, "fcntl", errno);
	uint32_t slot = stream_take(self, fd, KIND_LISTENER, EPOLLIN);
	return slot == NO_STREAM ? throw_errno(env, "epoll_ctl", errno) : make_name(env, self, slot);
}

/* connectStream(address): begins a connection; it is told of when it is there, or will never be. */
napi_value edge_connect_stream(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	struct bytes address;
	struct streams *self = own_streams();
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
	uint32_t slot = stream_take(self, fd, KIND_CONNECTING, EPOLLOUT);
	if (slot == NO_STREAM) {
		int failure = errno;
		(void)close(fd);
		return throw_errno(env, "epoll_ctl", failure);
	}
	return make_name(env, self, slot);
}

/* pauseStream(place, generation, whether): reads no more, or goes on. */
napi_value edge_pause_stream(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	bool is_paused = false;
	if (!read_arguments(env, info, 3, arguments))
		return NULL;
	struct stream *stream = read_connected(env, arguments);
	if (stream == NULL)
		return NULL;
	if (napi_get_value_bool(env, arguments[2], &is_paused) != napi_ok) {
		(void)napi_throw_type_error(env, NULL, "whether must be a boolean");
		return NULL;
	}
	stream->is_paused = is_paused;
	stream_settle(own_streams(), stream);
	return make_undefined(env);
}

/* Reads the name of a stream that has to be connected, of a call that takes nothing else. Throws and gives NULL for another. */
static struct stream *read_only_connected(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	return read_arguments(env, info, 2, arguments) ? read_connected(env, arguments) : NULL;
}

/* isQuietStream(place, generation): whether nothing has come that was not read, no bytes and no end. */
napi_value edge_is_quiet_stream(napi_env env, napi_callback_info info)
{
	const struct stream *stream = read_only_connected(env, info);
	if (stream == NULL)
		return NULL;
	struct pollfd news = { .fd = stream->fd, .events = POLLIN | POLLRDHUP };
	napi_value is_quiet = NULL;
	return napi_get_boolean(env, poll(&news, 1, 0) == 0, &is_quiet) == napi_ok ? is_quiet : NULL;
}

/*
 * unheardStream(place, generation): how many of the bytes written last were not there when the peer ended its half in order; 0 if it has not.
 * Its end says up to where it had got them (RFC 9293 §3.10.7.4), which a reset does not: the kernel takes no acknowledgement from that.
 */
napi_value edge_unheard_stream(napi_env env, napi_callback_info info)
{
	int length = 0;
	const struct stream *stream = read_only_connected(env, info);
	if (stream == NULL)
		return NULL;
	/* Our own end would count as a byte. */
	if (!stream->has_ended || stream->is_shut || ioctl(stream->fd, SIOCOUTQ, &length) < 0)
		length = 0;
	return make_int(env, length);
}

/* How many bytes the peer has acknowledged so far; -1 if the kernel does not say. */
static double acknowledged_bytes(int fd)
{
	/* The kernel's struct tcp_info up to its tcpi_bytes_acked, which the C library's does not have. */
	uint64_t told[16];
	socklen_t length = sizeof told;
	const bool is_told = getsockopt(fd, IPPROTO_TCP, TCP_INFO, told, &length) == 0 && length == sizeof told;
	return is_told ? (double)told[15] : -1;
}

/* acknowledgedStream(place, generation): how many bytes the peer has acknowledged so far, or -1. */
napi_value edge_acknowledged_stream(napi_env env, napi_callback_info info)
{
	const struct stream *stream = read_only_connected(env, info);
	if (stream == NULL)
		return NULL;
	return make_double(env, acknowledged_bytes(stream->fd));
}

/* acknowledgedSocket(descriptor): the same of a socket that is no stream. */
napi_value edge_acknowledged_socket(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	int fd = -1;
	if (!read_arguments(env, info, 1, arguments) || !read_descriptor(env, arguments[0], &fd))
		return NULL;
	return make_double(env, acknowledged_bytes(fd));
}

/* shutStream(place, generation): ends our half. */
napi_value edge_shut_stream(napi_env env, napi_callback_info info)
{
	struct stream *stream = read_only_connected(env, info);
	if (stream == NULL)
		return NULL;
	(void)shutdown(stream->fd, SHUT_WR);
	stream->is_shut = true;
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
	int fd = stream_give_back(own_streams(), stream);
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
	if (stream == NULL)
		return NULL;
	if (napi_get_value_bool(env, arguments[2], &is_peer) != napi_ok) {
		(void)napi_throw_type_error(env, NULL, "whether must be a boolean");
		return NULL;
	}
	int result = is_peer ? getpeername(stream->fd, (struct sockaddr *)&address, &length)
			     : getsockname(stream->fd, (struct sockaddr *)&address, &length);
	return result < 0 ? make_null(env) : make_bytes(env, &address, length);
}

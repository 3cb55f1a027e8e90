/*
 * Sets of many stream sockets, for health checks: one epoll descriptor of their own, which itself is watched (watch.c),
 * so that however many sockets have news cost one wake-up. Waiting here never blocks.
 */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { EVENT_BATCH = 256 };

/* createPoll(): descriptor */
napi_value edge_create_poll(napi_env env, napi_callback_info info)
{
	(void)info;
	int fd = epoll_create1(EPOLL_CLOEXEC);
	return fd < 0 ? throw_errno(env, "epoll_create1", errno) : make_int(env, fd);
}

/* controlPoll(poll, operation, descriptor, events): adds, changes or removes a descriptor. */
napi_value edge_control_poll(napi_env env, napi_callback_info info)
{
	napi_value arguments[4];
	int poll = -1;
	int operation = 0;
	int fd = -1;
	int events = 0;
	if (!read_arguments(env, info, 4, arguments) || !read_descriptor(env, arguments[0], &poll)
	    || !read_int(env, arguments[1], "operation", &operation) || !read_descriptor(env, arguments[2], &fd)
	    || !read_int(env, arguments[3], "events", &events))
		return NULL;
	struct epoll_event event = { .events = (uint32_t)events, .data = { .fd = fd } };
	if (epoll_ctl(poll, operation, fd, &event) < 0)
		return throw_errno(env, "epoll_ctl", errno);
	return make_undefined(env);
}

/* readPoll(poll, into): writes pairs of a descriptor and its events, each 32 bits in the host's order, and gives how many. */
napi_value edge_read_poll(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	int poll = -1;
	struct bytes into;
	struct epoll_event events[EVENT_BATCH];
	if (!read_arguments(env, info, 2, arguments) || !read_descriptor(env, arguments[0], &poll)
	    || !read_bytes(env, arguments[1], "into", &into))
		return NULL;
	size_t room = into.length / (2 * sizeof(int32_t));
	if (room == 0) {
		(void)napi_throw_range_error(env, NULL, "into must have room for a pair");
		return NULL;
	}
	int count = epoll_wait(poll, events, room < EVENT_BATCH ? (int)room : EVENT_BATCH, 0);
	if (count < 0)
		return errno == EINTR ? make_int(env, 0) : throw_errno(env, "epoll_wait", errno);
	for (int index = 0; index < count; index++) {
		const int32_t pair[2] = { events[index].data.fd, (int32_t)events[index].events };
		memcpy(into.data + (size_t)index * sizeof pair, pair, sizeof pair);
	}
	return make_int(env, count);
}

/* startConnect(descriptor, address): whether the connection is there already; if not, it is under way. */
napi_value edge_start_connect(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	napi_value is_connected = NULL;
	int fd = -1;
	struct bytes address;
	if (!read_arguments(env, info, 2, arguments) || !read_descriptor(env, arguments[0], &fd)
	    || !read_address(env, arguments[1], false, &address))
		return NULL;
	int result = connect(fd, (const struct sockaddr *)(const void *)address.data, (socklen_t)address.length);
	if (result < 0 && errno != EINPROGRESS)
		return throw_errno(env, "connect", errno);
	return napi_get_boolean(env, result == 0, &is_connected) == napi_ok ? is_connected : NULL;
}

/* read(descriptor, into): number of bytes of a stream, 0 at its end, -1 if there are none now. */
napi_value edge_read(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	int fd = -1;
	struct bytes into;
	ssize_t length = 0;
	if (!read_arguments(env, info, 2, arguments) || !read_descriptor(env, arguments[0], &fd)
	    || !read_bytes(env, arguments[1], "into", &into))
		return NULL;
	do {
		length = recv(fd, into.data, into.length, 0);
	} while (length < 0 && errno == EINTR);
	if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return make_int(env, -1);
	return length < 0 ? throw_errno(env, "recv", errno) : make_int(env, length);
}

/* Opening, naming, tuning and closing sockets. Every descriptor is closed on exec. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OPTION_LIMIT = 4096, FILTER_LIMIT = 256 };

/* open(domain, type, protocol): descriptor. SOCK_NONBLOCK is the caller's to add to the type. */
napi_value edge_open(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	int domain = 0;
	int type = 0;
	int protocol = 0;
	if (!read_arguments(env, info, 3, arguments) || !read_int(env, arguments[0], "domain", &domain)
	    || !read_int(env, arguments[1], "type", &type) || !read_int(env, arguments[2], "protocol", &protocol))
		return NULL;
	int fd = socket(domain, type | SOCK_CLOEXEC, protocol);
	return fd < 0 ? throw_errno(env, "socket", errno) : make_int(env, fd);
}

/* bind(descriptor, address) */
napi_value edge_bind(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	int fd = -1;
	struct bytes address;
	if (!read_arguments(env, info, 2, arguments) || !read_descriptor(env, arguments[0], &fd)
	    || !read_address(env, arguments[1], false, &address))
		return NULL;
	if (bind(fd, (const struct sockaddr *)(const void *)address.data, (socklen_t)address.length) < 0)
		return throw_errno(env, "bind", errno);
	return make_undefined(env);
}

/* connect(descriptor, address): throws EINPROGRESS like any other errno. */
napi_value edge_connect(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	int fd = -1;
	struct bytes address;
	if (!read_arguments(env, info, 2, arguments) || !read_descriptor(env, arguments[0], &fd)
	    || !read_address(env, arguments[1], false, &address))
		return NULL;
	if (connect(fd, (const struct sockaddr *)(const void *)address.data, (socklen_t)address.length) < 0)
		return throw_errno(env, "connect", errno);
	return make_undefined(env);
}

/* listen(descriptor, backlog) */
napi_value edge_listen(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	int fd = -1;
	int backlog = 0;
	if (!read_arguments(env, info, 2, arguments) || !read_descriptor(env, arguments[0], &fd)
	    || !read_int(env, arguments[1], "backlog", &backlog))
		return NULL;
	if (listen(fd, backlog) < 0)
		return throw_errno(env, "listen", errno);
	return make_undefined(env);
}

/* setOption(descriptor, level, name, value) */
napi_value edge_set_option(napi_env env, napi_callback_info info)
{
	napi_value arguments[4];
	int fd = -1;
	int level = 0;
	int name = 0;
	struct bytes value;
	if (!read_arguments(env, info, 4, arguments) || !read_descriptor(env, arguments[0], &fd)
	    || !read_int(env, arguments[1], "level", &level) || !read_int(env, arguments[2], "name", &name)
	    || !read_bytes(env, arguments[3], "value", &value))
		return NULL;
	if (value.length > OPTION_LIMIT) {
		(void)napi_throw_range_error(env, NULL, "value must be at most 4096 bytes");
		return NULL;
	}
	if (setsockopt(fd, level, name, value.data, (socklen_t)value.length) < 0)
		return throw_errno(env, "setsockopt", errno);
	return make_undefined(env);
}

/* attachFilter(descriptor, program): a classic BPF program, eight bytes for each instruction, that chooses what is queued. */
napi_value edge_attach_filter(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	int fd = -1;
	struct bytes program;
	struct sock_filter instructions[FILTER_LIMIT];
	if (!read_arguments(env, info, 2, arguments) || !read_descriptor(env, arguments[0], &fd)
	    || !read_bytes(env, arguments[1], "program", &program))
		return NULL;
	if (program.length == 0 || program.length % sizeof instructions[0] != 0
	    || program.length > sizeof instructions) {
		(void)napi_throw_range_error(env, NULL, "program must have 1 to 256 instructions of 8 bytes");
		return NULL;
	}
	/* The bytes may stand anywhere in memory; the kernel copies them from here, and checks them. */
	memcpy(instructions, program.data, program.length);
	struct sock_fprog value = {
		.len = (unsigned short)(program.length / sizeof instructions[0]),
		.filter = instructions,
	};
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &value, sizeof value) < 0)
		return throw_errno(env, "setsockopt", errno);
	return make_undefined(env);
}

/* getOption(descriptor, level, name, size): the value, of at most `size` bytes. */
napi_value edge_get_option(napi_env env, napi_callback_info info)
{
	napi_value arguments[4];
	int fd = -1;
	int level = 0;
	int name = 0;
	int64_t size = 0;
	uint8_t value[OPTION_LIMIT];
	if (!read_arguments(env, info, 4, arguments) || !read_descriptor(env, arguments[0], &fd)
	    || !read_int(env, arguments[1], "level", &level) || !read_int(env, arguments[2], "name", &name)
	    || !read_integer(env, arguments[3], "size", 0, OPTION_LIMIT, &size))
		return NULL;
	socklen_t length = (socklen_t)size;
	if (getsockopt(fd, level, name, value, &length) < 0)
		return throw_errno(env, "getsockopt", errno);
	return make_bytes(env, value, length > (socklen_t)size ? (size_t)size : length);
}

/* getName(descriptor): the socket address it is bound to. */
napi_value edge_get_name(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	int fd = -1;
	struct sockaddr_storage address;
	socklen_t length = sizeof address;
	if (!read_arguments(env, info, 1, arguments) || !read_descriptor(env, arguments[0], &fd))
		return NULL;
	if (getsockname(fd, (struct sockaddr *)(void *)&address, &length) < 0)
		return throw_errno(env, "getsockname", errno);
	return make_bytes(env, &address, length > sizeof address ? sizeof address : length);
}

/* close(descriptor): also ends a watch on it, which would otherwise outlive the descriptor's meaning. */
napi_value edge_close(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	int fd = -1;
	if (!read_arguments(env, info, 1, arguments) || !read_descriptor(env, arguments[0], &fd))
		return NULL;
	watcher_forget(env, fd);
	/* On Linux the descriptor is gone even after EINTR: trying again could close somebody else's. */
	if (close(fd) < 0 && errno != EINTR)
		return throw_errno(env, "close", errno);
	return make_undefined(env);
}

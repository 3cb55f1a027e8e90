/* Calls by which one program takes another's place and goes on with what that had open. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* takeOver(descriptor): makes an inherited descriptor one like our own: non-blocking, closed on exec. */
napi_value edge_take_over(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	int fd = -1;
	if (!read_arguments(env, info, 1, arguments) || !read_descriptor(env, arguments[0], &fd))
		return NULL;
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return throw_errno(env, "fcntl", errno);
	return make_undefined(env);
}

/* A vector of the strings in `text`, each ended by NUL; NULL if there is no memory for it. */
static char **split(const struct bytes *text)
{
	size_t count = 0;
	for (size_t index = 0; index < text->length; index++)
		count += text->data[index] == 0;
	char **vector = calloc(count + 1, sizeof *vector);
	size_t start = 0;
	size_t found = 0;
	for (size_t index = 0; vector != NULL && index < text->length; index++) {
		if (text->data[index] != 0)
			continue;
		vector[found++] = (char *)text->data + start;
		start = index + 1;
	}
	return vector;
}

static void keep_open(const struct bytes *kept, int flags)
{
	for (size_t at = 0; at + sizeof(int) <= kept->length; at += sizeof(int)) {
		int fd = -1;
		memcpy(&fd, kept->data + at, sizeof fd);
		(void)fcntl(fd, F_SETFD, flags);
	}
}

/*
 * execute(path, arguments, environment, descriptors): runs another program in place of this one, under the same process
 * id, with these descriptors (a C int each) and the standard streams open and no others. Strings end with NUL. Returns
 * only by throwing.
 */
napi_value edge_execute(napi_env env, napi_callback_info info)
{
	napi_value values[4];
	struct bytes path;
	struct bytes words;
	struct bytes environment;
	struct bytes kept;
	if (!read_arguments(env, info, 4, values) || !read_bytes(env, values[0], "path", &path)
	    || !read_bytes(env, values[1], "arguments", &words)
	    || !read_bytes(env, values[2], "environment", &environment)
	    || !read_bytes(env, values[3], "descriptors", &kept))
		return NULL;
	if (path.length == 0 || path.data[path.length - 1] != 0) {
		(void)napi_throw_range_error(env, NULL, "path must end with NUL");
		return NULL;
	}
	char **argv = split(&words);
	char **envp = split(&environment);
	int failure = ENOMEM;
	const char *call = "execve";
	if (argv != NULL && envp != NULL) {
		/* Everything else is this process's own. glibc has a name for the call from 2.34 on; 4 is CLOSE_RANGE_CLOEXEC. */
		if (syscall(SYS_close_range, 3U, ~0U, 4U) < 0) {
			call = "close_range";
		} else {
			keep_open(&kept, 0);
			(void)execve((const char *)path.data, argv, envp);
		}
		failure = errno;
		keep_open(&kept, FD_CLOEXEC);
	}
	free(argv);
	free(envp);
	return throw_errno(env, call, failure);
}

/* reap(pid): whether a child that this process did not start itself has ended; it is gone from the table then. */
napi_value edge_reap(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	int64_t pid = 0;
	napi_value result = NULL;
	/* 0 and less would mean whole groups of children. */
	if (!read_arguments(env, info, 1, arguments) || !read_integer(env, arguments[0], "pid", 1, INT_MAX, &pid))
		return NULL;
	pid_t ended = waitpid((pid_t)pid, NULL, WNOHANG);
	/* ECHILD: it is nobody's any more, or never was ours. */
	if (ended < 0 && errno != ECHILD)
		return throw_errno(env, "waitpid", errno);
	return napi_get_boolean(env, ended != 0, &result) == napi_ok ? result : NULL;
}

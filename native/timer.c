/* Timers with the kernel's own resolution, as descriptors that can be watched. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* createTimer(): descriptor on CLOCK_MONOTONIC. */
napi_value edge_create_timer(napi_env env, napi_callback_info info)
{
	(void)info;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return fd < 0 ? throw_errno(env, "timerfd_create", errno) : make_int(env, fd);
}

/* setTimer(descriptor, seconds, nanoseconds): absolute, once; zero and zero disarms. */
napi_value edge_set_timer(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	int fd = -1;
	int64_t seconds = 0;
	int64_t nanoseconds = 0;
	if (!read_arguments(env, info, 3, arguments) || !read_descriptor(env, arguments[0], &fd)
	    || !read_integer(env, arguments[1], "seconds", 0, INT32_MAX, &seconds)
	    || !read_integer(env, arguments[2], "nanoseconds", 0, 999999999, &nanoseconds))
		return NULL;
	struct itimerspec setting = { .it_value = { .tv_sec = (time_t)seconds, .tv_nsec = (long)nanoseconds } };
	if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, NULL) < 0)
		return throw_errno(env, "timerfd_settime", errno);
	return make_undefined(env);
}

/* readTimer(descriptor): how often it expired since it was last read or set; 0 if it did not. */
napi_value edge_read_timer(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	int fd = -1;
	uint64_t expirations = 0;
	ssize_t length = 0;
	if (!read_arguments(env, info, 1, arguments) || !read_descriptor(env, arguments[0], &fd))
		return NULL;
	do {
		length = read(fd, &expirations, sizeof expirations);
	} while (length < 0 && errno == EINTR);
	if (length < 0 && errno != EAGAIN)
		return throw_errno(env, "read", errno);
	return make_double(env, length < 0 ? 0.0 : (double)expirations);
}

/* monotonicMs(): CLOCK_MONOTONIC in milliseconds with a fraction, the clock that setTimer counts on. */
napi_value edge_monotonic_ms(napi_env env, napi_callback_info info)
{
	(void)info;
	struct timespec now;
	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		return throw_errno(env, "clock_gettime", errno);
	return make_double(env, (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6);
}

/* Calls about this process itself, and the descriptor of another. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * setScheduler(thread, policy, priority): thread 0 is the calling one. A realtime policy is never passed on to
 * what the thread starts: a script run by a realtime process must not itself be realtime.
 */
napi_value edge_set_scheduler(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	int thread = 0;
	int policy = 0;
	int priority = 0;
	if (!read_arguments(env, info, 3, arguments) || !read_int(env, arguments[0], "thread", &thread)
	    || !read_int(env, arguments[1], "policy", &policy) || !read_int(env, arguments[2], "priority", &priority))
		return NULL;
	struct sched_param parameters = { .sched_priority = priority };
	if (sched_setscheduler(thread, policy | SCHED_RESET_ON_FORK, &parameters) < 0)
		return throw_errno(env, "sched_setscheduler", errno);
	return make_undefined(env);
}

/* setResourceLimit(resource, soft, hard) */
napi_value edge_set_resource_limit(napi_env env, napi_callback_info info)
{
	napi_value arguments[3];
	int resource = 0;
	int64_t soft = 0;
	int64_t hard = 0;
	const int64_t most = INT64_C(9007199254740991);
	if (!read_arguments(env, info, 3, arguments) || !read_int(env, arguments[0], "resource", &resource)
	    || !read_integer(env, arguments[1], "soft", 0, most, &soft)
	    || !read_integer(env, arguments[2], "hard", 0, most, &hard))
		return NULL;
	struct rlimit limit = { .rlim_cur = (rlim_t)soft, .rlim_max = (rlim_t)hard };
	/* glibc types the first parameter as an enum; any number may be asked for. */
	if (setrlimit((__rlimit_resource_t)resource, &limit) < 0)
		return throw_errno(env, "setrlimit", errno);
	return make_undefined(env);
}

/*
 * lockMemory(): keeps every page in memory from the moment it is first used. Without MCL_ONFAULT the kernel
 * would fault in all that the JavaScript engine has merely reserved, which is many gigabytes.
 */
napi_value edge_lock_memory(napi_env env, napi_callback_info info)
{
	(void)info;
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		return throw_errno(env, "mlockall", errno);
	return make_undefined(env);
}

/* openProcess(pid): descriptor that becomes readable when the process ends. It is closed on exec. */
napi_value edge_open_process(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	int pid = 0;
	if (!read_arguments(env, info, 1, arguments) || !read_int(env, arguments[0], "pid", &pid))
		return NULL;
	/* glibc has a name for it from 2.36 on. */
	long fd = syscall(SYS_pidfd_open, (long)pid, 0L);
	return fd < 0 ? throw_errno(env, "pidfd_open", errno) : make_int(env, fd);
}

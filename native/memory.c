/* Memory that several processes share. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Newer than the headers that this is built with (Linux 6.3). */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/*
 * createMemory(size): descriptor of memory that is zero, takes room as it is used, and is closed on exec. Its size is final:
 * nobody who has it can have another one's access fail.
 */
napi_value edge_create_memory(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	int64_t size = 0;
	if (!read_arguments(env, info, 1, arguments)
	    || !read_integer(env, arguments[0], "size", 1, INT64_C(1) << 36, &size))
		return NULL;
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("edge-ha", flags | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("edge-ha", flags);
	if (fd < 0)
		return throw_errno(env, "memfd_create", errno);
	const char *call = "ftruncate";
	int failure = ftruncate(fd, (off_t)size) < 0 ? errno : 0;
	if (failure == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		call = "fcntl";
		failure = errno;
	}
	if (failure != 0) {
		(void)close(fd);
		return throw_errno(env, call, failure);
	}
	return make_int(env, fd);
}

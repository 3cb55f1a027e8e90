/* A thread of the addon's own. */
#define _GNU_SOURCE
#include "addon.h"

#include <pthread.h>
#include <signal.h>

enum { STACK_SIZE = 512 * 1024 };

int start_thread(pthread_t *thread, const char *name, void *(*run)(void *), void *argument)
{
	pthread_attr_t attributes;
	sigset_t all;
	sigset_t before;
	int failure = pthread_attr_init(&attributes);
	if (failure != 0)
		return failure;
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	/* Signals are the runtime's: none may interrupt this thread. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failure = pthread_create(thread, &attributes, run, argument);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	if (failure == 0)
		(void)pthread_setname_np(*thread, name);
	return failure;
}

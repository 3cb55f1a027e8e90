/*
 * Stands in for a kernel with IPVS, preloaded into keepalived: every message to it is taken and acknowledged, none is
 * sent. So keepalived's checkers run, and can be measured, where the kernel has none.
 */
#include <stddef.h>
typedef int (*callback)(void *message, void *argument);
static struct { callback function; void *argument; } told[16];
int genl_ctrl_resolve(void *socket, const char *name) { (void)socket; (void)name; return 27; }
int nl_send_auto(void *socket, void *message) { (void)socket; (void)message; return 1; }
int nl_socket_modify_cb(void *socket, unsigned type, int kind, callback function, void *argument)
{
	(void)socket; (void)kind;
	if (type < 16) { told[type].function = function; told[type].argument = argument; }
	return 0;
}
int nl_recvmsgs_default(void *socket)
{
	(void)socket;
	for (unsigned type = 1; type <= 4; type += 3)
		if (told[type].function != NULL) { (void)told[type].function(NULL, told[type].argument); }
	return 0;
}

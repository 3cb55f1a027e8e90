/* An addon that writes behind its memory when it is loaded: AddressSanitizer must stop the process. */
#include <node_api.h>
#include <stdlib.h>

/* UBSan would be first to see it. */
__attribute__((no_sanitize("undefined"))) static void overflow(volatile char *memory, size_t length)
{
	if (memory != NULL)
		memory[length] = 1;
}

NAPI_MODULE_INIT()
{
	(void)env;
	overflow(malloc(8), 8);
	return exports;
}

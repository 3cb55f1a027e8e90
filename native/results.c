/* Making what JavaScript gets. */
#define _GNU_SOURCE
#include "addon.h"

#include <stdio.h>
#include <string.h>

static bool set_text(napi_env env, napi_value object, const char *name, const char *text)
{
	napi_value value = NULL;
	return napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok
	    && set_field(env, object, name, value);
}

/* Throws an Error whose `call` names the system call and whose `code` names the errno; always returns NULL. */
napi_value throw_errno(napi_env env, const char *call, int number)
{
	char unknown[24];
	char text[64];
	const char *code = strerrorname_np(number);
	napi_value message = NULL;
	napi_value error = NULL;
	if (code == NULL) {
		(void)snprintf(unknown, sizeof unknown, "E%d", number);
		code = unknown;
	}
	(void)snprintf(text, sizeof text, "%s: %s", call, code);
	if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) != napi_ok
	    || napi_create_error(env, NULL, message, &error) != napi_ok
	    || !set_text(env, error, "call", call) || !set_text(env, error, "code", code))
		return NULL;
	(void)napi_throw(env, error);
	return NULL;
}

napi_value make_int(napi_env env, int64_t number)
{
	napi_value value = NULL;
	return napi_create_int64(env, number, &value) == napi_ok ? value : NULL;
}

napi_value make_double(napi_env env, double number)
{
	napi_value value = NULL;
	return napi_create_double(env, number, &value) == napi_ok ? value : NULL;
}

napi_value make_bytes(napi_env env, const void *data, size_t length)
{
	void *storage = NULL;
	napi_value buffer = NULL;
	napi_value array = NULL;
	if (napi_create_arraybuffer(env, length, &storage, &buffer) != napi_ok)
		return NULL;
	if (length > 0)
		memcpy(storage, data, length);
	if (napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &array) != napi_ok)
		return NULL;
	return array;
}

napi_value make_null(napi_env env)
{
	napi_value value = NULL;
	return napi_get_null(env, &value) == napi_ok ? value : NULL;
}

napi_value make_undefined(napi_env env)
{
	napi_value value = NULL;
	return napi_get_undefined(env, &value) == napi_ok ? value : NULL;
}

bool set_field(napi_env env, napi_value object, const char *name, napi_value value)
{
	return value != NULL && napi_set_named_property(env, object, name, value) == napi_ok;
}

/* Reading and checking what JavaScript passed. */
#include "addon.h"

#include <math.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>

bool refuse(napi_env env, bool is_range, const char *name, const char *wanted)
{
	char text[160];
	(void)snprintf(text, sizeof text, "%s must be %s", name, wanted);
	if (is_range)
		(void)napi_throw_range_error(env, NULL, text);
	else
		(void)napi_throw_type_error(env, NULL, text);
	return false;
}

bool read_arguments(napi_env env, napi_callback_info info, size_t wanted, napi_value *out)
{
	size_t count = wanted;
	if (napi_get_cb_info(env, info, &count, out, NULL, NULL) != napi_ok)
		return false;
	if (count < wanted) {
		(void)napi_throw_type_error(env, NULL, "too few arguments");
		return false;
	}
	return true;
}

bool read_integer(napi_env env, napi_value value, const char *name, int64_t least, int64_t most, int64_t *out)
{
	double number = 0;
	if (napi_get_value_double(env, value, &number) != napi_ok)
		return refuse(env, false, name, "a number");
	/* isfinite first: the conversion of anything larger than an int64_t would be undefined. */
	if (!isfinite(number) || number != trunc(number) || number < (double)least || number > (double)most)
		return refuse(env, true, name, "an integer in range");
	*out = (int64_t)number;
	return true;
}

bool read_int(napi_env env, napi_value value, const char *name, int *out)
{
	int64_t number = 0;
	if (!read_integer(env, value, name, INT_MIN, INT_MAX, &number))
		return false;
	*out = (int)number;
	return true;
}

bool read_descriptor(napi_env env, napi_value value, int *out)
{
	int64_t number = 0;
	if (!read_integer(env, value, "descriptor", 0, INT_MAX, &number))
		return false;
	*out = (int)number;
	return true;
}

bool read_bytes(napi_env env, napi_value value, const char *name, struct bytes *out)
{
	static uint8_t nothing[1];
	bool is_array = false;
	napi_typedarray_type type = napi_int8_array;
	void *data = NULL;
	size_t length = 0;
	if (napi_is_typedarray(env, value, &is_array) != napi_ok || !is_array)
		return refuse(env, false, name, "a Uint8Array");
	if (napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL) != napi_ok)
		return refuse(env, false, name, "a Uint8Array");
	if (type != napi_uint8_array)
		return refuse(env, false, name, "a Uint8Array");
	/* An empty or detached array may have no storage; system calls want a pointer all the same. */
	out->data = data == NULL ? nothing : data;
	out->length = data == NULL ? 0 : length;
	return true;
}

bool read_optional_bytes(napi_env env, napi_value value, const char *name, struct bytes *out)
{
	napi_valuetype type = napi_undefined;
	if (napi_typeof(env, value, &type) != napi_ok)
		return refuse(env, false, name, "a Uint8Array or null");
	if (type == napi_null) {
		out->data = NULL;
		out->length = 0;
		return true;
	}
	return read_bytes(env, value, name, out);
}

bool read_address(napi_env env, napi_value value, bool allows_null, struct bytes *out)
{
	bool is_read = allows_null ? read_optional_bytes(env, value, "address", out)
				   : read_bytes(env, value, "address", out);
	if (!is_read)
		return false;
	if (out->data != NULL && (out->length < sizeof(sa_family_t) || out->length > sizeof(struct sockaddr_storage)))
		return refuse(env, true, "address", "a socket address of 2 to 128 bytes");
	return true;
}

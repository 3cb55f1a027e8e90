/* The memory of JavaScript's own that turns read into, write from and tell by. */
#include "streams.h"

#include <errno.h>

/* What a call takes an array of numbers or of octets for, and whether it needs room for so many. */
struct wish {
	napi_typedarray_type type;
	size_t least;
	const char *name;
};

static const struct wish wishes[LENT_ARRAYS] = {
	[LENT_TABLE] = { napi_int32_array, STREAM_TABLE_LEAST, "table" },
	[LENT_HEADS] = { napi_int32_array, 0, "heads" },
	[LENT_CLIENTS] = { napi_uint8_array, 0, "clients' memory" },
	[LENT_SERVERS] = { napi_uint8_array, 0, "servers' memory" },
	[LENT_WRITES] = { napi_int32_array, 0, "writes" },
	[LENT_GATHERED] = { napi_uint8_array, 0, "gathered" },
};

static bool read_lent(napi_env env, napi_value value, const struct wish *wish, struct lent *out)
{
	napi_typedarray_type type = napi_int8_array;
	napi_value buffer = NULL;
	bool is_array = false;
	if (napi_is_typedarray(env, value, &is_array) != napi_ok || !is_array
	    /* Whoever asks for its buffer has it stay where it is. */
	    || napi_get_typedarray_info(env, value, &type, NULL, NULL, &buffer, NULL) != napi_ok || type != wish->type
	    || napi_get_typedarray_info(env, value, NULL, &out->length, &out->data, NULL, NULL) != napi_ok) {
		(void)napi_throw_type_error(env, NULL, wish->name);
		return false;
	}
	if (out->data == NULL || out->length < wish->least || out->length > INT32_MAX) {
		(void)napi_throw_range_error(env, NULL, wish->name);
		return false;
	}
	return true;
}

void streams_return(struct streams *self)
{
	for (size_t index = 0; index < LENT_ARRAYS; index++) {
		if (self->lent[index].reference != NULL)
			(void)napi_delete_reference(self->env, self->lent[index].reference);
		self->lent[index] = (struct lent){ .data = NULL };
	}
}

/* lendStreams(table, heads, clients' memory, servers' memory, writes, gathered): from now on turns use these, and keep them. */
napi_value edge_lend_streams(napi_env env, napi_callback_info info)
{
	napi_value arguments[LENT_ARRAYS];
	struct lent lent[LENT_ARRAYS] = { { .data = NULL } };
	struct streams *self = own_streams();
	if (!read_arguments(env, info, LENT_ARRAYS, arguments))
		return NULL;
	for (size_t index = 0; index < LENT_ARRAYS; index++)
		if (!read_lent(env, arguments[index], &wishes[index], &lent[index]))
			return NULL;
	if (self == NULL)
		return throw_errno(env, "stream", EBADF);
	streams_return(self);
	for (size_t index = 0; index < LENT_ARRAYS; index++) {
		self->lent[index] = lent[index];
		if (napi_create_reference(env, arguments[index], 1, &self->lent[index].reference) != napi_ok) {
			streams_return(self);
			return throw_errno(env, "stream", ENOMEM);
		}
	}
	return make_undefined(env);
}

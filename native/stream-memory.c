/* The memory of JavaScript's own that turns read into, write from and tell by. */
#include "streams.h"

#include <errno.h>

/* What is lent under a name, and how much room it needs. */
struct wish {
	const char *name;
	napi_typedarray_type type;
	size_t least;
};

static const struct wish wishes[LENT_ARRAYS] = {
	[LENT_TABLE] = { "table", napi_int32_array, STREAM_TABLE_LEAST },
	[LENT_HEADS] = { "heads", napi_int32_array, 0 },
	[LENT_CLIENTS] = { "clients", napi_uint8_array, 0 },
	[LENT_SERVERS] = { "servers", napi_uint8_array, 0 },
	[LENT_WRITES] = { "writes", napi_int32_array, 0 },
	[LENT_GATHERED] = { "gathered", napi_uint8_array, 0 },
};

/* Reads what is lent under a name of the object. */
static bool read_lent(napi_env env, napi_value object, const struct wish *wish, struct lent *out)
{
	napi_typedarray_type type = napi_int8_array;
	napi_value buffer = NULL;
	bool is_array = false;
	if (napi_get_named_property(env, object, wish->name, &out->value) != napi_ok
	    || napi_is_typedarray(env, out->value, &is_array) != napi_ok || !is_array
	    /* Once somebody has asked for its buffer it stays where it is. */
	    || napi_get_typedarray_info(env, out->value, &type, NULL, NULL, &buffer, NULL) != napi_ok
	    || type != wish->type
	    || napi_get_typedarray_info(env, out->value, NULL, &out->length, &out->data, NULL, NULL) != napi_ok)
		return refuse(env, false, wish->name, wish->type == napi_int32_array ? "an Int32Array" : "a Uint8Array");
	/* One that is detached has no room. */
	if (out->data == NULL || out->length < wish->least || out->length > INT32_MAX)
		return refuse(env, true, wish->name, "an array with room");
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

/* lendStreams({ table, heads, clients, servers, writes, gathered }): from now on turns use these, and keep them. */
napi_value edge_lend_streams(napi_env env, napi_callback_info info)
{
	napi_value arguments[1];
	struct lent lent[LENT_ARRAYS] = { { .data = NULL } };
	struct streams *self = own_streams();
	if (!read_arguments(env, info, 1, arguments))
		return NULL;
	for (size_t index = 0; index < LENT_ARRAYS; index++)
		if (!read_lent(env, arguments[0], &wishes[index], &lent[index]))
			return NULL;
	if (self == NULL)
		return throw_errno(env, "stream", EBADF);
	streams_return(self);
	for (size_t index = 0; index < LENT_ARRAYS; index++) {
		self->lent[index] = lent[index];
		if (napi_create_reference(env, lent[index].value, 1, &self->lent[index].reference) != napi_ok) {
			streams_return(self);
			return throw_errno(env, "stream", ENOMEM);
		}
	}
	return make_undefined(env);
}

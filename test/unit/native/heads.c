/*
 * Looks for heads in bytes of every kind, each in memory of just its length, so that AddressSanitizer sees every octet read beside it:
 * pieces of heads put together, changed and cut anywhere. Prints how many heads there were; sanitizer.test.ts runs it.
 */
#include "../../../native/heads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 400000, LONGEST = 400, ROOM = 60 };

static uint32_t state = 1;

static uint32_t chance(uint32_t below)
{
	state = state * 1664525 + 1013904223;
	return (state >> 8) % below;
}

static const char *const pieces[] = {
	"GET / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n", "Host: a\r\n",  "X_Forwarded-For:b \r\n", "a:\r\n",  "a: \t\r\n",
	"a\t: b\r\n",	      " fold\r\n",	     "no colon\r\n", ":\r\n",		       "\r\n",	  "\r",
	"\n",		      "x: 0123456789\x7f\r\n", "\t\t\t\t\t\t\t\t\t", "x: 0123456789abcdefghijklmnopqrstuvwxyz\r\n",
};

static size_t fill(uint8_t *out)
{
	size_t length = 0;
	for (uint32_t count = 1 + chance(9); count > 0; count--) {
		const char *piece = pieces[chance(sizeof pieces / sizeof *pieces)];
		const size_t size = strlen(piece);
		if (length + size > LONGEST)
			break;
		memcpy(out + length, piece, size);
		length += size;
	}
	for (uint32_t changes = chance(3); changes > 0 && length > 0; changes--)
		out[chance((uint32_t)length)] = (uint8_t)chance(256);
	return chance(2) == 0 ? length : chance((uint32_t)length + 1);
}

/* Every offset lies in the head, behind the one before it. */
static void judge(const int32_t *words, size_t used, size_t length)
{
	if ((size_t)words[0] > length || used != HEAD_WORDS + (size_t)(words[1] - 1) * FIELD_WORDS || words[2] < 2)
		abort();
	int32_t from = words[2];
	for (size_t at = HEAD_WORDS; at < used; at += FIELD_WORDS) {
		const int32_t *field = words + at;
		if (field[0] <= from || field[1] <= field[0] || field[2] < field[1] || field[3] < field[2] + 2
		    || (field[4] & ~PLAIN_FIELD) > SPOOFED_FIELD)
			abort();
		from = field[3];
	}
	if (from + 2 != words[0])
		abort();
}

int main(void)
{
	static const char known[] = "host\nx-forwarded-for\na\n";
	static struct field_names names;
	uint8_t bytes[LONGEST];
	size_t found = 0;
	if (!read_field_names(&names, (const uint8_t *)known, sizeof known - 1))
		abort();
	for (int round = 0; round < ROUNDS; round++) {
		const size_t length = fill(bytes);
		const size_t room = chance(ROOM);
		uint8_t *data = malloc(length == 0 ? 1 : length);
		int32_t *words = malloc((room == 0 ? 1 : room) * sizeof *words);
		if (data == NULL || words == NULL)
			abort();
		memcpy(data, bytes, length);
		const size_t used = find_head(&names, (struct octets){ data, data + length }, (struct head_room){ words, room });
		if (used > room)
			abort();
		if (used > 0)
			judge(words, used, length);
		found += used > 0;
		free(data);
		free(words);
	}
	printf("%zu heads\n", found);
	return 0;
}

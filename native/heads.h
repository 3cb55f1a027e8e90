/*
 * Heads of messages: where lines and fields end in what a turn has read, so that JavaScript need not look at each octet. No meaning:
 * whatever is not the plainest kind of head, complete and without any fault, is left out, and JavaScript looks at it alone. Knows
 * no descriptor and no runtime, so that it can be tried by itself (test/unit/native/heads.c).
 */
#ifndef EDGE_HA_HEADS_H
#define EDGE_HA_HEADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LONGEST_FIELD_NAME = 32,
	/* Of names that are known; there are twice as many slots and more. */
	FIELD_NAME_LIMIT = 100,
	FIELD_SLOTS = 256,
	/* Of a name that is a known one but for `_` in place of `-`. */
	SPOOFED_FIELD = 255,
	/* What is added to the number of a field whose line reads exactly `name: value`. */
	PLAIN_FIELD = 256,
	/* Words of a head in front of its fields, and of each field. */
	HEAD_WORDS = 3,
	FIELD_WORDS = 5,
};

struct field_name {
	uint8_t text[LONGEST_FIELD_NAME];
	uint8_t length;
};

/* The names that are known, numbered from 1 on. */
struct field_names {
	struct field_name all[FIELD_NAME_LIMIT + 1];
	uint8_t slots[FIELD_SLOTS];
	uint8_t count;
};

/* Reads names in lower case, with a line feed behind each; false if one is empty, too long or no name, or if there are too many. */
bool read_field_names(struct field_names *self, const uint8_t *data, size_t length);

/* What was read. */
struct octets {
	const uint8_t *begin;
	const uint8_t *end;
};

/* Where heads are written down. */
struct head_room {
	int32_t *words;
	size_t count;
};

/*
 * Writes down the head that stands at the beginning: its length, how many lines it has, and where the second begins; then for each field
 * where its name ends, where its value begins and ends, where the next line begins, and its number (0 is not known). Gives how many
 * words that took; 0 if it is left out, or there is no room.
 */
size_t find_head(const struct field_names *names, struct octets octets, struct head_room room);

#endif

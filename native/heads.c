/* Finds the lines and fields of heads (heads.h). */
#include "heads.h"

#include <string.h>

enum {
	/* As long as the shortest head. */
	LEAST_HEAD = 4,
	/* What is longer may be a body without any line end: to go through all of it would cost as much as to read it. */
	LONGEST_HEAD = 16 * 1024,
};

/* For each octet its lower case if a token may contain it (RFC 9110 §5.6.2), else 0. */
static const uint8_t token_octet[256] = {
	['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'', ['*'] = '*', ['+'] = '+',
	['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_', ['`'] = '`', ['|'] = '|', ['~'] = '~', ['0'] = '0',
	['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8',
	['9'] = '9', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g',
	['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o',
	['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w',
	['x'] = 'x', ['y'] = 'y', ['z'] = 'z', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e',
	['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm',
	['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u',
	['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
};

/* Goes on with the sum of a name, in which `_` and `-` are one. */
static uint32_t summed(uint32_t sum, uint8_t octet)
{
	return sum * 31 + (octet == '_' ? '-' : octet);
}

static uint8_t slot_of(uint32_t sum, size_t length)
{
	return (uint8_t)(((sum ^ ((uint32_t)length * 0x9e3779b1u)) * 0x85ebca6bu) >> 24);
}

static bool add_name(struct field_names *self, const uint8_t *text, size_t length)
{
	uint32_t sum = 0;
	if (length == 0 || length > LONGEST_FIELD_NAME || self->count == FIELD_NAME_LIMIT)
		return false;
	for (size_t at = 0; at < length; at++) {
		if (text[at] == 0 || token_octet[text[at]] != text[at])
			return false;
		sum = summed(sum, text[at]);
	}
	struct field_name *name = &self->all[++self->count];
	memcpy(name->text, text, length);
	name->length = (uint8_t)length;
	uint8_t slot = slot_of(sum, length);
	while (self->slots[slot] != 0)
		slot++;
	self->slots[slot] = self->count;
	return true;
}

bool read_field_names(struct field_names *self, const uint8_t *data, size_t length)
{
	memset(self, 0, sizeof *self);
	for (size_t from = 0; from < length;) {
		const uint8_t *end = memchr(data + from, '\n', length - from);
		if (end == NULL || !add_name(self, data + from, (size_t)(end - data) - from))
			return false;
		from = (size_t)(end - data) + 1;
	}
	return true;
}

/* Whether a name as it was sent is this one, but perhaps for case; whether it has `_` for `-` is told too. */
static bool is_name(const struct field_name *name, const uint8_t *data, size_t length, bool *is_spoofed)
{
	if (name->length != length)
		return false;
	*is_spoofed = false;
	for (size_t at = 0; at < length; at++) {
		if (data[at] == '_' && name->text[at] == '-')
			*is_spoofed = true;
		else if (token_octet[data[at]] != name->text[at])
			return false;
	}
	return true;
}

static int32_t number_of(const struct field_names *names, const uint8_t *data, size_t length, uint32_t sum)
{
	for (uint8_t slot = slot_of(sum, length); names->slots[slot] != 0; slot++) {
		bool is_spoofed = false;
		if (is_name(&names->all[names->slots[slot]], data, length, &is_spoofed))
			return is_spoofed ? SPOOFED_FIELD : names->slots[slot];
	}
	return 0;
}

/* Whether one of eight octets may be one that no line may contain, or a tab. */
static bool may_stop(const uint8_t *at)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t octets;
	memcpy(&octets, at, sizeof octets);
	const uint64_t deletes = octets ^ (ones * 0x7f);
	const uint64_t below = (octets - ones * 0x20) & ~octets;
	const uint64_t equal = (deletes - ones) & ~deletes;
	return ((below | equal) & (ones * 0x80)) != 0;
}

/* The first octet that no line may contain (RFC 9110 §5.5), or the end. */
static const uint8_t *text_end(const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		if (end - at >= 8 && !may_stop(at)) {
			at += 8;
			continue;
		}
		const uint8_t *const stop = end - at >= 8 ? at + 8 : end;
		for (; at < stop; at++)
			if ((*at < ' ' && *at != '\t') || *at == 0x7f)
				return at;
	}
	return end;
}

static bool is_blank(uint8_t octet)
{
	return octet == ' ' || octet == '\t';
}

/* Whether a line ends here and there are two octets more: those that end the head, or of its next line. */
static bool is_line_end(const uint8_t *at, const uint8_t *end)
{
	return end - at >= LEAST_HEAD && at[0] == '\r' && at[1] == '\n';
}

/* Writes down the field whose line begins here; gives where the next line begins, or NULL. */
static const uint8_t *find_field(const struct field_names *names, struct octets octets, const uint8_t *name, int32_t *words)
{
	const uint8_t *colon = name;
	uint32_t sum = 0;
	for (; colon < octets.end && token_octet[*colon] != 0; colon++)
		sum = summed(sum, token_octet[*colon]);
	if (colon == name || colon == octets.end || *colon != ':')
		return NULL;
	const uint8_t *const line_end = text_end(colon + 1, octets.end);
	if (!is_line_end(line_end, octets.end))
		return NULL;
	const uint8_t *from = colon + 1;
	const uint8_t *to = line_end;
	while (from < to && is_blank(*from))
		from++;
	while (to > from && is_blank(to[-1]))
		to--;
	const bool is_plain = from == colon + 2 && to == line_end && colon[1] == ' ';
	words[0] = (int32_t)(colon - octets.begin);
	words[1] = (int32_t)(from - octets.begin);
	words[2] = (int32_t)(to - octets.begin);
	words[3] = (int32_t)(line_end + 2 - octets.begin);
	words[4] = number_of(names, name, (size_t)(colon - name), sum) + (is_plain ? PLAIN_FIELD : 0);
	return line_end + 2;
}

size_t find_head(const struct field_names *names, struct octets octets, struct head_room room)
{
	const uint8_t *const begin = octets.begin;
	if (octets.end - begin > LONGEST_HEAD)
		octets.end = begin + LONGEST_HEAD;
	/* A method or a version: what else comes is no head, or not looked at here. */
	if (octets.end - begin < LEAST_HEAD || room.count < HEAD_WORDS || *begin < 'A' || *begin > 'Z')
		return 0;
	const uint8_t *at = text_end(begin, octets.end);
	if (!is_line_end(at, octets.end))
		return 0;
	at += 2;
	room.words[2] = (int32_t)(at - begin);
	size_t used = HEAD_WORDS;
	int32_t lines = 1;
	for (; *at != '\r'; lines++, used += FIELD_WORDS) {
		if (used + FIELD_WORDS > room.count)
			return 0;
		at = find_field(names, octets, at, room.words + used);
		if (at == NULL)
			return 0;
	}
	/* There are two octets: the end of each line has seen to that. */
	if (at[1] != '\n')
		return 0;
	room.words[0] = (int32_t)(at + 2 - begin);
	room.words[1] = lines;
	return used;
}

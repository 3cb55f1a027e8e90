/*
 * Floods a VRRP group with packets that are no advertisements, faster than a script could: for each of several sources
 * in turn bytes of chance, and messages that are right but for their checksum.
 * usage: vrrp-flood INTERFACE VRID SECONDS PACKETS-PER-SECOND SOURCE...
 * At least 128 are sent at once, with 0 seconds no more. Sources are all IPv4 or all IPv6.
 * Writes how many packets the interface took and in how many milliseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { FRAMES = 64, AT_ONCE = 128, ETHERNET = 14, HEADER = 20, HEADER6 = 40, LENGTH = 60, LENGTH6 = 78 };

static uint8_t frames[FRAMES][LENGTH6];

static double now_ms(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void fill_message(uint8_t *message, int length, int index, int vrid)
{
	for (int at = 0; at < length; at++)
		message[at] = (uint8_t)rand();
	/* Chance alone seldom names a router that is listening. */
	message[1] = (uint8_t)vrid;
	if (index % 3 == 0)
		return;
	/* Version 3, priority 0 or 255, one address, 100 ms: the checksum stays what chance made it. */
	message[0] = 0x31;
	message[2] = index % 2 == 0 ? 0 : 255;
	message[3] = 1;
	message[4] = 0;
	message[5] = 10;
}

static void fill6(uint8_t *frame, int index, int vrid, const char *source)
{
	static const uint8_t ethernet[ETHERNET] = { 0x33, 0x33, 0, 0, 0, 0x12, 2, 0, 0, 0, 0, 0x66, 0x86, 0xdd };
	static const uint8_t ip[8] = { 0x6c, 0, 0, 0, 0, 24, 112, 255 };
	memcpy(frame, ethernet, ETHERNET);
	memcpy(frame + ETHERNET, ip, sizeof ip);
	inet_pton(AF_INET6, source, frame + ETHERNET + 8);
	inet_pton(AF_INET6, "ff02::12", frame + ETHERNET + 24);
	fill_message(frame + ETHERNET + HEADER6, 24, index, vrid);
}

static void fill(uint8_t *frame, int index, int vrid, const char *source)
{
	static const uint8_t ethernet[ETHERNET] = { 1, 0, 0x5e, 0, 0, 0x12, 2, 0, 0, 0, 0, 0x66, 8, 0 };
	static const uint8_t ip[HEADER] = { 0x45, 0xc0, 0, 32, 0, 0, 0, 0, 255, 112, 0, 0, 0, 0, 0, 0, 224, 0, 0, 18 };
	uint8_t *message = frame + ETHERNET + HEADER;
	uint32_t sum = 0;
	memcpy(frame, ethernet, ETHERNET);
	memcpy(frame + ETHERNET, ip, HEADER);
	inet_pton(AF_INET, source, frame + ETHERNET + 12);
	for (int at = 0; at < HEADER; at += 2)
		sum += (uint32_t)(frame[ETHERNET + at] << 8 | frame[ETHERNET + at + 1]);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	frame[ETHERNET + 10] = (uint8_t)(~sum >> 8);
	frame[ETHERNET + 11] = (uint8_t)~sum;
	fill_message(message, 12, index, vrid);
	memcpy(message + 8, "\300\0\2\144", 4);
}

int main(int count, char **arguments)
{
	struct mmsghdr messages[FRAMES] = { 0 };
	struct iovec parts[FRAMES];
	long sent = 0;
	if (count < 6)
		return 2;
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(arguments[1]) };
	int vrid = atoi(arguments[2]);
	double length = atof(arguments[3]) * 1e3;
	double per_ms = atof(arguments[4]) / 1e3;
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 || to.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&to, sizeof to) < 0) {
		perror("vrrp-flood");
		return 1;
	}
	for (int index = 0; index < FRAMES; index++) {
		const char *source = arguments[5 + index % (count - 5)];
		int is6 = strchr(source, ':') != NULL;
		(is6 ? fill6 : fill)(frames[index], index, vrid, source);
		parts[index] = (struct iovec){ .iov_base = frames[index], .iov_len = is6 ? LENGTH6 : LENGTH };
		messages[index].msg_hdr.msg_iov = &parts[index];
		messages[index].msg_hdr.msg_iovlen = 1;
	}
	double begun = now_ms();
	for (double at = begun; sent < AT_ONCE || at < begun + length; at = now_ms()) {
		if (sent >= AT_ONCE && (double)sent > (at - begun) * per_ms) {
			nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
			continue;
		}
		int taken = sendmmsg(fd, messages, FRAMES, 0);
		if (taken > 0)
			sent += taken;
		else if (errno != ENOBUFS && errno != EAGAIN)
			return 1;
	}
	printf("%ld %.0f\n", sent, now_ms() - begun);
	return 0;
}

/* Sending and receiving datagrams. */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

/* What the ancillary data of a datagram said; fields that were not there keep their first value. */
struct ancillary {
	int ttl;
	unsigned int interface_index;
	/* 4 or 16 bytes; 0 if it was not said. */
	size_t destination_length;
	uint8_t destination[sizeof(struct in6_addr)];
	/* The VLAN tag that the kernel took out of a frame, in network order. */
	bool has_tag;
	uint8_t tag[4];
	/* When the kernel received it; milliseconds since 1970, or negative. */
	double received_ms;
};

/* send(descriptor, bytes, address or null, flags): number of bytes taken. */
napi_value edge_send(napi_env env, napi_callback_info info)
{
	napi_value arguments[4];
	int fd = -1;
	int flags = 0;
	struct bytes payload;
	struct bytes address;
	ssize_t sent = 0;
	if (!read_arguments(env, info, 4, arguments) || !read_descriptor(env, arguments[0], &fd)
	    || !read_bytes(env, arguments[1], "bytes", &payload) || !read_address(env, arguments[2], true, &address)
	    || !read_int(env, arguments[3], "flags", &flags))
		return NULL;
	do {
		sent = sendto(fd, payload.data, payload.length, flags | MSG_NOSIGNAL,
			      (const struct sockaddr *)(const void *)address.data, (socklen_t)address.length);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? throw_errno(env, "sendto", errno) : make_int(env, sent);
}

/* sendDescriptor(descriptor, bytes, address, passed, flags): number of bytes taken; the receiver gets `passed` as its own. */
napi_value edge_send_descriptor(napi_env env, napi_callback_info info)
{
	napi_value arguments[5];
	int fd = -1;
	int passed = -1;
	int flags = 0;
	struct bytes payload;
	struct bytes address;
	ssize_t sent = 0;
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr aligned;
	} control;
	if (!read_arguments(env, info, 5, arguments) || !read_descriptor(env, arguments[0], &fd)
	    || !read_bytes(env, arguments[1], "bytes", &payload) || !read_address(env, arguments[2], false, &address)
	    || !read_descriptor(env, arguments[3], &passed) || !read_int(env, arguments[4], "flags", &flags))
		return NULL;
	memset(&control, 0, sizeof control);
	struct iovec part = { .iov_base = payload.data, .iov_len = payload.length };
	struct msghdr message = {
		.msg_name = address.data,
		.msg_namelen = (socklen_t)address.length,
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof control.room,
	};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof passed);
	memcpy(CMSG_DATA(rights), &passed, sizeof passed);
	do {
		sent = sendmsg(fd, &message, flags | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? throw_errno(env, "sendmsg", errno) : make_int(env, sent);
}

static bool is_part(const struct cmsghdr *part, int level, int type, size_t length)
{
	return part->cmsg_level == level && part->cmsg_type == type && part->cmsg_len >= CMSG_LEN(length);
}

static void read_tag(const struct cmsghdr *part, struct ancillary *out)
{
	struct tpacket_auxdata packet;
	memcpy(&packet, CMSG_DATA(part), sizeof packet);
	out->has_tag = (packet.tp_status & TP_STATUS_VLAN_VALID) != 0;
	uint16_t type = (packet.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? packet.tp_vlan_tpid : 0x8100;
	out->tag[0] = (uint8_t)(type >> 8);
	out->tag[1] = (uint8_t)type;
	out->tag[2] = (uint8_t)(packet.tp_vlan_tci >> 8);
	out->tag[3] = (uint8_t)packet.tp_vlan_tci;
}

static void read_ancillary(struct msghdr *message, struct ancillary *out)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
		if (is_part(part, IPPROTO_IP, IP_TTL, sizeof(int))
		    || is_part(part, IPPROTO_IPV6, IPV6_HOPLIMIT, sizeof(int))) {
			memcpy(&out->ttl, CMSG_DATA(part), sizeof out->ttl);
		} else if (is_part(part, IPPROTO_IP, IP_PKTINFO, sizeof(struct in_pktinfo))) {
			struct in_pktinfo packet;
			memcpy(&packet, CMSG_DATA(part), sizeof packet);
			out->interface_index = (unsigned int)packet.ipi_ifindex;
			out->destination_length = sizeof packet.ipi_addr;
			memcpy(out->destination, &packet.ipi_addr, sizeof packet.ipi_addr);
		} else if (is_part(part, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(struct in6_pktinfo))) {
			struct in6_pktinfo packet;
			memcpy(&packet, CMSG_DATA(part), sizeof packet);
			out->interface_index = packet.ipi6_ifindex;
			out->destination_length = sizeof packet.ipi6_addr;
			memcpy(out->destination, &packet.ipi6_addr, sizeof packet.ipi6_addr);
		} else if (is_part(part, SOL_PACKET, PACKET_AUXDATA, sizeof(struct tpacket_auxdata))) {
			read_tag(part, out);
		} else if (is_part(part, SOL_SOCKET, SCM_TIMESTAMPNS, sizeof(struct timespec))) {
			struct timespec time;
			memcpy(&time, CMSG_DATA(part), sizeof time);
			out->received_ms = (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
		}
	}
}

static napi_value make_received(napi_env env, size_t length, const struct msghdr *message,
				const struct ancillary *ancillary)
{
	napi_value object = NULL;
	napi_value is_truncated = NULL;
	bool was_truncated = (message->msg_flags & MSG_TRUNC) != 0;
	if (napi_create_object(env, &object) != napi_ok
	    || napi_get_boolean(env, was_truncated, &is_truncated) != napi_ok)
		return NULL;
	napi_value source = make_bytes(env, message->msg_name, message->msg_namelen);
	napi_value ttl = ancillary->ttl < 0 ? make_null(env) : make_int(env, ancillary->ttl);
	napi_value destination = ancillary->destination_length > 0
				     ? make_bytes(env, ancillary->destination, ancillary->destination_length)
				     : make_null(env);
	napi_value tag = ancillary->has_tag ? make_bytes(env, ancillary->tag, sizeof ancillary->tag) : make_null(env);
	napi_value received_ms =
	    ancillary->received_ms < 0 ? make_null(env) : make_double(env, ancillary->received_ms);
	if (!set_field(env, object, "length", make_int(env, (int64_t)length))
	    || !set_field(env, object, "isTruncated", is_truncated) || !set_field(env, object, "source", source)
	    || !set_field(env, object, "ttl", ttl) || !set_field(env, object, "destination", destination)
	    || !set_field(env, object, "interfaceIndex", make_int(env, ancillary->interface_index))
	    || !set_field(env, object, "vlanTag", tag) || !set_field(env, object, "receivedMs", received_ms))
		return NULL;
	return object;
}

/* receive(descriptor, into): what arrived and from where, or null if nothing is there (or within SO_RCVTIMEO). */
napi_value edge_receive(napi_env env, napi_callback_info info)
{
	napi_value arguments[2];
	int fd = -1;
	struct bytes into;
	struct sockaddr_storage source;
	_Alignas(struct cmsghdr) uint8_t control[256];
	ssize_t length = 0;
	if (!read_arguments(env, info, 2, arguments) || !read_descriptor(env, arguments[0], &fd)
	    || !read_bytes(env, arguments[1], "into", &into))
		return NULL;
	struct iovec part = { .iov_base = into.data, .iov_len = into.length };
	struct msghdr message;
	memset(&source, 0, sizeof source);
	do {
		memset(&message, 0, sizeof message);
		message.msg_name = &source;
		message.msg_namelen = sizeof source;
		message.msg_iov = &part;
		message.msg_iovlen = 1;
		message.msg_control = control;
		message.msg_controllen = sizeof control;
		/* No flags: a packet socket refuses those it does not know, MSG_CMSG_CLOEXEC among them. */
		length = recvmsg(fd, &message, 0);
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? make_null(env) : throw_errno(env, "recvmsg", errno);
	if (message.msg_namelen > sizeof source)
		message.msg_namelen = sizeof source;
	struct ancillary ancillary = { .ttl = -1, .received_ms = -1 };
	read_ancillary(&message, &ancillary);
	return make_received(env, (size_t)length, &message, &ancillary);
}

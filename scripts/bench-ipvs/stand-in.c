/*
 * A stand-in for a kernel's IPVS, loaded before everything else into a program that is none the wiser: what the program
 * sends to IPVS goes to the real kernel as a message that asks for nothing, which it acknowledges, and is counted. So
 * both daemons pay for their own system calls, and neither for the kernel's table. Lists are answered as empty.
 * TALLY is the file in which it counts.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A family that the real kernel has none of, and IPVS's commands. */
enum { family = 0x3f, get_service = 4, get_server = 8, new_daemon = 9, set_info = 14, get_info = 15 };

/* Times are nanoseconds of CLOCK_MONOTONIC. */
static struct tally {
	_Atomic uint64_t started, changed, changes, sends;
} *tally;

/* What the kernel could not answer, for the next who reads that socket. */
static __thread struct {
	int fd;
	struct {
		struct nlmsghdr header;
		unsigned char payload[64];
	} message;
} answer = { .fd = -1 };

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

__attribute__((constructor)) static void begin(void)
{
	int fd = open(TALLY, O_RDWR | O_CLOEXEC);
	uint64_t none = 0;
	void *at;

	if (fd < 0)
		return;
	at = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return;
	tally = at;
	atomic_compare_exchange_strong(&tally->started, &none, now());
}

static size_t put(size_t at, uint16_t type, const void *value, uint16_t length)
{
	struct nlattr header = { .nla_len = NLA_HDRLEN + length, .nla_type = type };

	memcpy(answer.message.payload + at, &header, sizeof(header));
	memcpy(answer.message.payload + at + NLA_HDRLEN, value, length);
	return at + NLA_ALIGN(header.nla_len);
}

static void reply(int fd, const struct nlmsghdr *to, uint16_t type, uint16_t flags, size_t length)
{
	answer.fd = fd;
	answer.message.header = (struct nlmsghdr){
		.nlmsg_len = NLMSG_HDRLEN + length, .nlmsg_type = type, .nlmsg_flags = flags,
		.nlmsg_seq = to->nlmsg_seq, .nlmsg_pid = to->nlmsg_pid,
	};
}

static void heard(int fd, struct nlmsghdr *message)
{
	const struct genlmsghdr *generic = NLMSG_DATA(message);
	const uint16_t id = family;
	const uint32_t version = 0x010201, size = 4096;
	size_t length = GENL_HDRLEN;

	memset(answer.message.payload, 0, sizeof(answer.message.payload));
	if (message->nlmsg_type == GENL_ID_CTRL) {
		if (memmem(generic, message->nlmsg_len - NLMSG_HDRLEN, "IPVS", sizeof("IPVS")) == NULL)
			return;
		*answer.message.payload = CTRL_CMD_NEWFAMILY;
		length = put(length, CTRL_ATTR_FAMILY_NAME, "IPVS", sizeof("IPVS"));
		reply(fd, message, GENL_ID_CTRL, 0, put(length, CTRL_ATTR_FAMILY_ID, &id, sizeof(id)));
	} else if (generic->cmd == get_info) {
		*answer.message.payload = set_info;
		length = put(length, 1, &version, sizeof(version));
		reply(fd, message, family, 0, put(length, 2, &size, sizeof(size)));
	} else if ((message->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP) {
		reply(fd, message, NLMSG_DONE, NLM_F_MULTI, sizeof(int));
		message->nlmsg_flags = NLM_F_REQUEST;
	} else if (tally != NULL && generic->cmd < new_daemon && generic->cmd != get_service && generic->cmd != get_server) {
		tally->changes++;
		tally->changed = now();
	}
	message->nlmsg_type = NLMSG_NOOP;
}

static void look(int fd, void *bytes, size_t length, const struct sockaddr *to)
{
	struct nlmsghdr *message = bytes;
	int rest = (int)length;
	int is_ours = 0;

	if (to == NULL || to->sa_family != AF_NETLINK)
		return;
	for (; NLMSG_OK(message, rest); message = NLMSG_NEXT(message, rest)) {
		if (message->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
			continue;
		if (message->nlmsg_type != GENL_ID_CTRL && message->nlmsg_type != family)
			continue;
		heard(fd, message);
		is_ours = 1;
	}
	if (is_ours && tally != NULL)
		tally->sends++;
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t to_length)
{
	static ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);

	if (next == NULL)
		next = dlsym(RTLD_NEXT, "sendto");
	look(fd, (void *)bytes, length, to);
	return next(fd, bytes, length, flags, to, to_length);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	static ssize_t (*next)(int, const struct msghdr *, int);

	if (next == NULL)
		next = dlsym(RTLD_NEXT, "sendmsg");
	for (size_t index = 0; index < message->msg_iovlen; index++)
		look(fd, message->msg_iov[index].iov_base, message->msg_iov[index].iov_len, message->msg_name);
	return next(fd, message, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	static ssize_t (*next)(int, struct msghdr *, int);
	size_t length, room;

	if (next == NULL)
		next = dlsym(RTLD_NEXT, "recvmsg");
	if (fd != answer.fd)
		return next(fd, message, flags);
	length = answer.message.header.nlmsg_len;
	room = message->msg_iov[0].iov_len < length ? message->msg_iov[0].iov_len : length;
	if (room > 0)
		memcpy(message->msg_iov[0].iov_base, &answer.message, room);
	if (message->msg_name != NULL && message->msg_namelen >= sizeof(struct sockaddr_nl)) {
		memcpy(message->msg_name, &(struct sockaddr_nl){ .nl_family = AF_NETLINK }, sizeof(struct sockaddr_nl));
		message->msg_namelen = sizeof(struct sockaddr_nl);
	}
	message->msg_controllen = 0;
	message->msg_flags = room < length ? MSG_TRUNC : 0;
	if ((flags & MSG_PEEK) == 0)
		answer.fd = -1;
	return (ssize_t)((flags & MSG_TRUNC) != 0 ? length : room);
}

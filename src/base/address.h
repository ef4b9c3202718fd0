/* IP addresses with a port, and prefixes, as configuration and logs write them. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
        sa_family_t family; /* AF_INET, AF_INET6, or 0 for none */
        uint16_t port;      /* host order; 0 for none */
        uint32_t scope;     /* IPv6 link-local scope id */
        uint8_t bytes[16];  /* network order; IPv4 uses the first four, the rest is zero */
};

struct prefix {
        struct address address; /* bits behind the prefix are zero */
        uint8_t bits;
};

/* Long enough for address_format and prefix_format. */
#define ADDRESS_TEXT_MAX 80

/* "192.0.2.1", "2001:db8::1", "fe80::1%eth0"; the port becomes 0. -EINVAL. */
int address_parse(const char *text, struct address *ret_address);
/* "192.0.2.0/24", "10/8" (octets left out are zero, as BIND reads them), "::/0", or an address alone.
 * -EINVAL; -ERANGE where bits behind the prefix are set (BIND refuses that too). */
int prefix_parse(const char *text, struct prefix *ret_prefix);

/* IPv4-mapped IPv6 becomes IPv4. -EAFNOSUPPORT for anything but IP. */
int address_from_sockaddr(const struct sockaddr *sockaddr, struct address *ret_address);
socklen_t address_to_sockaddr(const struct address *address, struct sockaddr_storage *ret_sockaddr);

bool address_equal(const struct address *left, const struct address *right); /* ports do not count */
bool address_and_port_equal(const struct address *left, const struct address *right);
bool address_is_loopback(const struct address *address);
bool prefix_contains(const struct prefix *prefix, const struct address *address);

/* BIND's form "192.0.2.1#53", or without "#53" where the port is 0. Returns text. */
const char *address_format(const struct address *address, char text[static ADDRESS_TEXT_MAX]);
const char *prefix_format(const struct prefix *prefix, char text[static ADDRESS_TEXT_MAX]);

/* Addresses and prefixes: text to bytes and back. Pure but for interface names, which the kernel is asked
 * for.
 *
 * Invariant: bytes an address does not use are zero, so two addresses compare as 16 bytes whatever their
 * family. */
#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits only, no sign, at most `limit`. */
static int number_parse(const char *text, uint32_t limit, uint32_t *ret_number)
{
        uint64_t number = 0;
        if (!*text)
                return -EINVAL;
        for (; *text; text++) {
                if (*text < '0' || *text > '9')
                        return -EINVAL;
                number = number * 10 + (uint32_t)(*text - '0');
                if (number > limit)
                        return -EINVAL;
        }
        *ret_number = (uint32_t)number;
        return 0;
}

static bool is_link_local(const struct address *address)
{
        return address->family == AF_INET6 && address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

/* The part behind '%' (RFC 4007 s.11.2): an interface's name or number. */
static int scope_parse(const char *text, uint32_t *ret_scope)
{
        uint32_t scope = if_nametoindex(text);
        if (scope == 0 && number_parse(text, UINT32_MAX, &scope) < 0)
                return -EINVAL;
        if (scope == 0)
                return -EINVAL;
        *ret_scope = scope;
        return 0;
}

int address_parse(const char *text, struct address *ret_address)
{
        struct address address = {0};
        if (inet_pton(AF_INET, text, address.bytes) == 1) {
                address.family = AF_INET;
                *ret_address = address;
                return 0;
        }
        memset(address.bytes, 0, sizeof(address.bytes)); /* inet_pton may have begun */
        address.family = AF_INET6;
        char digits[INET6_ADDRSTRLEN];
        size_t length = strcspn(text, "%");
        if (length >= sizeof(digits))
                return -EINVAL;
        memcpy(digits, text, length);
        digits[length] = '\0';
        if (inet_pton(AF_INET6, digits, address.bytes) != 1)
                return -EINVAL;
        if (text[length] == '%' &&
                (!is_link_local(&address) || scope_parse(text + length + 1, &address.scope) < 0))
                return -EINVAL;
        *ret_address = address;
        return 0;
}

/* Clears the bits behind the first `bits`; says whether one was set. */
static bool clear_behind(struct address *address, uint8_t bits)
{
        bool was_set = false;
        for (unsigned i = bits / 8; i < sizeof(address->bytes); i++) {
                unsigned behind = i == bits / 8 ? 0xffu >> bits % 8 : 0xffu;
                was_set = was_set || (address->bytes[i] & behind) != 0;
                address->bytes[i] = (uint8_t)(address->bytes[i] & ~behind);
        }
        return was_set;
}

static int prefix_address_parse(const char *text, struct address *ret_address)
{
        if (address_parse(text, ret_address) == 0)
                return ret_address->scope == 0 ? 0 : -EINVAL;
        /* "10/8", "10.1/16": BIND fills the octets left out with zero. */
        char full[24];
        unsigned dots = 0;
        for (const char *at = text; *at; at++)
                dots += *at == '.';
        if (dots > 2 || strchr(text, ':') || strlen(text) > strlen("255.255.255"))
                return -EINVAL;
        snprintf(full, sizeof(full), "%.11s%s", text, &".0.0.0"[dots * 2]);
        return address_parse(full, ret_address);
}

int prefix_parse(const char *text, struct prefix *ret_prefix)
{
        struct prefix prefix;
        const char *slash = strchr(text, '/');
        if (!slash) {
                int r = address_parse(text, &prefix.address);
                if (r < 0)
                        return r;
                prefix.bits = prefix.address.family == AF_INET ? 32 : 128;
                *ret_prefix = prefix;
                return 0;
        }
        char digits[INET6_ADDRSTRLEN];
        size_t length = (size_t)(slash - text);
        if (length >= sizeof(digits))
                return -EINVAL;
        memcpy(digits, text, length);
        digits[length] = '\0';
        int r = prefix_address_parse(digits, &prefix.address);
        if (r < 0)
                return r;
        uint32_t bits;
        r = number_parse(slash + 1, prefix.address.family == AF_INET ? 32 : 128, &bits);
        if (r < 0)
                return r;
        prefix.bits = (uint8_t)bits;
        if (clear_behind(&prefix.address, prefix.bits))
                return -ERANGE;
        *ret_prefix = prefix;
        return 0;
}

int address_from_sockaddr(const struct sockaddr *sockaddr, struct address *ret_address)
{
        static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291 s.2.5.5.2 */
        struct address address = {.family = sockaddr->sa_family};
        if (sockaddr->sa_family == AF_INET) {
                struct sockaddr_in in;
                memcpy(&in, sockaddr, sizeof(in));
                memcpy(address.bytes, &in.sin_addr, 4);
                address.port = ntohs(in.sin_port);
        } else if (sockaddr->sa_family == AF_INET6) {
                struct sockaddr_in6 in6;
                memcpy(&in6, sockaddr, sizeof(in6));
                address.port = ntohs(in6.sin6_port);
                if (memcmp(&in6.sin6_addr, mapped, sizeof(mapped)) == 0) {
                        address.family = AF_INET;
                        memcpy(address.bytes, in6.sin6_addr.s6_addr + 12, 4);
                } else {
                        memcpy(address.bytes, &in6.sin6_addr, 16);
                        address.scope = is_link_local(&address) ? in6.sin6_scope_id : 0;
                }
        } else {
                return -EAFNOSUPPORT;
        }
        *ret_address = address;
        return 0;
}

socklen_t address_to_sockaddr(const struct address *address, struct sockaddr_storage *ret_sockaddr)
{
        memset(ret_sockaddr, 0, sizeof(*ret_sockaddr));
        if (address->family == AF_INET) {
                struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(address->port)};
                memcpy(&in.sin_addr, address->bytes, 4);
                memcpy(ret_sockaddr, &in, sizeof(in));
                return sizeof(in);
        }
        if (address->family == AF_INET6) {
                struct sockaddr_in6 in6 = {
                        .sin6_family = AF_INET6,
                        .sin6_port = htons(address->port),
                        .sin6_scope_id = address->scope,
                };
                memcpy(&in6.sin6_addr, address->bytes, 16);
                memcpy(ret_sockaddr, &in6, sizeof(in6));
                return sizeof(in6);
        }
        return 0;
}

bool address_equal(const struct address *left, const struct address *right)
{
        return left->family == right->family && left->scope == right->scope &&
               memcmp(left->bytes, right->bytes, sizeof(left->bytes)) == 0;
}

bool address_and_port_equal(const struct address *left, const struct address *right)
{
        return left->port == right->port && address_equal(left, right);
}

bool address_is_loopback(const struct address *address)
{
        static const uint8_t one[16] = {[15] = 1};
        if (address->family == AF_INET)
                return address->bytes[0] == 127;
        return address->family == AF_INET6 && memcmp(address->bytes, one, sizeof(one)) == 0;
}

bool prefix_contains(const struct prefix *prefix, const struct address *address)
{
        if (address->family == 0 || prefix->address.family != address->family)
                return false;
        if (prefix->address.scope != 0 && prefix->address.scope != address->scope)
                return false;
        struct address network = *address;
        clear_behind(&network, prefix->bits);
        return memcmp(network.bytes, prefix->address.bytes, sizeof(network.bytes)) == 0;
}

/* Without the port; returns the length. */
static size_t format_bytes(const struct address *address, char text[static ADDRESS_TEXT_MAX])
{
        if (address->family != AF_INET && address->family != AF_INET6) {
                snprintf(text, ADDRESS_TEXT_MAX, "none");
                return strlen(text);
        }
        inet_ntop(address->family, address->bytes, text, ADDRESS_TEXT_MAX);
        if (address->scope == 0)
                return strlen(text);
        size_t length = strlen(text);
        char name[IF_NAMESIZE];
        if (if_indextoname(address->scope, name))
                snprintf(text + length, ADDRESS_TEXT_MAX - length, "%%%s", name);
        else
                snprintf(text + length, ADDRESS_TEXT_MAX - length, "%%%u", address->scope);
        return strlen(text);
}

const char *address_format(const struct address *address, char text[static ADDRESS_TEXT_MAX])
{
        size_t length = format_bytes(address, text);
        if (address->port != 0)
                snprintf(text + length, ADDRESS_TEXT_MAX - length, "#%u", address->port);
        return text;
}

const char *prefix_format(const struct prefix *prefix, char text[static ADDRESS_TEXT_MAX])
{
        size_t length = format_bytes(&prefix->address, text);
        snprintf(text + length, ADDRESS_TEXT_MAX - length, "/%u", prefix->bits);
        return text;
}

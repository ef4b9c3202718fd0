/* This machine: whether its listeners answer, which addresses are its own, and who keeps its clock. */
#include "base/cleanup.h"
#include "client/ask.h"
#include "client/doctor.h"
#include "dns/type.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#define WAIT_MSEC 2000

/* ---- addresses ---- */

static bool is_wildcard(const struct address *address)
{
        static const uint8_t zeros[16] = {0};
        return memcmp(address->bytes, zeros, sizeof zeros) == 0;
}

/* RFC 1918, 6598, 4193, loopback, link-local: the Internet does not route them. */
static bool is_private(const struct address *address)
{
        static const char *const prefixes[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"};
        struct prefix prefix;

        for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
                if (prefix_parse(prefixes[i], &prefix) == 0 && prefix_contains(&prefix, address))
                        return true;
        return false;
}

static void add_own(struct gatherer *gatherer, const struct address *address)
{
        if (gatherer->own_count < DOCTOR_OWN_MAX)
                gatherer->own[gatherer->own_count++] = *address;
}

/* Addresses of the interfaces, without loopback. Returns whether one of them is public. */
static bool add_interfaces(struct gatherer *gatherer, sa_family_t family)
{
        struct ifaddrs *all = NULL;
        bool has_public = false;

        if (getifaddrs(&all) < 0)
                return false;
        for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
                struct address address;
                if (!at->ifa_addr || at->ifa_addr->sa_family != family || at->ifa_flags & IFF_LOOPBACK ||
                        address_from_sockaddr(at->ifa_addr, &address) < 0)
                        continue;
                address.port = 0;
                add_own(gatherer, &address);
                has_public = has_public || !is_private(&address);
        }
        freeifaddrs(all);
        return has_public;
}

/* ---- listeners ---- */

static void ask_listener(
        struct gatherer *gatherer, const struct address *address, struct doctor_listener *listener)
{
        static const uint8_t root[] = {0};
        struct ask_question question = {
                .server = *address, .name = root, .type = TYPE_SOA, .is_tcp = true, .wait_msec = WAIT_MSEC};
        struct ask_answer answer;

        if (is_wildcard(address)) { /* by loopback */
                question.server.bytes[address->family == AF_INET ? 0 : 15] =
                        address->family == AF_INET ? 127 : 1;
                if (address->family == AF_INET)
                        question.server.bytes[3] = 1;
        }
        int r = ask(&question, &gatherer->arena, &answer);
        listener->asked = r == 0 && answer.result == ASK_ANSWERED ? DOCTOR_ANSWERED : DOCTOR_SILENT;
        listener->why = r < 0 || answer.error == 0 ? "no answer" : strerror(answer.error);
        ask_answer_free(&answer);
}

static bool address_with_port(const char *text, struct address *ret_address)
{
        char alone[ADDRESS_TEXT_MAX];
        size_t length = strcspn(text, "#");

        if (length >= sizeof alone)
                return false;
        memcpy(alone, text, length);
        alone[length] = '\0';
        if (address_parse(alone, ret_address) < 0)
                return false;
        ret_address->port = text[length] == '#' ? (uint16_t)strtoul(text + length + 1, NULL, 10) : 0;
        if (ret_address->port == 0)
                ret_address->port = 53;
        return true;
}

static void judge_list(
        struct gatherer *gatherer, const json_t *list, bool is_given, struct doctor_daemon *facts)
{
        struct doctor_listener *listeners = (struct doctor_listener *)facts->listeners;
        struct address address;
        char text[ADDRESS_TEXT_MAX];

        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *from = json_string_value(json_array_get(list, i));
                if (!from || !address_with_port(from, &address))
                        continue;
                struct doctor_listener *listener = &listeners[facts->listener_count++];
                listener->address = facts_text(gatherer, address_format(&address, text));
                listener->is_given = is_given;
                ask_listener(gatherer, &address, listener);
                if (is_wildcard(&address))
                        listener->is_private = !add_interfaces(gatherer, address.family);
                else {
                        listener->is_private = is_private(&address);
                        add_own(gatherer, &address);
                }
        }
}

void host_judge_listeners(struct gatherer *gatherer, const json_t *from, struct doctor_daemon *facts)
{
        const json_t *listeners = json_object_get(from, "listeners");
        const json_t *given = json_object_get(from, "public_addresses");

        facts->listeners = facts_alloc(
                gatherer, (json_array_size(listeners) + json_array_size(given)) * sizeof *facts->listeners);
        judge_list(gatherer, listeners, false, facts);
        judge_list(gatherer, given, true, facts);
}

/* ---- the clock ---- */

void host_read_clock(struct doctor_daemon *facts)
{
        struct timex timex = {0};

        if (adjtimex(&timex) < 0)
                return; /* unknown */
        facts->clock = timex.status & STA_UNSYNC ? DOCTOR_CLOCK_FREE : DOCTOR_CLOCK_KEPT;
        facts->clock_error_usec = timex.maxerror > 0 ? (uint64_t)timex.maxerror : 0;
}

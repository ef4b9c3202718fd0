/* The NOTIFY itself, and the exchange that waits for its answer. Main loop.
 *
 *     header   ID random, opcode NOTIFY, AA           (RFC 1996 s.3.7: "as if" answering a query for the SOA)
 *     question zone SOA IN
 *     answer   SOA, as the store serves it now        (s.3.7: a hint; who gets it may compare the serial)
 *     TSIG     where the target has a key
 *
 * The SOA comes from the store at the moment of sending, so what is announced is what a query would get, and
 * is durable (the commit is the serving). Where the store is ahead of what was published to us, that serial
 * counts. */
#include "notify/state.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/random.h"
#include "dns/serial.h"
#include "dns/type.h"

#include <errno.h>
#include <string.h>

#define ID_TRIES 16

void exchange_end(struct notify *notify, struct pending *pending)
{
        struct exchange *exchange = &pending->exchange;
        if (!exchange->is_open)
                return;
        table_remove(&notify->exchanges, &exchange->key, sizeof(exchange->key));
        tsig_context_free(exchange->context);
        conf_unref(exchange->conf);
        *exchange = (struct exchange){0};
}

/* A random ID that no other NOTIFY on this way waits with. */
static int exchange_begin(struct notify *notify, struct pending *pending, uint32_t socket_id)
{
        struct exchange *exchange = &pending->exchange;
        exchange_end(notify, pending);
        for (unsigned i = 0; i < ID_TRIES; i++) {
                exchange->key =
                        exchange_key_of(&pending->peer->address, socket_id, (uint16_t)random_below(0x10000));
                if (table_get(&notify->exchanges, &exchange->key, sizeof(exchange->key)))
                        continue;
                int r = table_put(&notify->exchanges, &exchange->key, sizeof(exchange->key), pending, NULL);
                if (r < 0)
                        return r;
                exchange->is_open = true;
                return 0;
        }
        return -EAGAIN;
}

/* Without TSIG; returns its length. `bytes` has room for NOTIFY_MESSAGE_MAX. */
static size_t message_build(uint8_t *bytes, uint16_t id, const uint8_t *zone, const struct record *soa)
{
        size_t name = name_length(zone);
        memset(bytes, 0, MESSAGE_HEADER_SIZE);
        write_u16(bytes, id);
        write_u16(bytes + 2, OPCODE_NOTIFY << 11 | FLAG_AA);
        write_u16(bytes + 4, 1);
        write_u16(bytes + 6, 1);
        uint8_t *at = bytes + MESSAGE_HEADER_SIZE;
        memcpy(at, zone, name);
        at += name;
        write_u16(at, TYPE_SOA);
        write_u16(at + 2, CLASS_IN);
        at += 4;
        write_u16(at, 0xc000 | MESSAGE_HEADER_SIZE); /* the question's name */
        write_u16(at + 2, TYPE_SOA);
        write_u16(at + 4, CLASS_IN);
        write_u32(at + 6, soa->ttl);
        write_u16(at + 10, soa->rdata_length);
        memcpy(at + 12, soa->rdata, soa->rdata_length);
        return (size_t)(at + 12 + soa->rdata_length - bytes);
}

static int message_sign(struct notify *notify, struct pending *pending, uint8_t *bytes, size_t *length)
{
        struct exchange *exchange = &pending->exchange;
        const struct tsig_key *key = pending->target->target.key;
        if (!key)
                return 0;
        int r = tsig_context_new(key, &exchange->context);
        if (r < 0)
                return r;
        exchange->conf = conf_ref(fleet_conf(notify->fleet)); /* a reload must not take the key away */
        return tsig_sign_request(exchange->context, bytes, length, clock_realtime_usec() / USEC_PER_SEC);
}

/* The SOA is copied: the store's view ends here. */
static int message_from_store(struct notify *notify, const struct fleet_zone *zone, uint16_t id,
        uint8_t *bytes, size_t *ret_length, uint32_t *ret_serial)
{
        struct store_read *read;
        struct store_zone row;
        int r = store_read_begin(notify->store, &read);
        if (r < 0)
                return r;
        r = store_zone_find(read, zone->name, &row);
        if (r == 0 && row.soa.rdata_length > 2 * NAME_MAX_LENGTH + 20)
                r = -EUCLEAN;
        if (r == 0) {
                *ret_length = message_build(bytes, id, zone->name, &row.soa);
                *ret_serial = row.serial;
        }
        store_read_end(read);
        return r;
}

static void note_sent(struct notify *notify, struct pending *pending, uint32_t serial)
{
        struct fleet_target *target = pending->target;
        pending->exchange.serial = serial;
        pending->exchange.sent_usec = clock_monotonic_usec();
        if (pending->state.serial != serial) {
                pending->state.serial = serial;
                pending->state.was_asked = false;
        }
        target->row.notified_serial = serial;
        target->row.notified_usec = clock_realtime_usec();
        fleet_target_changed(notify->fleet, target);
}

/* What the target's block says of the source for its family, else the zone's policy. */
static const struct address *source_for(const struct notify *notify, const struct pending *pending)
{
        const struct conf_policy *policy =
                conf_policy_for(fleet_conf(notify->fleet), pending->target->zone->name);
        const struct conf_secondary *secondary = pending->target->target.secondary;
        bool is_v6 = pending->peer->address.family == AF_INET6;
        if (secondary && (is_v6 ? secondary->notify_source_v6 : secondary->notify_source).family != 0)
                return is_v6 ? &secondary->notify_source_v6 : &secondary->notify_source;
        return pending->peer->address.family == AF_INET6 ? &policy->notify_source_v6 : &policy->notify_source;
}

static int send_datagram(struct notify *notify, struct pending *pending, struct udp_socket *socket)
{
        uint8_t bytes[NOTIFY_MESSAGE_MAX];
        size_t length;
        uint32_t serial = 0;
        int r = exchange_begin(notify, pending, udp_socket_id(socket));
        if (r < 0)
                return r;
        r = message_from_store(
                notify, pending->target->zone, pending->exchange.key.id, bytes, &length, &serial);
        if (r < 0)
                return r;
        r = message_sign(notify, pending, bytes, &length);
        if (r < 0)
                return r;
        r = fault_point("notify-send");
        if (r < 0)
                return r;
        struct sockaddr_storage to;
        socklen_t to_length = address_to_sockaddr(&pending->peer->address, &to);
        if (sendto(udp_socket_fd(socket), bytes, length, MSG_DONTWAIT, (struct sockaddr *)&to, to_length) < 0)
                return -errno;
        note_sent(notify, pending, serial);
        return 0;
}

int notify_send(struct notify *notify, struct pending *pending)
{
        struct udp_socket *socket;
        int r = udp_pools_pick(
                notify->pools, pending->peer->address.family, source_for(notify, pending), &socket);
        if (r < 0) {
                tell_send_error(pending, "no socket with the source address", r);
                return r == -ENOENT ? -EIO : r;
        }
        r = send_datagram(notify, pending, socket);
        if (r < 0) {
                exchange_end(notify, pending);
                if (r != -ENOENT)
                        tell_send_error(pending, "not sent", r);
        }
        return r;
}

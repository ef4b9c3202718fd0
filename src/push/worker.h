/* Between the main loop and the worker of an account. Private to push/. */
#pragma once

#include "base/queue.h"
#include "conf/conf.h"
#include "push/errand.h"
#include "push/push.h"
#include "push/row.h"

struct store;
struct worker;
struct push_target; /* the main loop's; a worker only hands it back */

/* Main loop to worker. */
enum order_kind {
        ORDER_BEGIN, /* a zone at a secondary */
        ORDER_BLOCK, /* its block has changed: compare */
        ORDER_CONF,  /* another configuration, the block's meaning is the same */
        ORDER_LOOK,  /* a version is published */
        ORDER_FORCE,
        ORDER_APPROVE,
        ORDER_PLAN,
        ORDER_FORGET, /* answered by REPORT_GONE */
        ORDER_ERRAND, /* answered by REPORT_ERRAND; has no target */
};
struct push_order {
        struct queue_item item;
        enum order_kind kind;
        struct push_target *target;
        struct conf *conf; /* a reference: BEGIN, BLOCK, CONF */
        const struct conf_secondary *block;
        uint8_t zone[NAME_MAX_LENGTH];
        uint8_t hash[32];
        struct push_errand errand;
};

/* Worker to main loop. */
enum report_kind { REPORT_STATUS, REPORT_PLAN, REPORT_GONE, REPORT_ERRAND };
struct push_report {
        struct queue_item item;
        enum report_kind kind;
        struct push_target *target;
        struct push_status status;
        bool is_in_sync; /* a version has become so now */
        bool is_signed;  /* a version to be pushed is signed, and the one before was not */
        uint8_t changed_owner[NAME_MAX_LENGTH];
        uint16_t changed_type; /* 0 = none */
        bool has_names;
        struct push_names names;
        struct fleet_write *writes;
        size_t write_count;
        char *plan; /* PLAN, and STATUS of what is held; NULL = it failed */
        struct push_errand errand;
};
struct push_report *push_report_free(struct push_report *report);

struct worker_options {
        struct store *store;
        struct queue *reports;
        const struct push_provider *provider;
        const char *credentials;            /* the account: a file */
        const struct conf_secondary *block; /* and its endpoint, ca-file */
};
int worker_new(const struct worker_options *options, struct worker **ret_worker);
/* Takes the order over. */
void worker_post(struct worker *worker, struct push_order *order);
/* Ends the request at hand soon, joins. */
struct worker *worker_free(struct worker *worker);

/* Accounts: credentials at an endpoint, each with its worker. Main loop. */
#include "push/state.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

bool push_same_text(const char *left, const char *right)
{
        return left == right || (left && right && strcmp(left, right) == 0);
}

static const struct push_provider *provider_of(const struct conf_secondary *block)
{
        return block->provider->kind == PROVIDER_ROUTE53 ? &push_route53 : &push_cloudflare;
}

bool push_can_give_apex_ns(const struct conf_secondary *secondary)
{
        return provider_of(secondary)->flags & PUSH_PROVIDER_APEX_NS;
}

/* The file of credentials: a token beside transfers where that is what the block has. */
static const char *credentials_of(const struct conf_secondary *block)
{
        return conf_secondary_is_pushed(block) ? block->credentials : block->api_token;
}

bool account_is(const struct account *account, const struct conf_secondary *block)
{
        return account->provider == provider_of(block) &&
               push_same_text(account->credentials, credentials_of(block)) &&
               push_same_text(account->endpoint, block->endpoint) &&
               push_same_text(account->ca_file, block->ca_file);
}

static char *copy_text(const char *text)
{
        return text ? strdup(text) : NULL;
}

void account_free(struct account *account)
{
        worker_free(account->worker);
        free(account->credentials);
        free(account->endpoint);
        free(account->ca_file);
        free(account);
}

struct account *account_get(struct push *push, const struct conf_secondary *block)
{
        struct account *account = push->accounts;
        while (account && !account_is(account, block))
                account = account->next;
        if (account)
                return account;
        account = calloc(1, sizeof(*account));
        if (!account)
                return NULL;
        account->provider = provider_of(block);
        account->credentials = copy_text(credentials_of(block));
        account->endpoint = copy_text(block->endpoint);
        account->ca_file = copy_text(block->ca_file);
        struct worker_options options = {
                push->options.store, push->reports, account->provider, account->credentials, block};
        int r = worker_new(&options, &account->worker);
        if (r < 0) {
                log_write(LOG_ERR, &(struct log_fields){.secondary = block->name},
                        "%s: its API cannot be asked: %s", block->name, strerror(-r));
                account_free(account);
                return NULL;
        }
        account->next = push->accounts;
        push->accounts = account;
        return account;
}

/* template "NAME" { match "*.example"; STATEMENTS };: a policy for many zones. A zone block names its
 * template; a zone that names none, or has no block, has the first one whose match fits, else options'
 * policy. */

#include "conf/reader.h"

#include <ctype.h>
#include <string.h>

#define MATCHES_MAX 1000

/* "*" stands for any characters, dots too. No recursion: the last star alone is tried again. */
static bool is_match(const char *pattern, const char *text)
{
        const char *star = NULL, *behind = NULL;
        while (*text) {
                if (*pattern == '*') {
                        star = pattern++;
                        behind = text;
                } else if (*pattern == *text) {
                        pattern++;
                        text++;
                } else if (star) {
                        pattern = star + 1;
                        text = ++behind;
                } else
                        return false;
        }
        while (*pattern == '*')
                pattern++;
        return *pattern == '\0';
}

const struct conf_template *conf_template_for(const struct conf *conf, const uint8_t *name)
{
        char text[NAME_TEXT_MAX];
        uint8_t folded[NAME_MAX_LENGTH];
        if (conf->template_count == 0)
                return NULL;
        name_fold(name, folded);
        name_to_zone_text(folded, text);
        for (size_t i = 0; i < conf->template_count; i++)
                for (size_t k = 0; k < conf->templates[i].match_count; k++)
                        if (is_match(conf->templates[i].matches[k], text))
                                return &conf->templates[i];
        return NULL;
}

/* One pattern: folded, without a final dot. */
static const char *read_pattern(
        struct reader *reader, const struct statement *statement, const struct item *item)
{
        struct position at = item_position(statement, item);
        size_t length = strlen(item->text);
        char *pattern = reader_text(reader, item->text);
        if (!pattern)
                return NULL;
        if (length > 1 && pattern[length - 1] == '.')
                pattern[length - 1] = '\0';
        if (*pattern == '\0' || length > NAME_TEXT_MAX) {
                reader_error(reader, at, "value", "match \"*.example\";",
                        "this is no pattern for the names of zones");
                return NULL;
        }
        for (char *c = pattern; *c; c++)
                *c = (char)tolower((unsigned char)*c);
        return pattern;
}

/* match "PATTERN"; or match { "PATTERN"; ... }; */
void read_template_match(struct reader *reader, struct block *block, const struct statement *statement)
{
        struct conf_template *template = block->template;
        bool is_list = statement->count == 2 && statement->items[1].kind == ITEM_BLOCK;
        const struct statement *first = is_list ? statement->items[1].block : statement;
        size_t count = 0;
        if (!is_list && !reader_value(reader, statement))
                return;
        for (const struct statement *at = first; at && is_list; at = at->next)
                count++;
        const char **matches =
                count <= MATCHES_MAX ? reader_alloc(reader, (count + 1) * sizeof(*matches)) : NULL;
        if (count > MATCHES_MAX)
                reader_error(reader, statement_position(statement), "too-large", NULL,
                        "more than %d patterns of a template", MATCHES_MAX);
        template->matches = matches;
        if (matches && !is_list) {
                matches[0] = read_pattern(reader, statement, &statement->items[1]);
                template->match_count = matches[0] != NULL;
        }
        for (const struct statement *at = first; at && is_list && matches; at = at->next) {
                if (!item_is_text(&at->items[0]) || !reader_end(reader, at, 1))
                        continue;
                matches[template->match_count] = read_pattern(reader, at, &at->items[0]);
                template->match_count += matches[template->match_count] != NULL;
        }
}

void read_template(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        struct conf *conf = &reader->whole->conf;
        struct named_block *named = statement->count > 1 && item_is_text(&statement->items[1])
                                            ? block_find(&reader->templates, statement->items[1].text)
                                            : NULL;
        const struct item *body = reader_block(reader, statement, 2);
        if (!body || !named || named->statement != statement)
                return;
        struct conf_template *template = (struct conf_template *)&conf->templates[conf->template_count++];
        *template = (struct conf_template){.name = named->name, .policy = conf->policy};
        named->template = template;
        struct block inner = {.place = PLACE_TEMPLATE,
                .policy = &template->policy,
                .template = template,
                .owner = statement};
        block_read(reader, &inner, body->block);
        policy_check(reader, &inner);
}

/* zone { template "NAME"; }: looked at before the zone's other statements (zone_begin). */
void read_zone_template(struct reader *reader, struct block *block, const struct statement *statement)
{
        (void)block;
        const struct item *item = reader_value(reader, statement);
        if (item && !item_is_word(item, "none") && !block_find(&reader->templates, item->text))
                block_undefined(reader, statement, item, &reader->templates, "template");
}

void zone_begin(struct reader *reader, struct conf_zone *zone, const struct item *named)
{
        const struct conf *conf = &reader->whole->conf;
        const struct named_block *block = named ? block_find(&reader->templates, named->text) : NULL;
        const struct conf_template *template =
                named ? (block ? block->template : NULL) : conf_template_for(conf, zone->name);
        zone->policy = template ? template->policy : conf->policy;
        zone->template_name = template ? template->name : NULL;
}

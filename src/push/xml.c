/* expat's events into a tree in an arena. Any thread. */
#include "push/xml.h"

#include "base/buffer.h"

#include <errno.h>
#include <expat.h>
#include <string.h>

#define DEPTH_MAX 32

struct level {
        struct xml_node *node;
        struct xml_node **last; /* where the next child goes */
        struct buffer text;
};

struct reader {
        XML_Parser parser;
        struct arena *arena;
        struct level levels[DEPTH_MAX + 1]; /* 0 is the document */
        unsigned depth;
        int error;
};

static void give_up(struct reader *reader, int error)
{
        if (reader->error == 0)
                reader->error = error;
        XML_StopParser(reader->parser, XML_FALSE);
}

static void on_start(void *context, const char *name, const char **attributes)
{
        struct reader *reader = context;
        (void)attributes;
        const char *local = strrchr(name, '|');
        local = local ? local + 1 : name;
        if (reader->depth == DEPTH_MAX) {
                give_up(reader, -EBADMSG);
                return;
        }
        struct xml_node *node = arena_alloc(reader->arena, sizeof(*node));
        char *copy = node ? arena_text(reader->arena, local, strlen(local)) : NULL;
        if (!copy) {
                give_up(reader, -ENOMEM);
                return;
        }
        *node = (struct xml_node){.name = copy, .text = ""};
        struct level *parent = &reader->levels[reader->depth++];
        *parent->last = node;
        parent->last = &node->next;
        struct level *level = &reader->levels[reader->depth];
        level->node = node;
        level->last = &node->child;
        buffer_clear(&level->text);
}

static void on_end(void *context, const char *name)
{
        struct reader *reader = context;
        (void)name;
        struct level *level = &reader->levels[reader->depth--];
        const char *text = buffer_text(&level->text);
        char *copy = text ? arena_text(reader->arena, text, level->text.length) : NULL;
        if (copy)
                level->node->text = copy;
        else
                give_up(reader, -ENOMEM);
}

static void on_text(void *context, const char *text, int length)
{
        struct reader *reader = context;
        buffer_append(&reader->levels[reader->depth].text, text, (size_t)length);
}

/* Nothing that we ask has a document type: entities that grow are not for us. */
static void on_doctype(
        void *context, const char *name, const char *system, const char *public, int has_internal_subset)
{
        (void)name, (void)system, (void)public, (void)has_internal_subset;
        give_up(context, -EBADMSG);
}

int xml_parse(const void *bytes, size_t length, struct arena *arena, struct xml_node **ret_root)
{
        struct xml_node *root = NULL;
        struct reader reader = {.arena = arena, .parser = XML_ParserCreateNS(NULL, '|')};
        if (!reader.parser)
                return -ENOMEM;
        reader.levels[0].last = &root;
        XML_SetUserData(reader.parser, &reader);
        XML_SetElementHandler(reader.parser, on_start, on_end);
        XML_SetCharacterDataHandler(reader.parser, on_text);
        XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
        bool is_whole = length <= INT32_MAX &&
                        XML_Parse(reader.parser, bytes, (int)length, XML_TRUE) == XML_STATUS_OK;
        XML_ParserFree(reader.parser);
        for (unsigned i = 0; i <= DEPTH_MAX; i++) {
                if (reader.levels[i].text.failed && reader.error == 0)
                        reader.error = -ENOMEM;
                buffer_free(&reader.levels[i].text);
        }
        if (reader.error < 0)
                return reader.error;
        if (!is_whole || !root)
                return -EBADMSG;
        *ret_root = root;
        return 0;
}

static const struct xml_node *find(const struct xml_node *node, const char *name)
{
        while (node && strcmp(node->name, name) != 0)
                node = node->next;
        return node;
}

const struct xml_node *xml_child(const struct xml_node *node, const char *name)
{
        return node ? find(node->child, name) : NULL;
}

const struct xml_node *xml_next(const struct xml_node *node)
{
        return find(node->next, node->name);
}

const char *xml_child_text(const struct xml_node *node, const char *name)
{
        const struct xml_node *child = xml_child(node, name);
        return child ? child->text : NULL;
}

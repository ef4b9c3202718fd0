/* What zonecrier check found, for a person or as JSON. */
#include "client/check.h"

#include "base/buffer.h"
#include "client/client.h"
#include "client/print.h"

#include <string.h>

/* ---- paths as they were given ---- */

/* Every "/absolute/folder/" in the text becomes the folder as given. */
static char *given_path(struct arena *arena, const char *text, const struct checked_file *file)
{
        struct buffer out = {0};
        size_t length = strlen(file->folder);
        char *copy = NULL;

        for (const char *at = text; *at;) {
                bool starts = (at == text || at[-1] == ' ') && strncmp(at, file->folder, length) == 0 &&
                              at[length] == '/';
                if (starts) {
                        buffer_append_text(&out, file->given_folder);
                        at += length + 1;
                } else
                        buffer_append_u8(&out, (uint8_t)*at++);
        }
        const char *result = buffer_text(&out);
        if (result)
                copy = arena_text(arena, result, strlen(result));
        buffer_free(&out);
        return copy;
}

void check_give_paths_back(struct checked_file *file)
{
        struct diag_list *diags = &file->diags;

        if (!file->folder)
                return;
        for (size_t i = 0; i < diags->count; i++) {
                struct diag *diag = &diags->items[i];
                const char *path = diag->file ? given_path(&diags->arena, diag->file, file) : NULL;
                const char *from =
                        diag->included_from ? given_path(&diags->arena, diag->included_from, file) : NULL;
                diag->file = path ? path : diag->file;
                diag->included_from = from ? from : diag->included_from;
        }
}

/* ---- output ---- */

/* Octets that are no UTF-8 are shown as escapes. */
static void set_text(json_t *json, const char *key, const char *text)
{
        if (!text)
                return;
        json_t *value = json_string(text);
        if (!value) {
                struct buffer escaped = {0};
                print_escape(&escaped, text, strlen(text), false);
                value = json_string(buffer_text(&escaped));
                buffer_free(&escaped);
        }
        json_object_set_new(json, key, value);
}

static json_t *diag_json(const struct diag *diag)
{
        json_t *json = json_object();
        set_text(json, "severity", diag_severity_name(diag->severity));
        set_text(json, "code", diag->code);
        set_text(json, "file", diag->file);
        if (diag->line)
                json_object_set_new(json, "line", json_integer(diag->line));
        if (diag->column)
                json_object_set_new(json, "column", json_integer(diag->column));
        set_text(json, "message", diag->message);
        set_text(json, "hint", diag->hint);
        set_text(json, "source_line", diag->source_line);
        set_text(json, "included_from", diag->included_from);
        return json;
}

static void add_json(struct check *check, const struct checked_file *file)
{
        char zone[NAME_TEXT_MAX];
        json_t *diagnostics = json_array();
        bool is_clean = file->diags.error_count == 0;

        for (size_t i = 0; i < file->diags.count; i++)
                json_array_append_new(diagnostics, diag_json(&file->diags.items[i]));
        json_t *json = json_object();
        set_text(json, "file", file->path);
        json_object_set_new(json, "zone",
                file->has_zone ? json_string(name_to_zone_text(file->zone, zone)) : json_null());
        json_object_set_new(json, "serial", is_clean ? json_integer(file->serial) : json_null());
        json_object_set_new(
                json, "records", is_clean ? json_integer((json_int_t)file->record_count) : json_null());
        json_object_set_new(json, "errors", json_integer((json_int_t)file->diags.error_count));
        json_object_set_new(json, "warnings", json_integer((json_int_t)file->diags.warning_count));
        json_object_set_new(json, "diagnostics", diagnostics);
        json_array_append_new(check->files, json);
}

static void print_file(const struct check *check, const struct checked_file *file)
{
        char zone[NAME_TEXT_MAX];
        struct buffer text = {0};

        for (size_t i = 0; i < file->diags.count; i++)
                diag_format(&file->diags.items[i], &text);
        if (text.length > 0)
                fwrite(text.data, 1, text.length, stdout);
        buffer_free(&text);
        size_t untold = file->diags.error_count + file->diags.warning_count;
        if (untold > file->diags.count)
                printf("... and %zu more\n", untold - file->diags.count);
        if (check->is_quiet || file->diags.error_count > 0)
                return;
        print_text(stdout, file->path);
        printf(": %s, serial %u, %zu records: ", name_to_zone_text(file->zone, zone), file->serial,
                file->record_count);
        if (file->diags.warning_count)
                print_colored(check->client, PRINT_YELLOW, "%zu warning%s", file->diags.warning_count,
                        file->diags.warning_count == 1 ? "" : "s");
        else
                print_colored(check->client, PRINT_GREEN, "clean");
        putchar('\n');
}

/* ---- annotations of GitHub Actions: ::error file=F,line=N,col=N,title=T::MESSAGE ---- */

static void print_annotation_text(const char *text, bool is_property)
{
        struct buffer escaped = {0};

        print_escape(&escaped, text, strlen(text), true);
        const char *shown = buffer_text(&escaped);
        for (; shown && *shown; shown++) {
                if (*shown == '%' || *shown == '\n' || (is_property && (*shown == ':' || *shown == ',')))
                        printf("%%%02X", (unsigned char)*shown);
                else
                        putchar(*shown);
        }
        buffer_free(&escaped);
}

static void print_annotation(const struct diag *diag)
{
        static const char *const words[] = {
                [DIAG_ERROR] = "error", [DIAG_WARNING] = "warning", [DIAG_NOTE] = "notice"};

        printf("::%s file=", words[diag->severity]);
        print_annotation_text(diag->file ? diag->file : "", true);
        if (diag->line)
                printf(",line=%u", diag->line);
        if (diag->line && diag->column)
                printf(",col=%u", diag->column);
        fputs(",title=", stdout);
        print_annotation_text(diag->code, true);
        fputs("::", stdout);
        print_annotation_text(diag->message, false);
        if (diag->hint) {
                fputs("%0A", stdout);
                print_annotation_text(diag->hint, false);
        }
        if (diag->included_from) {
                fputs("%0Aincluded from ", stdout);
                print_annotation_text(diag->included_from, false);
        }
        putchar('\n');
}

static void print_totals(const struct check *check)
{
        if (!check->is_quiet && check->file_count < 2 && check->error_count == 0)
                return;
        printf("%zu file%s: %zu error%s, %zu warning%s", check->file_count, check->file_count == 1 ? "" : "s",
                check->error_count, check->error_count == 1 ? "" : "s", check->warning_count,
                check->warning_count == 1 ? "" : "s");
        if (check->file_count > 1 && check->broken_count > 0)
                printf("; %zu of them would not be published", check->broken_count);
        putchar('\n');
}

void check_report_file(struct check *check, struct checked_file *file)
{
        switch (check->format) {
        case CHECK_TEXT:
                print_file(check, file);
                break;
        case CHECK_JSON:
                add_json(check, file);
                break;
        case CHECK_GITHUB:
                for (size_t i = 0; i < file->diags.count; i++)
                        print_annotation(&file->diags.items[i]);
                break;
        }
}

void check_report_totals(const struct check *check)
{
        if (check->format == CHECK_TEXT)
                print_totals(check);
        if (check->format != CHECK_JSON)
                return;
        json_t *json = json_object();
        json_object_set(json, "files", check->files);
        json_object_set_new(json, "errors", json_integer((json_int_t)check->error_count));
        json_object_set_new(json, "warnings", json_integer((json_int_t)check->warning_count));
        json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
        putchar('\n');
        json_decref(json);
}

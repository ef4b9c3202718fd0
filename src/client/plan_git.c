/* From one commit to another without a daemon: the zones that may change are published as they were into a
 * store of their own, and their new texts rehearsed on it. */
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/table.h"
#include "client/client.h"
#include "client/plan.h"
#include "client/print.h"
#include "publish/rehearsal.h"
#include "source/source.h"

#include <errno.h>
#include <string.h>

DEFINE_CLEANUP(struct source_snapshot *, source_snapshot_free);
DEFINE_CLEANUP(struct rehearsal_stage *, rehearsal_stage_free);

struct step {
        struct plan *plan;
        struct git *git;
        const char *from, *to, *folder;
        struct rehearsal_stage *stage;
        struct git_zones changed, gone, before; /* before: all zones of `from` */
        struct table before_by_name;            /* -> path */
};

static void step_free(struct step *step)
{
        step->stage = rehearsal_stage_free(step->stage);
        git_zones_free(&step->changed);
        git_zones_free(&step->gone);
        git_zones_free(&step->before);
        table_free(&step->before_by_name);
}

static int tell(const char *what, int r)
{
        fputs("zonecrier: ", stderr);
        print_text(stderr, what);
        fprintf(stderr, ": %s\n", strerror(-r));
        return r;
}

static int read_at(struct step *step, const char *tree, const char *path, const uint8_t *zone, bool strict,
        struct diag_list *diags, int *ret_fd)
{
        CLEANUP(source_snapshot_free_later) struct source_snapshot *snapshot = NULL;
        int r = source_snapshot_git(step->git, tree, step->folder, &snapshot);

        return r == 0 ? plan_read_text(step->plan, snapshot, path, zone, strict, diags, ret_fd) : r;
}

/* What was there is published, whatever is said of it now. A text that had errors was never published. */
static int publish_before(struct step *step, const uint8_t *zone)
{
        CLEANUP_CLOSE int fd = -1;
        struct diag_list diags = {0};
        const char *path = table_get(&step->before_by_name, zone, name_length(zone));

        if (!path)
                return 0;
        int r = read_at(step, step->from, path, zone, false, &diags, &fd);
        if (r == 0)
                r = rehearsal_stage_publish(step->stage, zone, fd);
        diag_free(&diags);
        return r == -EINVAL || r == -ENOENT || r == -EXDEV || r == -ELOOP || r == -EOPNOTSUPP ? 0 : r;
}

static int plan_changed(struct step *step, const struct git_zone *zone)
{
        CLEANUP_CLOSE int fd = -1;
        struct diag_list diags = {0};
        struct rehearsal rehearsal = {.changes_max = SIZE_MAX};
        int r = read_at(step, step->to, zone->path, zone->name, true, &diags, &fd);

        if (diags.error_count > 0) {
                plan_add_errors(step->plan, zone->name, &diags);
                r = 0;
        } else if (r == -ENOENT || r == -EXDEV || r == -ELOOP || r == -EINVAL) {
                plan_add_broken(step->plan, zone->name, zone->path, "leads to no file of the commit");
                r = 0;
        } else if (r == -EOPNOTSUPP) {
                plan_add_broken(step->plan, zone->name, zone->path, PLAN_ENTRIES);
                r = 0;
        } else if (r == 0) {
                r = rehearsal_stage_plan(step->stage, zone->name, fd, &rehearsal);
                if (r == 0)
                        plan_add_rehearsal(step->plan, zone->name, &rehearsal);
        }
        rehearsal_clear(&rehearsal);
        diag_free(&diags);
        return r;
}

static int plan_gone(struct step *step, const struct git_zone *zone)
{
        struct rehearsal rehearsal = {.changes_max = SIZE_MAX};
        int r = rehearsal_stage_removal(step->stage, zone->name, &rehearsal);

        if (r == 0 && rehearsal.kind != REHEARSAL_NONE)
                plan_add_rehearsal(step->plan, zone->name, &rehearsal);
        rehearsal_clear(&rehearsal);
        return r;
}

/* The second and later files for one zone. */
static bool is_second_file(const struct step *step, const struct git_zone *zone)
{
        for (const struct git_zone *at = step->changed.items; zone->is_doubled && at < zone; at++)
                if (!at->is_misnamed && name_equal(at->name, zone->name))
                        return true;
        return false;
}

static int plan_one(struct step *step, const struct git_zone *zone)
{
        if (zone->is_misnamed) {
                plan_add_broken(step->plan, NULL, zone->path, "the file's name is not the name of a zone");
                return 0;
        }
        if (!plan_wants(step->plan, zone->name))
                return 0;
        if (is_second_file(step, zone)) {
                plan_add_broken(step->plan, zone->name, zone->path, "a second file for the same zone");
                return 0;
        }
        return plan_changed(step, zone);
}

static int load(struct step *step)
{
        int r = git_zones_changed(step->git, step->from, step->to, step->folder, &step->changed, &step->gone);

        if (r == 0 && step->from)
                r = git_zones_list(step->git, step->from, step->folder, &step->before);
        for (size_t i = 0; r == 0 && i < step->before.count; i++) {
                const struct git_zone *zone = &step->before.items[i];

                if (!zone->is_misnamed)
                        r = table_put(&step->before_by_name, zone->name, name_length(zone->name),
                                (void *)(uintptr_t)zone->path, NULL);
        }
        return r;
}

int plan_git_step(struct plan *plan, struct git *git, const char *from, const char *to, const char *folder)
{
        CLEANUP(step_free)
        struct step step = {.plan = plan, .git = git, .from = from, .to = to, .folder = folder};
        int r = load(&step);

        if (r < 0)
                return tell("git", r);
        if (step.changed.count + step.gone.count == 0)
                return 0;
        r = rehearsal_stage_new(plan->conf, &step.stage);
        if (r < 0)
                return tell("a temporary folder for the plan ($TMPDIR)", r);
        for (size_t i = 0; r == 0 && i < step.changed.count; i++)
                if (!step.changed.items[i].is_misnamed && plan_wants(plan, step.changed.items[i].name) &&
                        !is_second_file(&step, &step.changed.items[i]))
                        r = publish_before(&step, step.changed.items[i].name);
        for (size_t i = 0; r == 0 && i < step.gone.count; i++)
                if (plan_wants(plan, step.gone.items[i].name))
                        r = publish_before(&step, step.gone.items[i].name);
        for (size_t i = 0; r == 0 && i < step.changed.count; i++)
                r = plan_one(&step, &step.changed.items[i]);
        for (size_t i = 0; r == 0 && i < step.gone.count; i++)
                if (plan_wants(plan, step.gone.items[i].name))
                        r = plan_gone(&step, &step.gone.items[i]);
        return r < 0 ? tell("plan", r) : 0;
}

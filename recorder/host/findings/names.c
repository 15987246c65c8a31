/* findings/names.c - which functions of a name a file has, asked of it once (findings.h). */
#include "findings.h"
#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

/* They are asked for in the order in which they were kept: the search begins behind the last. */
static const struct found_name *named(struct findings *f, const char *name)
{
    for (size_t i = 0, at = f->name_last; i < f->name_count; i++) {
        at = at + 1 < f->name_count ? at + 1 : 0;
        if (strcmp(f->names[at].name, name) == 0) {
            f->name_last = at;
            return &f->names[at];
        }
    }
    return NULL;
}

size_t found_stored(size_t count)
{
    return count < ELF_SAME_NAME ? count : ELF_SAME_NAME;
}

static void remember_name(struct findings *f, const char *name, const struct elf_named *found)
{
    size_t stored = found_stored(found->count);
    struct found_name *list =
        with_room_for_one(f->names, f->name_count, &f->name_room, 16, sizeof *list);
    char *copy = strdup(name);
    struct elf_symbol *symbols = stored ? malloc(stored * sizeof *symbols) : NULL;
    if (list != NULL)
        f->names = list;
    if (list == NULL || copy == NULL || (stored > 0 && symbols == NULL)) {
        free(copy);
        free(symbols);
        return;
    }
    for (size_t i = 0; i < stored; i++) {
        symbols[i] = found->symbols[i];
        symbols[i].name = copy; /* the view's own names go with it */
    }
    f->names[f->name_count++] = (struct found_name){copy, found->count, symbols};
    f->is_new = true;
}

void found_functions(struct findings *f, const struct elf *elf, const char *const *names,
                     size_t count, struct elf_named *found)
{
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        const struct found_name *known = named(f, names[i]);
        if (known != NULL) {
            found[i].count = known->count;
            for (size_t k = 0; k < found_stored(known->count); k++)
                found[i].symbols[k] = known->symbols[k];
        }
        all &= known != NULL;
    }
    if (all)
        return;
    elf_functions_named(elf, names, count, found);
    for (size_t i = 0; i < count; i++)
        if (named(f, names[i]) == NULL)
            remember_name(f, names[i], &found[i]);
}

bool found_function(struct findings *f, const struct elf *elf, const char *name,
                    struct elf_symbol *symbol)
{
    struct elf_named found;
    found_functions(f, elf, &name, 1, &found);
    if (found.count > 0)
        *symbol = found.symbols[0];
    return found.count > 0;
}

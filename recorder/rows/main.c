/* brkpoint-rows MODE - makes the bytes of an export of a trace's events: started by exports/maker.py,
 * which tells it all, and gets what it makes at descriptor 3. It reads no file.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "modes.h"
#include "out.h"

uint64_t groups;

static const struct mode *mode_of(const char *name)
{
    static const struct mode *const modes[] = {&mode_rows, &mode_slices, &mode_heaptrack,
                                               &mode_places, &mode_threads};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (!strcmp(modes[i]->name, name))
            return modes[i];
    return NULL;
}

static void follow(const struct mode *mode)
{
    struct events *now = events_new(mode->columns), *before = events_new(mode->columns);
    int is_first = 1;
    struct cursor told;
    for (;;) {
        enum rows_message kind = wire_next(&told);
        if (kind == ROWS_END)
            return;
        if (kind != ROWS_CHUNK_OF)
            wire_failed(EPROTO);
        events_read(now, &told, groups);
        mode->chunk(now, is_first ? NULL : before);
        out_flush();
        wire_say(ROWS_DONE, NULL, 0);
        struct events *swapped = before;
        before = now;
        now = swapped;
        is_first = 0;
    }
}

int main(int count, char **words)
{
    const struct mode *mode = count == 2 ? mode_of(words[1]) : NULL;
    if (!mode) {
        fputs("brkpoint-rows: a part of brkpoint, which starts it for `brkpoint export`\n", stderr);
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (write(1, ROWS_GREETING, strlen(ROWS_GREETING)) < 0)
        return 1;
    struct cursor told = wire_take(ROWS_TOLD);
    groups = take_number(&told);
    if (groups >= UINT32_MAX)
        wire_failed(EPROTO);
    mode->begin(&told);
    follow(mode);
    mode->finish();
    out_flush();
    wire_say(ROWS_DONE, NULL, 0);
    return 0;
}

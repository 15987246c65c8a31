/* brkpoint-history - turns a spool of single records into one of columns and sums.
 *
 *   brkpoint-history [--nodes N] [--flush N] [--together 1] [--totals 1] SPOOL OUT
 *   brkpoint-history --synthetic N [--stacks N] [--live N] [--ways N] [--together 1] [--totals 1] OUT
 *
 * The first form serves the tests, which hold the result beside alloctrace/history/history.py; the second
 * makes up N events and says what each cost. With --work 1 they say how often the history has told,
 * between two records, that it is at work.
 */
#include <stdlib.h>
#include <string.h>
#include "spool_reader.h"
#include "synthetic.h"

struct options {
    struct reader_options reader;
    struct synthetic synthetic;
    const char *in, *out;
    int keeps_totals, tells_work;
};

static unsigned said, most_said; /* that there is work going on, since the last record */

static void at_work(void *owner)
{
    (void)owner;
    said++;
    most_said = said > most_said ? said : most_said;
}

static int put(void *owner, enum spool_kind kind, const void *payload, size_t length)
{
    FILE *file = owner;
    said = 0;
    struct spool_record head = {.length = (uint32_t)length, .kind = (uint8_t)kind};
    return fwrite(&head, 1, sizeof head, file) == sizeof head &&
                   fwrite(payload, 1, length, file) == length
               ? 0
               : -1;
}

static int put_head(FILE *file)
{
    static const uint8_t head[16] = {'b', 'r', 'k', 's', 'p', 'o', 'o', 'l', 2};
    return fwrite(head, 1, sizeof head, file) == sizeof head ? 0 : -1;
}

static int usage(void)
{
    fputs(
        "usage: brkpoint-history [--nodes N] [--flush N] [OPTION...] SPOOL OUT\n"
        "       brkpoint-history --synthetic N [--stacks N] [--live N] [--ways N] [OPTION...] OUT\n"
        "options: --together 1, --totals 1, --work 1\n",
        stderr);
    return 2;
}

static int parse(struct options *options, int argc, char **argv)
{
    int at = 1;
    for (; at + 1 < argc && !strncmp(argv[at], "--", 2); at += 2) {
        uint64_t value = strtoull(argv[at + 1], NULL, 10);
        if (!strcmp(argv[at], "--nodes"))
            options->reader.node_numbers = (uint32_t)value;
        else if (!strcmp(argv[at], "--flush"))
            options->reader.flush_every = (uint32_t)value;
        else if (!strcmp(argv[at], "--together"))
            options->reader.together = options->synthetic.together = (uint32_t)value;
        else if (!strcmp(argv[at], "--totals"))
            options->keeps_totals = value != 0;
        else if (!strcmp(argv[at], "--work"))
            options->tells_work = value != 0;
        else if (!strcmp(argv[at], "--synthetic"))
            options->synthetic.events = value;
        else if (!strcmp(argv[at], "--stacks"))
            options->synthetic.stacks = (uint32_t)value;
        else if (!strcmp(argv[at], "--live"))
            options->synthetic.live = (uint32_t)value;
        else if (!strcmp(argv[at], "--ways"))
            options->synthetic.ways = (uint32_t)value;
        else
            return -1;
    }
    if (!options->synthetic.events && at < argc)
        options->in = argv[at++];
    options->out = at < argc ? argv[at++] : NULL;
    return at == argc && options->out ? 0 : -1;
}

static const char *feed(const struct options *options, struct history *h)
{
    if (options->synthetic.events) {
        synthesise(h, &options->synthetic);
        return NULL;
    }
    FILE *in = fopen(options->in, "rb");
    if (!in)
        return "cannot be read";
    const char *wrong = spool_to_history(in, h, &options->reader);
    fclose(in);
    return wrong;
}

int main(int argc, char **argv)
{
    struct options options = {.reader = {.node_numbers = 1 << 20},
                              .synthetic = {.stacks = 2, .live = 0}};
    if (parse(&options, argc, argv))
        return usage();
    FILE *out = fopen(options.out, "wb");
    struct history *h = out && !put_head(out) ? history_new(put, out) : NULL;
    if (h && options.keeps_totals)
        history_keep_totals(h);
    if (h && options.tells_work)
        history_tell_work(h, at_work);
    const char *wrong = h ? feed(&options, h) : "no memory, or the file cannot be written";
    if (h && !wrong) {
        history_finish(h);
        wrong = history_failed(h) ? "the history failed" : NULL;
    }
    if (options.tells_work)
        fprintf(stderr, "said %u times that there is work, without a record\n", most_said);
    if (h)
        history_free(h);
    if (out && fclose(out) && !wrong)
        wrong = "the file cannot be written";
    if (wrong)
        fprintf(stderr, "brkpoint-history: %s\n", wrong);
    return wrong ? 1 : 0;
}

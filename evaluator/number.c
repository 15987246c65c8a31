/* number.c - reads one number, whatever its length: the way for those that run.c does not read. */
#include "core.h"
#include "rounding.h"
#include "words.h"

/* What the digits of a number say. */
struct digits {
    const char *first; /* the first digit that is not 0 */
    int64_t count;     /* digits from there on */
    int64_t fraction;  /* digits behind the point, of all */
    uint64_t kept;     /* the first DIGITS_KEPT of them */
    bool cut;          /* not all of the others are 0 */
};

static bool is_digit(const char *p, const char *end)
{
    return p < end && (unsigned char)(*p - '0') < 10;
}

static const char *skip_zeros(const char *p, const char *end)
{
    while (p < end && *p == '0')
        p++;
    return p;
}

/* Up to 8 digits at once, as long as all that is kept fits. */
static const char *take_words(struct digits *d, const char *p, const char *end)
{
    unsigned size = 8;
    while (size == 8 && end - p >= 8 && d->count + 8 <= DIGITS_KEPT) {
        uint64_t word = load_word(p), marks = mark_no_digits(word);
        size = marks ? bytes_below(marks) : 8;
        d->kept = d->kept * tens[size] + (size ? join_digits(word << 8 * (8 - size)) : 0);
        d->count += size;
        p += size;
    }
    return p;
}

static const char *take_digits(struct digits *d, const char *p, const char *end)
{
    p = take_words(d, p, end);
    for (; is_digit(p, end); p++) {
        unsigned digit = (unsigned)(*p - '0');
        if (d->count < DIGITS_KEPT)
            d->kept = d->kept * 10 + digit;
        else
            d->cut |= digit != 0;
        d->count++;
    }
    return p;
}

static double round_digits(const struct digits *d)
{
    double value;
    int64_t exponent = -d->fraction;
    int64_t dropped = d->count > DIGITS_KEPT ? d->count - DIGITS_KEPT : 0;
    if (round_short(d->kept, exponent + dropped, d->cut, &value))
        return value;
    return mexe_round_decimal(d->first, d->count, exponent);
}

const char *mexe_read_number(const char *p, const char *end, double *value)
{
    struct digits d = {0};
    d.first = p = skip_zeros(p, end);
    p = take_digits(&d, p, end);
    if (p < end && *p == '.') {
        const char *point = p++;
        if (!is_digit(p, end))
            return p;
        if (d.count == 0)
            d.first = p = skip_zeros(p, end);
        p = take_digits(&d, p, end);
        d.fraction = p - point - 1;
    }
    *value = round_digits(&d);
    return p;
}

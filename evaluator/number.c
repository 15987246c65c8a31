/* number.c - reads one number, whatever its length: the way for those that run.c does not read. */
#include "core.h"
#include "pieces.h"

/* 10^19 - 1 fits into 64 bits. */
enum { DIGITS_KEPT = 19 };

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

/* Exact when both sides are: mantissas up to 2^53, powers of ten up to 10^22. */
static bool round_exact(uint64_t w, int64_t exponent, double *value)
{
    if (w > (uint64_t)1 << 53 || exponent < -22 || exponent > 22)
        return false;
    *value = exponent < 0 ? (double)w / ten[-exponent] : (double)w * ten[exponent];
    return true;
}

static bool round_kept(uint64_t kept, int64_t exponent, bool cut, double *value)
{
    if (kept == 0) {
        *value = 0;
        return true;
    }
    return (!cut && round_exact(kept, exponent, value)) ||
           mexe_round_product(kept, exponent, cut, value);
}

static double round_digits(const struct digits *d)
{
    double value;
    int64_t exponent = -d->fraction;
    int64_t dropped = d->count > DIGITS_KEPT ? d->count - DIGITS_KEPT : 0;
    if (round_kept(d->kept, exponent + dropped, d->cut, &value))
        return value;
    return mexe_round_decimal(d->first, d->count, exponent);
}

/* Reads a number of 16 to 23 bytes, and as many digits as are kept, without a branch on where its
 * point is. NULL when it is another, or nothing right: that is for those who look at each byte. */
static const char *read_three_words(const char *p, double *value)
{
    struct piece a = find_piece(load_word(p)), b = find_piece(load_word(p + 8));
    struct piece c = find_piece(load_word(p + 16));
    unsigned in_a = a.point != 0, in_b = b.point != 0, in_c = c.point != 0;
    if (a.stop || b.stop || !c.stop || in_a + in_b + in_c > 1)
        return NULL;
    unsigned size = bytes_below(c.stop), places = size - in_c;
    uint64_t point = a.point | b.point | c.point | (uint64_t)1 << 63;
    unsigned fraction = 15 + size - bytes_below(point) - 8 * in_b - 16 * in_c;
    if (16 - in_a - in_b + places > DIGITS_KEPT || fraction == 0)
        return NULL;
    uint64_t kept = join_digits(a.digits << 8 * in_a) * tens[8 - in_b];
    kept = (kept + join_digits(b.digits << 8 * in_b)) * tens[places];
    kept += join_digits(c.digits << 8 << (56 - 8 * places));
    fraction *= in_a | in_b | in_c;
    return round_kept(kept, -(int64_t)fraction, false, value) ? p + 16 + size : NULL;
}

const char *mexe_read_number(const char *p, const char *end, double *value)
{
    const char *behind = end - p >= 24 ? read_three_words(p, value) : NULL;
    if (behind)
        return behind;
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

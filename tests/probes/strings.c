/* strings.c - libc's string functions against loops that need no libc, on many lengths and
 * alignments. Prints the number of comparisons; exit code 1 at the first that differs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

enum { ROOM = 700 };

static unsigned char a[ROOM], b[ROOM], want[ROOM];
static unsigned long compared;

static void same(long got, long wanted, const char *what, size_t length)
{
    compared++;
    if (got == wanted)
        return;
    printf("%s of %zu bytes: %ld, not %ld\n", what, length, got, wanted);
    exit(1);
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

/* `a` and `b` hold one text of `length` from `at` on, which differs in the last byte or not. */
static void fill(size_t at, size_t length, int differ)
{
    for (size_t n = 0; n < length; n++)
        a[at + n] = b[at + n] = 'a' + (n * 7 + length) % 23;
    a[at + length] = b[at + length] = 0;
    if (differ && length)
        b[at + length - 1] = 'z';
}

static void check_text(size_t at, size_t length)
{
    char *x = (char *)a + at, *y = (char *)b + at;
    fill(at, length, 1);
    same(strlen(x), length, "strlen", length);
    same(strnlen(x, length / 2), length / 2, "strnlen", length);
    same(sign(strcmp(x, y)), length ? -1 : 0, "strcmp", length);
    same(sign(strncmp(x, y, length)), length ? -1 : 0, "strncmp", length);
    same(sign(strcasecmp(x, y)), length ? -1 : 0, "strcasecmp", length);
    same(sign(memcmp(y, x, length)), length ? 1 : 0, "memcmp", length);
    same(strchr(y, 'z') == (length ? y + length - 1 : NULL), 1, "strchr", length);
    same(strrchr(y, 'z') == (length ? y + length - 1 : NULL), 1, "strrchr", length);
    same(memchr(y, 'z', length) == (length ? y + length - 1 : NULL), 1, "memchr", length);
    same(memrchr(y, 'z', length) == (length ? y + length - 1 : NULL), 1, "memrchr", length);
    same(strspn(x, "abcdefghijklmnopqrstuvw"), length, "strspn", length);
    same(strcspn(y, "z"), length ? length - 1 : 0, "strcspn", length);
    same(strstr(y, "z") == (length ? y + length - 1 : NULL), 1, "strstr", length);
}

static void check_bytes(size_t at, size_t length)
{
    for (size_t n = 0; n < ROOM; n++)
        want[n] = a[n] = n * 31 + length;
    for (size_t n = length; n-- > 0;)
        want[at + 5 + n] = want[at + n];
    memmove(a + at + 5, a + at, length);
    same(memcmp(a, want, ROOM), 0, "memmove", length);
    memcpy(b, a, ROOM);
    same((unsigned char *)mempcpy(b + at, want, length) - b, at + length, "mempcpy", length);
    memset(b + at, 77, length);
    for (size_t n = 0; n < length; n++)
        same(b[at + n], 77, "memset", length);
    fill(at, length, 0);
    same(stpcpy((char *)want, (char *)a + at) - (char *)want, length, "stpcpy", length);
    same(strcmp(strcat(strcpy((char *)b, "x"), (char *)a + at) + 1, (char *)want), 0, "strcat",
         length);
}

static void check_wide(size_t length)
{
    static wchar_t x[ROOM], y[ROOM];
    wmemset(x, L'w', length);
    x[length] = 0;
    same(wcslen(x), length, "wcslen", length);
    wcscpy(y, x);
    same(wcscmp(x, y), 0, "wcscmp", length);
    same(wmemcmp(x, y, length), 0, "wmemcmp", length);
    same(wcschr(x, 0) - x, length, "wcschr", length);
}

int main(void)
{
    for (size_t length = 0; length < 300; length++) {
        for (size_t at = 0; at < 66; at += 3) {
            check_text(at, length);
            check_bytes(at, length);
        }
        check_wide(length);
    }
    printf("%lu compared\n", compared);
    return 0;
}

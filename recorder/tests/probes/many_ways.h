/* many_ways.h - many ways to one place, as in an interpreter or a compiler: through four functions that call each
 * other, LEVELS deep, to leaf(), which is the includer's. The digits of a way, to the base of four, say which
 * function is next.
 */
enum { LEVELS = 9, ALL_WAYS = 1 << 2 * LEVELS };

static volatile int sink;
static void leaf(long way);
static void step(long way, int level);

#define NODE(name)                                                                                 \
    __attribute__((noinline)) static void name(long way, int level)                                \
    {                                                                                              \
        step(way, level);                                                                          \
        sink++; /* so that no call is the last */                                                  \
    }
NODE(add)
NODE(multiply)
NODE(call)
NODE(compare)

__attribute__((noinline)) static void step(long way, int level)
{
    static void (*const nodes[])(long, int) = {add, multiply, call, compare};
    if (level == 0)
        leaf(way);
    else
        nodes[way >> 2 * (level - 1) & 3](way, level - 1);
    sink++;
}

#define APART 7919 /* one way and the next one that is gone have little in common */

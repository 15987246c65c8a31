/* stack.c - a stack that grows.
 *
 * Idea:     the stack is memory that no system call asks for: a page fault makes it grow.
 * Do:       make run-stack
 * Expect:   user none ; phase main brk 0 mmap 0 ; exit 0
 * Look for: [stack], at the start and at the end: ./brkpoint witnesses build/targets/stack
 */
static volatile char last;

static void deeper(int left)
{
    volatile char room[1009]; /* less than a page: no page on the way down is left out */

    room[0] = 1;
    if (left)
        deeper(left - 1);
    last = room[0];
}

int main(void)
{
    deeper(1009);
    return 0;
}

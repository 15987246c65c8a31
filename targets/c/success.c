/* success.c - the smallest C program.
 *
 * Idea:     all that is allocated here, somebody else asked for, before main.
 * Do:       make run-success
 * Expect:   user none ; phase main none ; exit 0 ; if glibc dynamic: loader brk 1 mmap 5+ ;
 *           if static: loader none ; if static: phase load none ; if musl static: none
 * Look for: the loader, which maps libc and keeps its own small books.
 */
int main(void)
{
    return 0;
}

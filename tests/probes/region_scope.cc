/* region_scope.cc - a scope's region ends with it, by an exception as well. */
#include <brkpoint_region.h>
#include <cstdlib>

static void *volatile kept;

static void take(std::size_t size)
{
    kept = std::malloc(size);
    std::free(kept);
}

static void leave()
{
    brkpoint::region here("inner");
    take(4102);
    throw 1;
}

int main()
{
    try {
        leave();
    } catch (int) {
        take(4100);
    }
    brkpoint::region here("outer");
    take(4101);
}

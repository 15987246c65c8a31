// exception.cc - an exception lives on the heap.
//
// Idea:     throw allocates the object it throws; the end of catch frees it.
// Do:       make run-exception
// Expect:   phase main user malloc 1 free 1 ; leaked user 0 0 ; temporary user 1 ; exit 0
// Look for: 1009 bytes and the runtime's header, asked for by __cxa_allocate_exception.

struct Mark {
    char bytes[1009];
};

static void fail()
{
    throw Mark();
}

int main()
{
    try {
        fail();
    } catch (const Mark &) {
        return 0;
    }
    return 1;
}

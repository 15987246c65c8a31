/* unwound.cc - exceptions through frames that allocate, operator new that fails, a new_handler. */
#include <cstdio>
#include <new>
#include <string>
#include <vector>

static int destroyed;
struct counted {
    std::string text = std::string(1009, 'x');
    ~counted()
    {
        destroyed++;
    }
};

static void deep(int depth)
{
    counted here;
    std::vector<char> more(1013);
    if (depth == 0)
        throw std::string(1019, 'y');
    deep(depth - 1);
}

static int handled;
static void give_up()
{
    if (++handled == 3)
        throw std::bad_alloc();
}

int main()
{
    int caught = 0, failed = 0;
    for (int i = 0; i < 31; i++)
        try {
            deep(i % 7);
        } catch (const std::string &text) {
            caught += text.size() == 1019;
        }
    volatile size_t too_much = ~(size_t)0 / 2;
    for (int i = 0; i < 5; i++)
        try {
            delete[] new char[too_much];
        } catch (const std::bad_alloc &) {
            failed++;
        }
    std::set_new_handler(give_up);
    try {
        operator delete(operator new(too_much));
    } catch (const std::bad_alloc &) {
        failed++;
    }
    std::printf("caught %d destroyed %d failed %d handled %d\n", caught, destroyed, failed,
                handled);
    return 0;
}

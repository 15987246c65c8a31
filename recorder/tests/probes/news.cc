// news.cc - so many objects by operator new of each kind, beside malloc.
#include <cstdlib>
#include <new>

struct alignas(64) Wide {
    char bytes[192];
};

int main()
{
    int *volatile some[101];
    for (int i = 0; i < 101; i++)
        some[i] = new int[601];
    for (int i = 0; i < 101; i++)
        delete[] some[i];
    for (int i = 0; i < 37; i++) {
        Wide *volatile wide = new Wide;
        delete wide;
    }
    char *volatile maybe = new (std::nothrow) char[2411];
    delete[] maybe;
    void *volatile plain = malloc(2417);
    free(plain);
    return 0;
}

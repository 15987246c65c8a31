// static_object.cc - an object that is built before main.
//
// Idea:     a static object allocates before main; libstdc++ has done so before it.
// Do:       make run-static_object
// Expect:   phase init user malloc(4001) 1 ; phase init runtime malloc 1 ; phase main user none ;
//           phase exit user free 1 ; leaked user 0 0 ; exit 0
// Look for: the pool for exceptions that every C++ program pays for, thrown or not.
#include <vector>

static std::vector<char> mark(4001);

int main()
{
    return mark.size() == 4001 ? 0 : 1;
}

#include <functional>
#include <map>
#include <memory>
#include <string>

void short_string()
{
    std::string text("a cat");
}

void long_string()
{
    std::string text("a cat that sat on a mat for a very long time");
}

void three_in_a_map()
{
    std::map<int, int> ages{{1, 30}, {2, 40}, {3, 50}};
}

void one_box()
{
    std::unique_ptr<int> box(new int(7));
}

void small_closure()
{
    int base = 1;
    std::function<int()> add = [base] { return base; };
}

void large_closure()
{
    long a = 1, b = 2, c = 3;
    std::function<long()> add = [a, b, c] { return a + b + c; };
}

void one_exception()
{
    try {
        throw 7;
    } catch (int) {
    }
}

int main()
{
    short_string();
    long_string();
    three_in_a_map();
    one_box();
    small_closure();
    large_closure();
    one_exception();
}

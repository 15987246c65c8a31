/* large.cc - many headers, and templates that make many more of themselves. */
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N> struct Item {
    std::map<int, std::tuple<int, std::string, Item<N - 1>>> items;
    std::function<int(int)> next = [](int i) { return i + N; };
    int sum(int depth) const
    {
        int total = next(depth);
        for (const auto &[key, value] : items)
            total += key + std::get<0>(value) + std::get<2>(value).sum(depth + 1);
        return total;
    }
};
template <> struct Item<0> {
    int sum(int depth) const
    {
        return depth;
    }
};

using Value = std::variant<int, std::string, std::vector<int>, std::set<std::string>>;

int main()
{
    Item<40> item;
    item.items[1] = {2, "three", {}};
    std::unordered_map<std::string, Value> values{{"a", 1}, {"b", std::string("c")}};
    std::regex words("[a-z]+([0-9]*)");
    std::cout << item.sum(0) << values.size() << std::regex_match("abc12", words) << '\n';
}

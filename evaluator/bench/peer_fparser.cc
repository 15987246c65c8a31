/* peer_fparser.cc - fparser, by Juha Nieminen and Joel Yliluoma: Debian's libfparser-dev. */
#include <fparser.hh>
#include <string>

#include "peers.h"

/* One parser for all evaluations: it keeps what it has of memory. */
bool fparser_eval(const char *text, size_t, double *result)
{
    static FunctionParser parser;
    if (parser.Parse(text, std::string()) >= 0)
        return false;
    *result = parser.Eval(nullptr);
    return true;
}

/* peer_muparser.cc - muParser, by Ingo Berg: Debian's libmuparser-dev. */
#include <muParser.h>

#include "peers.h"

bool muparser_eval(const char *text, size_t, double *result)
{
    static mu::Parser parser;
    try {
        parser.SetExpr(text);
        *result = parser.Eval();
        return true;
    } catch (const mu::ParserError &) {
        return false;
    }
}

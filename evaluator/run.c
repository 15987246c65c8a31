/* run.c - the evaluator, for any machine. */
#include "number_words.h"

#define MEXE_RUN mexe_run_words
#include "run.h"

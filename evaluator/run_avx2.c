/* run_avx2.c - the evaluator, for machines with AVX2 and BMI: compiled with their options. */
#include "core.h"

#if defined(__AVX2__) && defined(__BMI2__)
#include "number_avx2.h"

#define MEXE_RUN mexe_run_avx2
#include "run.h"
#endif

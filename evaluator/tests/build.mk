# The tests of the evaluator's library: programs in C, which tests/test_evaluator_*.py run.

EVALUATOR_TESTS = $(EVALUATOR_TOP)/evaluator-tests
evaluator_test_sources = $(wildcard evaluator/tests/*.[ch]) $(EVALUATOR_TOP)/libmexe.a
evaluator_test_programs = $(addprefix $(EVALUATOR_TESTS)/,random_test numbers_test deep_test region_test)

.PHONY: evaluator-tests fuzz-evaluator
evaluator-tests: $(evaluator_test_programs) ## build the programs that test the evaluator's library

evaluator_compare = $(addprefix evaluator/tests/,compare.c reference.c ways.c)
$(EVALUATOR_TESTS)/random_test: evaluator_more = $(evaluator_compare)
$(EVALUATOR_TESTS)/numbers_test: evaluator_more = evaluator/tests/ways.c
$(EVALUATOR_TESTS)/deep_test: evaluator_more = evaluator/tests/reference.c
$(EVALUATOR_TESTS)/region_test: evaluator_more = -Iregion build/libbrkpoint_region.a
$(EVALUATOR_TESTS)/region_test: build/libbrkpoint_region.a region/brkpoint_region.h

$(EVALUATOR_TESTS)/%_test: $(evaluator_test_sources)
	@mkdir -p $(@D)
	$(CC) $(EVALUATOR_CFLAGS) -Ievaluator -o $@ evaluator/tests/$*_test.c $(evaluator_more) \
	  $(EVALUATOR_TOP)/libmexe.a -lm

# ---- fuzzing: clang's libFuzzer with its sanitizers ---------------------------------------------

FUZZ_CC = clang
FUZZ_SECONDS ?= 60
FUZZ_CORPUS ?= build/fuzz-corpus
FUZZ_ARGS ?=
fuzz_flags = -std=c11 -g -O1 -DMUST_HOLD -ffp-contract=off -Ievaluator
fuzz_sanitizers = -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
fuzz_parts = $(filter-out evaluator/run_avx2.c,$(wildcard evaluator/*.c)) $(evaluator_compare) evaluator/tests/fuzz.c
fuzz_avx2 = $(EVALUATOR_TESTS)/fuzz_run_avx2.o

fuzz-evaluator: $(EVALUATOR_TESTS)/fuzz ## look for inputs that the evaluator gets wrong: FUZZ_SECONDS=60
	@mkdir -p $(FUZZ_CORPUS)
	@awk '{ f = "$(FUZZ_CORPUS)/line-" NR; printf "%s", $$0 > f; close(f) }' evaluator/tests/expressions.txt
	$(EVALUATOR_TESTS)/fuzz -max_total_time=$(FUZZ_SECONDS) -max_len=2048 -timeout=60 \
	  -dict=evaluator/tests/fuzz.dict -print_final_stats=1 $(FUZZ_ARGS) $(FUZZ_CORPUS)

# Both ways are called by name, so nothing is chosen: ifunc and the sanitizers do not go together.
$(EVALUATOR_TESTS)/fuzz: $(wildcard evaluator/*.[ch] evaluator/tests/*.[ch])
	@mkdir -p $(@D)
	$(FUZZ_CC) $(fuzz_flags) $(fuzz_sanitizers) -mavx2 -mbmi -mbmi2 -c -o $(fuzz_avx2) evaluator/run_avx2.c
	$(FUZZ_CC) $(fuzz_flags) $(fuzz_sanitizers) -o $@ $(fuzz_parts) $(fuzz_avx2)

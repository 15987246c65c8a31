# The benchmark: mexe beside the yardstick and whatever other evaluators can be had here.
# Read by the top-level Makefile, behind evaluator/build.mk.

.PHONY: bench-evaluator

BENCH_ARGS ?=
bench_evaluator = build/bench-evaluator

bench-evaluator: $(bench_evaluator) ## measure how fast mexe is, beside other evaluators
	@cat build/bench-evaluator.parts/skipped.txt
	@$(bench_evaluator) $(BENCH_ARGS)

$(bench_evaluator): $(shell find evaluator/bench -type f) build/libmexe.a
	CC='$(CC)' CXX='$(CXX)' evaluator/bench/build.sh $@ build/libmexe.a

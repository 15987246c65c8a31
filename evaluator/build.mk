# The evaluator: mexe in C. Its library, command and tests go to build/.

ifeq ($(origin CC),default)
CC = gcc
endif

# -ffp-contract=off: every operation is rounded for itself. -fPIC: one set of objects for both.
EVALUATOR_CFLAGS = -std=c11 -O2 -g -fPIC -ffp-contract=off -Wall -Wextra -Wpedantic -Wconversion
# Where the products go; targets/build.mk, which reads this file, may have set it.
EVALUATOR_TOP ?= build
EVALUATOR_OUT = $(EVALUATOR_TOP)/evaluator
EVALUATOR_OBJECTS = $(addprefix $(EVALUATOR_OUT)/,choose.o decimal.o grow.o mexe.o number.o \
  product.o run.o run_avx2.o)

# Where the loader can choose: x86-64 with glibc. Elsewhere there is one way, and run_avx2.c is empty.
ifneq ($(filter-out %-musl,$(filter x86_64-%,$(shell $(CC) -dumpmachine 2>/dev/null))),)
$(EVALUATOR_OUT)/choose.o: EVALUATOR_CFLAGS += -DMEXE_WITH_AVX2
$(EVALUATOR_OUT)/run_avx2.o: EVALUATOR_CFLAGS += -mavx2 -mbmi -mbmi2
endif

.PHONY: evaluator
evaluator: $(addprefix $(EVALUATOR_TOP)/,mexe libmexe.a libmexe.so) ## build the evaluator: build/mexe, libmexe.a, libmexe.so

$(EVALUATOR_OUT)/%.o: evaluator/%.c $(wildcard evaluator/*.h) evaluator/build.mk
	@mkdir -p $(@D)
	$(CC) $(EVALUATOR_CFLAGS) $(CFLAGS) -c -o $@ $<

$(EVALUATOR_TOP)/libmexe.a: $(EVALUATOR_OBJECTS)
	@rm -f $@
	ar rcs $@ $^

$(EVALUATOR_TOP)/libmexe.so: $(EVALUATOR_OBJECTS)
	$(CC) -shared -Wl,-soname,libmexe.so $(LDFLAGS) -o $@ $^

$(EVALUATOR_TOP)/mexe: $(wildcard evaluator/command/*.c evaluator/command/*.h) $(EVALUATOR_TOP)/libmexe.a
	$(CC) $(EVALUATOR_CFLAGS) $(CFLAGS) -Ievaluator $(LDFLAGS) -o $@ $(filter %.c %.a,$^)

# Not among what is installed.
-include evaluator/tests/build.mk

# The evaluator: mexe in C. Its library, command and tests go to build/.

ifeq ($(origin CC),default)
CC = gcc
endif

# -ffp-contract=off: every operation is rounded for itself. -fPIC: one set of objects for both.
EVALUATOR_CFLAGS = -std=c11 -O2 -g -fPIC -ffp-contract=off -Wall -Wextra -Wpedantic -Wconversion
EVALUATOR_OUT = build/evaluator
EVALUATOR_OBJECTS = $(addprefix $(EVALUATOR_OUT)/,decimal.o grow.o mexe.o number.o product.o run.o)

.PHONY: evaluator
evaluator: build/mexe build/libmexe.a build/libmexe.so ## build the evaluator: build/mexe, libmexe.a, libmexe.so

$(EVALUATOR_OUT)/%.o: evaluator/%.c evaluator/mexe.h evaluator/core.h evaluator/powers.h evaluator/build.mk
	@mkdir -p $(@D)
	$(CC) $(EVALUATOR_CFLAGS) $(CFLAGS) -c -o $@ $<

build/libmexe.a: $(EVALUATOR_OBJECTS)
	@rm -f $@
	ar rcs $@ $^

build/libmexe.so: $(EVALUATOR_OBJECTS)
	$(CC) -shared -Wl,-soname,libmexe.so $(LDFLAGS) -o $@ $^

build/mexe: $(wildcard evaluator/command/*.c evaluator/command/*.h) build/libmexe.a
	$(CC) $(EVALUATOR_CFLAGS) $(CFLAGS) -Ievaluator $(LDFLAGS) -o $@ $(filter %.c %.a,$^)

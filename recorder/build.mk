# Builds the recorder: build/recorder/agent.bin, which is planted in the target, and
# build/recorder/brkpoint-recorder, which plants it and drains what it records.
# Alone: make -f recorder/build.mk recorder (from the top folder).

RECORDER_OUT ?= build/recorder
RECORDER_CC ?= gcc
RECORDER_WARN = -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes
RECORDER_CFLAGS = -O2 -g $(RECORDER_WARN) -Irecorder
RECORDER_LIBS = -lZydis -lz

recorder_host_c := $(sort $(wildcard recorder/host/*.c))
recorder_host_o = $(patsubst recorder/host/%.c,$(RECORDER_OUT)/host/%.o,$(recorder_host_c))
# What tests link with: everything but main().
recorder_parts_o = $(filter-out %/main.o,$(recorder_host_o))
recorder_tests := $(basename $(notdir $(wildcard recorder/tests/*.c)))

$(RECORDER_OUT)/host/%.o: recorder/host/%.c
	@mkdir -p $(@D)
	@$(RECORDER_CC) $(RECORDER_CFLAGS) -MMD -MP -c -o $@ $<

# A test program of the recorder's parts: recorder/tests/NAME.c -> build/recorder/tests/NAME.
# extra_NAME: further sources that it needs, for instance of the agent.
$(RECORDER_OUT)/tests/%: recorder/tests/%.c $(recorder_parts_o)
	@mkdir -p $(@D)
	@$(RECORDER_CC) $(RECORDER_CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(extra_$*) \
	  $(recorder_parts_o) $(RECORDER_LIBS) $(libs_$*)

.PHONY: recorder-tests
recorder-tests: $(addprefix $(RECORDER_OUT)/tests/,$(recorder_tests))

-include $(wildcard $(RECORDER_OUT)/host/*.d $(RECORDER_OUT)/tests/*.d)

# The history alone, without a target: for tests and benchmarks (bench/history_cost.py).
recorder_history_o = $(patsubst recorder/host/%.c,$(RECORDER_OUT)/host/%.o,\
  $(sort $(wildcard recorder/host/history*.c)))
recorder_tools_o = $(patsubst recorder/tools/%.c,$(RECORDER_OUT)/tools/%.o,\
  $(sort $(wildcard recorder/tools/*.c)))

$(RECORDER_OUT)/tools/%.o: recorder/tools/%.c
	@mkdir -p $(@D)
	@$(RECORDER_CC) $(RECORDER_CFLAGS) -MMD -MP -c -o $@ $<

$(RECORDER_OUT)/brkpoint-history: $(recorder_history_o) $(recorder_tools_o)
	@$(RECORDER_CC) $(RECORDER_CFLAGS) -o $@ $^ -lz

# Its loops over columns are worth unrolling.
$(RECORDER_OUT)/host/history_columns.o: RECORDER_CFLAGS += -O3

.PHONY: recorder-history
recorder-history: $(RECORDER_OUT)/brkpoint-history

-include $(wildcard $(RECORDER_OUT)/tools/*.d)

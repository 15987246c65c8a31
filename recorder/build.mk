# Builds the recorder: build/recorder/agent.bin, which is planted in the target, and
# build/recorder/brkpoint-recorder, which plants it and drains what it records.
# Alone: make -f recorder/build.mk recorder (from the top folder).

RECORDER_OUT ?= build/recorder
RECORDER_CC ?= gcc
RECORDER_WARN = -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes
# SANITIZE=address,undefined: the host under gcc's sanitizers, SANITIZED_LOG.PID has what they find.
SANITIZE ?=
SANITIZED_LOG ?= /tmp/brkpoint-sanitized
recorder_sanitize = $(addprefix -fsanitize=,$(SANITIZE)) $(if $(SANITIZE),-fno-omit-frame-pointer)
recorder_include = -Irecorder -Irecorder/host -I$(RECORDER_OUT)
# MUST=1: what must hold is looked at (must.h); so it is under the sanitizers.
MUST ?=
recorder_must = $(if $(MUST)$(SANITIZE),-DMUST_HOLD)
RECORDER_CFLAGS = -O2 -g $(RECORDER_WARN) $(recorder_sanitize) $(recorder_must)
RECORDER_LIBS = -lZydis -lisal -lz -ldl $(recorder_sanitize)

AGENT_CFLAGS = $(AGENT_CHECKED:%=-DAGENT_CHECKED=%) -O2 -g $(RECORDER_WARN) $(recorder_include) -ffreestanding -nostdlib -fPIC -fvisibility=hidden \
  -mgeneral-regs-only -mno-red-zone -fno-stack-protector -fcf-protection=none \
  -fasynchronous-unwind-tables -fno-jump-tables -fomit-frame-pointer -fno-strict-aliasing
recorder_agent_c := $(filter-out %/offsets.c,$(sort $(wildcard recorder/agent/*.c)))
recorder_agent_o = $(patsubst recorder/agent/%.c,$(RECORDER_OUT)/agent/%.o,$(recorder_agent_c)) \
  $(patsubst recorder/agent/%.S,$(RECORDER_OUT)/agent/%.o,$(wildcard recorder/agent/*.S))
recorder_host_c := $(sort $(wildcard recorder/host/*.c recorder/host/*/*.c))
recorder_host_o = $(patsubst recorder/host/%.c,$(RECORDER_OUT)/host/%.o,$(recorder_host_c))
# What tests and fuzzers link with, by its folders and files: what reads and moves code, and what drains
# a ring. The rest needs a target.
recorder_parts = base/ code/ drain/ elf/ findings/ history/ proc/ unwind/ modules/code_files \
  process/mapped process/thread_names
recorder_parts_o = $(filter $(recorder_parts:%=$(RECORDER_OUT)/host/%%.o),$(recorder_host_o))
recorder_tests := $(basename $(notdir $(wildcard recorder/tests/*.c)))

.PHONY: recorder
recorder: $(addprefix $(RECORDER_OUT)/,brkpoint-recorder brkpoint-rows brkpoint-lines libbrkpoint-kernels.so) ## build what records at the program's speed

recorder_sanitized_o = $(if $(SANITIZE),$(RECORDER_OUT)/sanitized/options.o)
$(RECORDER_OUT)/sanitized/options.o: recorder/sanitized/options.c
	@mkdir -p $(@D)
	@$(RECORDER_CC) $(RECORDER_CFLAGS) -DSANITIZED_LOG='"$(SANITIZED_LOG)"' -c -o $@ $<

$(RECORDER_OUT)/brkpoint-recorder: $(recorder_host_o) $(recorder_sanitized_o) $(RECORDER_OUT)/host/run/agent_blob.o
	@$(RECORDER_CC) -o $@ $^ $(RECORDER_LIBS)

$(RECORDER_OUT)/agent/%.o: recorder/agent/%.c recorder/build.mk
	@mkdir -p $(@D)
	@echo '$(RECORDER_CC) -o $@'
	@$(RECORDER_CC) $(AGENT_CFLAGS) -MMD -MP -c -o $@ $<

# Numbers of C for the assembler.
$(RECORDER_OUT)/agent/offsets.h: recorder/agent/offsets.c recorder/build.mk
	@mkdir -p $(@D)
	@$(RECORDER_CC) $(AGENT_CFLAGS) -MMD -MP -MF $@.d -MT $@ -S -o $@.s $<
	@sed -n 's/^->/#define /p' $@.s > $@

$(RECORDER_OUT)/agent/%.o: recorder/agent/%.S $(RECORDER_OUT)/agent/offsets.h recorder/build.mk
	@mkdir -p $(@D)
	@$(RECORDER_CC) $(AGENT_CHECKED:%=-DAGENT_CHECKED=%) -I$(RECORDER_OUT)/agent -MMD -MP -c -o $@ $<

$(RECORDER_OUT)/agent.elf: $(recorder_agent_o) recorder/agent/agent.lds
	@ld -T recorder/agent/agent.lds -pie --no-dynamic-linker -z norelro -o $@ $(recorder_agent_o)

$(RECORDER_OUT)/agent.bin: $(RECORDER_OUT)/agent.elf
	@objcopy -O binary -j .text $< $@

$(RECORDER_OUT)/host/run/agent_blob.o: recorder/host/run/agent_blob.S $(RECORDER_OUT)/agent.bin
	@mkdir -p $(@D)
	@$(RECORDER_CC) -DAGENT_BIN='"$(RECORDER_OUT)/agent.bin"' -c -o $@ $<

# What both languages say. Objects know it by their .d files, once it is there.
recorder_contract = $(addprefix $(RECORDER_OUT)/,contract.h contract_history.h contract_rows.h)
$(recorder_contract): recorder/contract.py \
  $(addprefix alloctrace/,words.py spool/rows.py columns/schema.py history/inforecords.py elf/debug.py)
	@mkdir -p $(@D)
	@/usr/bin/python3 $< $(patsubst contract_%.h,%,$(subst contract.h,contract_words.h,$(@F))) > $@.new && mv $@.new $@
$(RECORDER_OUT)/contract_rows.h: $(addprefix alloctrace/,columns/columns.py columns/events.py trace/read.py) $(wildcard exports/*.py)

$(recorder_host_o) $(recorder_agent_o): | $(recorder_contract)

$(RECORDER_OUT)/host/%.o: recorder/host/%.c
	@mkdir -p $(@D)
	@echo '$(RECORDER_CC) -o $@'
	@$(RECORDER_CC) $(RECORDER_CFLAGS) $(recorder_include) -MMD -MP -c -o $@ $<

$(RECORDER_OUT)/parts.a: $(recorder_parts_o)
	@rm -f $@
	@ar qcs $@ $^

# A test program of the recorder's parts: recorder/tests/NAME.c -> build/recorder/tests/NAME.
# extra_NAME: further sources that it needs, for instance of the agent.
$(RECORDER_OUT)/tests/%: recorder/tests/%.c $(RECORDER_OUT)/parts.a
	@mkdir -p $(@D)
	@$(RECORDER_CC) $(RECORDER_CFLAGS) $(recorder_include) -MMD -MP -MF $@.d -o $@ $< $(extra_$*) \
	  $(RECORDER_OUT)/parts.a -fno-lto $(RECORDER_LIBS) $(libs_$*)

# A copy of the tree, so that this one keeps its recorder. What is found ends the verb with status 1.
SANITIZED = build/sanitized
SANITIZED_ARGS ?= -k 'recorder or attach or history'
.PHONY: recorder-sanitized
recorder-sanitized: export SANITIZE = address,undefined
recorder-sanitized: export SANITIZED_LOG = $(CURDIR)/$(SANITIZED)/found
recorder-sanitized: export MAKEFLAGS =
recorder-sanitized: targets ## run tests (SANITIZED_ARGS, pytest's) with a recorder under gcc's sanitizers
	@rm -rf $(SANITIZED) && mkdir -p $(SANITIZED)/build
	@git ls-files -z --cached --others --exclude-standard | xargs -0 cp -P --parents -t $(SANITIZED)
	@cp -a build/targets $(SANITIZED)/build/
	@$(MAKE) -s -C $(SANITIZED) recorder
	@cd $(SANITIZED) && /usr/bin/python3 -m pytest $(SANITIZED_ARGS); status=$$?; \
	  cat found.* 2>/dev/null && exit 1; echo 'the sanitizers found nothing'; exit $$status

FUZZ_SECONDS ?= 600
FUZZ = $(RECORDER_OUT)/fuzz
FUZZ_CFLAGS = -std=gnu11 -O1 -g -DLIBFUZZER -DMUST_HOLD -fsanitize=fuzzer,address,undefined \
  -fno-sanitize-recover=all
.PHONY: recorder-fuzz-elf recorder-fuzz-ring
recorder-fuzz-elf: $(FUZZ)/tests/elf_fuzz ## damage ELF files for FUZZ_SECONDS, and read them with clang's sanitizers
	@mkdir -p $(FUZZ)/elf
	@cp -n /bin/true /usr/bin/env $(FUZZ)/elf
	@$< -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -timeout=10 -artifact_prefix=$(FUZZ)/ $(FUZZ)/elf
recorder-fuzz-ring: $(FUZZ)/tests/ring_fuzz ## damage rings for FUZZ_SECONDS, and drain them with clang's sanitizers
	@mkdir -p $(FUZZ)/ring
	@$< -max_total_time=$(FUZZ_SECONDS) -len_control=0 -max_len=262144 -timeout=60 \
	  -artifact_prefix=$(FUZZ)/ $(FUZZ)/ring

# With the parts that the tests have; whether they are up to date the other make knows.
$(FUZZ)/tests/%: look
	@$(MAKE) -s -f recorder/build.mk RECORDER_OUT=$(FUZZ) RECORDER_CC=clang \
	  RECORDER_CFLAGS='$(FUZZ_CFLAGS)' $@
look: ;

STACKS ?= 10000000
.PHONY: recorder-checked recorder-check-stacks
recorder-checked: recorder ## build the recorder whose agent unwinds each remembered stack anew
	@for way in 1 2 3; do $(MAKE) -s -f recorder/build.mk RECORDER_OUT=$(RECORDER_OUT)/checked-$$way \
	  AGENT_CHECKED=$$way recorder_host_o="$(recorder_host_o)" \
	  $(RECORDER_OUT)/checked-$$way/brkpoint-recorder; done
recorder-check-stacks: recorder-checked ## compare STACKS remembered stacks with ones unwound anew
	@/usr/bin/python3 tests/recorder_checked.py $(STACKS)

extra_agent_cost = $(recorder_agent_o)
$(RECORDER_OUT)/tests/agent_cost: $(recorder_agent_o)
# All of the host but its start and its sentences.
extra_phases_of_two = $(filter-out %/run/main.o %/say.o,$(recorder_host_o))
$(RECORDER_OUT)/tests/phases_of_two: $(recorder_host_o)
libs_ring_late = -Wl,--wrap=calls_take
extra_unwind_shared = recorder/agent/unwind.c
extra_unwind_speed = recorder/agent/unwind.c
libs_unwind_speed = -lunwind

.PHONY: recorder-tests
recorder-tests: $(addprefix $(RECORDER_OUT)/tests/,$(recorder_tests)) ## build the programs that test the recorder

# The history alone, without a target: for tests and benchmarks (bench/history_cost.py).
recorder_history_o = $(patsubst recorder/host/%.c,$(RECORDER_OUT)/host/%.o,\
  $(sort $(wildcard recorder/host/history/*.c)))
recorder_tools_o = $(patsubst recorder/tools/%.c,$(RECORDER_OUT)/tools/%.o,\
  $(sort $(wildcard recorder/tools/*.c)))

$(RECORDER_OUT)/tools/%.o: recorder/tools/%.c
	@mkdir -p $(@D)
	@$(RECORDER_CC) $(RECORDER_CFLAGS) $(recorder_include) -MMD -MP -c -o $@ $<

$(recorder_tools_o): | $(recorder_contract)

$(RECORDER_OUT)/brkpoint-history: $(recorder_history_o) $(recorder_tools_o)
	@$(RECORDER_CC) $(RECORDER_CFLAGS) -o $@ $^ $(RECORDER_LIBS)

# What runs at every event shall not depend on where the linker happens to put it.
$(RECORDER_OUT)/agent/event.o: AGENT_CFLAGS += -falign-functions=64 -falign-loops=32

# What the host does at every event is one piece for the compiler, whatever file it stands in. The objects
# can be linked without that as well, as in the tests' programs.
RECORDER_LTO ?= $(if $(SANITIZE),,-flto)
recorder_hot_o = $(filter $(addprefix $(RECORDER_OUT)/host/,history/% drain/% base/clock.o),$(recorder_host_o))
$(recorder_hot_o): RECORDER_CFLAGS += $(RECORDER_LTO:%=% -ffat-lto-objects)
$(RECORDER_OUT)/brkpoint-recorder $(RECORDER_OUT)/brkpoint-history: RECORDER_LIBS += $(RECORDER_LTO:%=% -O2)

# Its loops over columns are worth unrolling.
$(RECORDER_OUT)/host/history/columns.o: RECORDER_CFLAGS += -O3

# What makes the bytes of exports of many events: exports/maker.py.
recorder_rows_o = $(patsubst recorder/rows/%.c,$(RECORDER_OUT)/rows/%.o,$(wildcard recorder/rows/*.c))
$(recorder_rows_o): RECORDER_CFLAGS += -O3
$(recorder_rows_o): | $(recorder_contract)

$(RECORDER_OUT)/rows/%.o: recorder/rows/%.c
	@mkdir -p $(@D)
	@$(RECORDER_CC) $(RECORDER_CFLAGS) -I$(RECORDER_OUT) -MMD -MP -c -o $@ $<

$(RECORDER_OUT)/brkpoint-rows: $(recorder_rows_o) $(recorder_sanitized_o)
	@$(RECORDER_CC) $(RECORDER_CFLAGS) -o $@ $^ -lisal

# What debug information says of addresses: start/lines.py.
recorder_lines_o = $(patsubst recorder/lines/%.c,$(RECORDER_OUT)/lines/%.o,\
  $(wildcard recorder/lines/*.c))
recorder_lines_said = start/lines.py gdb-scripts/brkpoint_gdb/symbol_lookup.py
recorder_lines_version = -DLINES_VERSION=$(shell cat $(recorder_lines_said) | \
  /usr/bin/python3 -c 'import sys, zlib; print(zlib.crc32(sys.stdin.buffer.read()))')u
$(RECORDER_OUT)/lines/main.o: $(recorder_lines_said)
$(RECORDER_OUT)/lines/%.o: recorder/lines/%.c
	@mkdir -p $(@D)
	@$(RECORDER_CC) $(RECORDER_CFLAGS) $(recorder_lines_version) $(recorder_include) -MMD -MP -c -o $@ $<

$(RECORDER_OUT)/brkpoint-lines: $(recorder_lines_o) $(RECORDER_OUT)/parts.a $(recorder_sanitized_o)
	@$(RECORDER_CC) $(RECORDER_CFLAGS) -o $@ $^ -Wl,--as-needed -lisal -lz -ldl

# Python's passes over large arrays: alloctrace/kernels.py.
recorder_kernels_o = $(patsubst recorder/kernels/%.c,$(RECORDER_OUT)/kernels/%.o,\
  $(wildcard recorder/kernels/*.c)) $(RECORDER_OUT)/kernels/rows_column.o
recorder_kernels_cc = $(RECORDER_CC) $(RECORDER_CFLAGS) -O3 -fPIC -fvisibility=hidden \
  -I$(RECORDER_OUT) -MMD -MP -c -o $@ $<
$(recorder_kernels_o): | $(recorder_contract)

$(RECORDER_OUT)/kernels/%.o: recorder/kernels/%.c recorder/build.mk
	@mkdir -p $(@D)
	@$(recorder_kernels_cc)
$(RECORDER_OUT)/kernels/rows_%.o: recorder/rows/%.c recorder/build.mk
	@mkdir -p $(@D)
	@$(recorder_kernels_cc)

$(RECORDER_OUT)/kernels/kernels.o: alloctrace/kernels.py
$(RECORDER_OUT)/kernels/kernels.o: RECORDER_CFLAGS += -DKERNELS_VERSION=$(shell \
  /usr/bin/python3 -c 'import zlib; print(zlib.crc32(open("alloctrace/kernels.py", "rb").read()))')u

$(RECORDER_OUT)/libbrkpoint-kernels.so: $(recorder_kernels_o)
	@$(RECORDER_CC) $(RECORDER_CFLAGS) -shared -o $@ $^ -lisal

.PHONY: recorder-history
recorder-history: $(RECORDER_OUT)/brkpoint-history ## build what makes a history of a spool

-include $(wildcard $(RECORDER_OUT)/*/*.d $(RECORDER_OUT)/host/*/*.d)

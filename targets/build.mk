# Builds the programs to observe. Alone: make -f targets/build.mk targets (from the top folder).
#
# Products go to $(TARGETS_OUT)/NAME[.variant]; programs.tsv there lists how each is started.
# A missing compiler skips its targets: one line, and the same line in skipped.txt.
# With CI=true in the environment that is a failure.

TARGETS_OUT ?= build/targets
NASM ?= nasm
MUSL_GCC ?= musl-gcc
RUSTC ?= rustc
LD_LINUX ?= /lib64/ld-linux-x86-64.so.2
ifeq ($(origin CC),default)
CC = gcc
endif
ifeq ($(origin CXX),default)
CXX = g++
endif

# -O0 -fno-builtin: gcc would delete a pair of malloc and free, and turn malloc+memset into calloc.
TARGET_CFLAGS = -g -O0 -fno-builtin -Wall -Wextra -Wno-unused-result
TARGET_CXXFLAGS = -g -O0 -Wall -Wextra
TARGET_RUSTFLAGS = --edition 2021

# The evaluator, which one of the programs needs.
EVALUATOR_TOP ?= $(if $(filter build/targets,$(TARGETS_OUT)),build,$(TARGETS_OUT)/of-evaluator)

# ---- what there is -------------------------------------------------------------------------

asm_names := $(sort $(basename $(notdir $(wildcard targets/asm/*.asm))))
c_names := $(filter-out plugin preloaded,$(sort $(basename $(notdir $(wildcard targets/c/*.c)))))
cxx_names := $(sort $(basename $(notdir $(wildcard targets/cxx/*.cc))))
rust_names := $(sort $(basename $(notdir $(wildcard targets/rust/*.rs))))

# success.asm and success.c have one name: the assembly one gets a suffix, as in the article.
asm_product = $(1)$(if $(filter $(1),$(c_names)),_asm)

# ---- variants: the linkage of a C program, the build of a Rust one -----------------------------

linkage_names = success alloc grow
linkages = no-pie static static-pie no-plt now stripped static-stripped
linkage_no-pie = -no-pie
linkage_static = -static
linkage_static-pie = -static-pie
linkage_no-plt = -fno-plt
linkage_now = -Wl,-z,now
linkage_stripped = -s
linkage_static-stripped = -static -s
musl_names = success alloc grow
musl_linkages = musl-static musl-dynamic
linkage_musl-static = -static
linkage_musl-dynamic =

# What these do fifty million times as they stand, they do less often when they are built in other
# ways too: each of them is watched many times, and more of the same shows nothing new.
few_c = $(if $(call variant,$(1)),-DCOUNT=524288UL)
few_rust = $(if $(call variant,$(1)),FEW=1)

rust_builds = debug stripped z lto one-unit abort small small-stripped
rust_release = -O
rust_debug = -g
rust_stripped = -O -C strip=symbols
rust_z = -C opt-level=z
rust_lto = -O -C lto=fat
rust_one-unit = -O -C codegen-units=1
rust_abort = -O -C panic=abort
rust_small = -C opt-level=z -C lto=fat -C codegen-units=1 -C panic=abort
rust_small-stripped = $(rust_small) -C strip=symbols
# The ones that the article builds in all these ways; others are built as a release only.
rust_built_all_ways = empty vec vec_fn vec_reserved

# ---- what each group needs -----------------------------------------------------------------------

version = $(shell $(1) --version 2>/dev/null | head -n 1)
cc_version := $(call version,$(CC))
cxx_version := $(call version,$(CXX))
nasm_version := $(call version,$(NASM))
rust_version := $(call version,$(RUSTC))
musl_version := $(shell $(MUSL_GCC) -print-search-dirs 2>/dev/null | head -n 1)
static_libc := $(wildcard $(if $(cc_version),$(shell $(CC) -print-file-name=libc.a)))

in_out = $(addprefix $(TARGETS_OUT)/,$(1))
asm_products := $(call in_out,$(foreach n,$(asm_names),$(call asm_product,$(n))))
c_products := $(call in_out,$(c_names) plugin.so preloaded.so \
  $(foreach n,$(linkage_names),$(addprefix $(n).,$(filter-out static%,$(linkages)))))
static_products := $(call in_out,\
  $(foreach n,$(linkage_names),$(addprefix $(n).,$(filter static%,$(linkages)))))
musl_products := $(call in_out,$(foreach n,$(musl_names),$(addprefix $(n).,$(musl_linkages))))
cxx_products := $(call in_out,$(cxx_names))
rust_products := $(call in_out,$(rust_names) \
  $(foreach n,$(rust_built_all_ways),$(addprefix $(n).,$(rust_builds))) boxed.debug)

# needs,group,found,what is missing,which command mends it
define needs
ifneq ($(3),)
targets_built += $($(2)_products)
else
targets_missing += $(1)
missing_$(1) = skipped: $(notdir $($(2)_products)): $(4)
endif
endef
targets_built :=
targets_missing :=
$(eval $(call needs,asm,asm,$(nasm_version),no nasm (apt-get install nasm)))
$(eval $(call needs,c,c,$(cc_version),no gcc (apt-get install gcc libc6-dev)))
$(eval $(call needs,static,static,$(static_libc),no static libc (apt-get install libc6-dev)))
$(eval $(call needs,musl,musl,$(musl_version),no musl-gcc (apt-get install musl-tools)))
$(eval $(call needs,cxx,cxx,$(cxx_version),no g++ (apt-get install g++)))
$(eval $(call needs,rust,rust,$(rust_version),no rustc (apt-get install rustc)))

# ---- rules -----------------------------------------------------------------------------------------

.DELETE_ON_ERROR:
.SECONDEXPANSION:
.PHONY: targets targets-clean programs skipped article-targets

targets: $(targets_built) $(TARGETS_OUT)/programs.tsv ## build the programs to observe
	@{ $(print_skipped) } > $(TARGETS_OUT)/skipped.txt
	@cat $(TARGETS_OUT)/skipped.txt
	@$(if $(and $(targets_missing),$(filter true,$(CI))),echo 'CI: nothing may be skipped'; exit 1,:)

print_skipped = :; $(foreach m,$(targets_missing),echo '$(missing_$(m))';)
skipped: ## say which programs cannot be built here, and why
	@$(print_skipped)

# What `brkpoint article` needs, as far as it can be built here.
article_names = success_asm success success.stripped success.static alloc alloc.no-plt grow reserve untouched \
  stack empty $(addprefix empty.,$(rust_builds)) boxed.debug vec vec_fn vec_reserved \
  eval_list eval_array eval_mexe
article-targets: $(filter $(call in_out,$(article_names)),$(targets_built)) ## build the programs of the article
	@:

targets-clean: ## delete the built programs
	rm -rf $(TARGETS_OUT)

# A stamp a compiler, rewritten only when its version changes: then its products are built again.
stamp = $(TARGETS_OUT)/.$(1).version
define stamp_rule
$(call stamp,$(1)): force | $(TARGETS_OUT)
	@echo '$(2)' | cmp -s - $$@ || echo '$(2)' > $$@
endef
.PHONY: force
force:
$(eval $(call stamp_rule,asm,$(nasm_version)))
$(eval $(call stamp_rule,c,$(cc_version) $(TARGET_CFLAGS)))
$(eval $(call stamp_rule,musl,$(musl_version) $(TARGET_CFLAGS)))
$(eval $(call stamp_rule,cxx,$(cxx_version) $(TARGET_CXXFLAGS)))
$(eval $(call stamp_rule,rust,$(rust_version) $(TARGET_RUSTFLAGS)))

$(TARGETS_OUT):
	@mkdir -p $@

# $(TARGETS_OUT)/grow.no-pie: stem `grow`, variant `no-pie`.
stem = $(firstword $(subst ., ,$(notdir $(1))))
variant = $(patsubst .%,%,$(suffix $(notdir $(1))))

# A product appears whole: two makes at once never see half of one.
out = -o $@.$$$$
done = && mv $@.$$$$ $@

define asm_rule
$(TARGETS_OUT)/$(call asm_product,$(1)): targets/asm/$(1).asm $(call stamp,asm)
	$(NASM) -f elf64 -g -F dwarf -o $$@.$$$$$$$$.o $$< && ld -o $$@.$$$$$$$$ $$@.$$$$$$$$.o && \
	  rm $$@.$$$$$$$$.o && mv $$@.$$$$$$$$ $$@
endef
$(foreach n,$(asm_names),$(eval $(call asm_rule,$(n))))

extra_thread = -pthread
extra_exec_race = -pthread
extra_resolver = -Wl,-z,lazy
extra_dlopen = -Wl,-rpath,'$$ORIGIN' -ldl
# One evaluator three ways, compared by their speed too: as fast as gcc makes them.
extra_eval_list = -O2
extra_eval_array = -O2
extra_eval_mexe = -O2 -Ievaluator $(EVALUATOR_TOP)/libmexe.a

$(filter-out %.so,$(c_products)) $(static_products): \
    targets/c/$$(call stem,$$@).c $(call stamp,c)
	$(CC) $(TARGET_CFLAGS) $(call few_c,$@) $(linkage_$(call variant,$@)) $(out) $< $(extra_$(call stem,$@)) $(done)

$(musl_products): targets/c/$$(call stem,$$@).c $(call stamp,musl)
	$(MUSL_GCC) $(TARGET_CFLAGS) $(call few_c,$@) $(linkage_$(call variant,$@)) $(out) $< $(done)

$(call in_out,plugin.so preloaded.so): targets/c/$$(call stem,$$@).c $(call stamp,c)
	$(CC) $(TARGET_CFLAGS) -shared -fPIC $(out) $< $(done)

$(TARGETS_OUT)/dlopen: $(TARGETS_OUT)/plugin.so
$(call in_out,eval_list eval_array): targets/c/expressions.h targets/c/tokens.h
$(call in_out,eval_mexe): targets/c/expressions.h $(EVALUATOR_TOP)/libmexe.a

$(cxx_products): targets/cxx/$$(call stem,$$@).cc $(call stamp,cxx)
	$(CXX) $(TARGET_CXXFLAGS) $(out) $< $(done)

# rustc leaves files beside its output, named after the source: each build gets its own folder.
$(rust_products): targets/rust/$$(call stem,$$@).rs $(call stamp,rust)
	@echo '$(RUSTC) $(rust_$(or $(call variant,$@),release)) -o $@'
	@mkdir $@.$$$$ && MAKEFLAGS= $(call few_rust,$@) $(RUSTC) $(TARGET_RUSTFLAGS) \
	  $(rust_$(or $(call variant,$@),release)) -o $@.$$$$/out $< && mv $@.$$$$/out $@; \
	  status=$$?; rm -rf $@.$$$$; exit $$status

# ---- how each is started ------------------------------------------------------------------------

# A product is started by its own path, but for these: NAME, what it needs, and its command.
# `also`: a second source, whose header speaks of the same run.
also_dlopen = targets/c/plugin.c
also_alloc.preloaded = targets/c/preloaded.c
ways = success.through-ld-linux alloc.through-ld-linux alloc.preloaded
needs_success.through-ld-linux = success
command_success.through-ld-linux = $(LD_LINUX) $(TARGETS_OUT)/success
needs_alloc.through-ld-linux = alloc
command_alloc.through-ld-linux = $(LD_LINUX) $(TARGETS_OUT)/alloc
needs_alloc.preloaded = alloc preloaded.so
command_alloc.preloaded = \
  $(LD_LINUX) --preload $(TARGETS_OUT)/preloaded.so $(TARGETS_OUT)/alloc

command = $(or $(command_$(1)),$(TARGETS_OUT)/$(1))
source_of = $(firstword $(if $(filter success_asm,$(1)),targets/asm/success.asm) \
  $(foreach d,c/%.c cxx/%.cc rust/%.rs asm/%.asm,\
    $(wildcard targets/$(patsubst %,$(d),$(call stem,$(1))))))
programs := $(filter-out %.so,$(notdir $(targets_built))) \
  $(if $(and $(cc_version),$(wildcard $(LD_LINUX))),$(ways))

# Lines of: name, sources, command; also printed by `make -f targets/build.mk programs`.
print_programs = :; $(foreach p,$(programs),printf '%s\t%s\t%s\n' \
  '$(p)' '$(call source_of,$(p))$(also_$(p):%= %)' '$(call command,$(p))';)
programs: ## list the programs: name, sources, command
	@$(print_programs)

$(TARGETS_OUT)/programs.tsv: force | $(TARGETS_OUT)
	@{ $(print_programs) } > $@.$$$$; \
	  if cmp -s $@.$$$$ $@; then rm $@.$$$$; else mv $@.$$$$ $@; fi

# make run-NAME: brkpoint on NAME.
run-%: $$(addprefix $(TARGETS_OUT)/,$$(or $$(needs_$$*),$$*)) ## run brkpoint on one of the programs
	./brkpoint $(call command,$*)

include evaluator/build.mk

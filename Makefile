# brkpoint: everything a person or a machine does here has a verb. `make help` lists them.

PREFIX ?= /usr/local
DESTDIR ?=
PYTHON = /usr/bin/python3
REAL_ARGS ?=
ATTACHES ?= 2000
FUZZ ?= 60

.DEFAULT_GOAL := all
.PHONY: help all article course evaluator-story check test fuzz test-real attach-long killed-long names-alike real-docs lint format bench bench-page bench-recorder bench-start bench-export doctor readme page-pictures page-vendor export-pictures install uninstall deb test-deb clean

help: ## list these verbs
	@awk -F ':[^#]*## ' '/^[a-z][a-z%-]*:[^#]*## / { sub("%", "NAME", $$1); \
	  printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST) | sort
	@echo; echo 'NAME of session-NAME: $(sessions)' | fold -s -w 80
	@echo; echo 'NAME of run-NAME, with more ways to build them in `make programs`: $(sort $(asm_names) \
	  $(c_names) $(cxx_names) $(rust_names))' | fold -s -w 80

-include targets/build.mk
-include recorder/build.mk
-include region/build.mk
-include eras/build.mk
-include evaluator/bench/build.mk

# Where there is what it is built with; else gdb's breakpoints do its work.
recorder_headers = /usr/include/Zydis/Zydis.h /usr/include/isa-l.h
recorder_if_can := $(if $(and $(cc_version),$(filter 2,$(words $(wildcard $(recorder_headers))))),recorder)

all: targets evaluator region $(recorder_if_can) ## build everything that is compiled, into build/

article: ## investigate the article's programs on this machine and write the report
	./brkpoint article

course: $(recorder_if_can) ## make the course as pages that need no network, with its traces, into build/course
	./brkpoint learn --html build/course

evaluator-story: $(addprefix $(TARGETS_OUT)/,eval_list eval_array eval_mexe) ## run three designs of an evaluator; tell what each costs
	$(PYTHON) -m article.designs_runs

# Many tests wait, for a timeout or a debugger: one more worker than processors.
test: PYTEST_ARGS ?= -n $(shell expr $$(nproc) + 1) --dist loadfile
test: targets ## run the tests
	@$(MAKE) -s -j $$(nproc) recorder
	@echo 'the tests: some 30 minutes on two processors; at the end they list what failed or was skipped'
	$(PYTHON) -m pytest $(PYTEST_ARGS)

check: PYTEST_ARGS ?= -n $(shell nproc) --dist loadfile
check: ## the loop of who changes a rule: style, types, and each test that starts no process
	@$(MAKE) -s -j $$(nproc) lint
	@env -u PYTHONDONTWRITEBYTECODE $(PYTHON) -m pytest -q --no-processes \
	  -o addopts='-p no:cacheprovider' $(PYTEST_ARGS)

fuzz: recorder ## damage traces, spools and their tables for some minutes; FUZZ=100 for longer
	BRKPOINT_FUZZ=$(FUZZ) $(PYTHON) -m pytest -q tests/test_trace_fuzz.py tests/test_spool_fuzz.py \
	  tests/test_recover_fuzz.py tests/test_trace_contract.py

test-real: recorder ## run real programs alone and watched, and compare; REAL_ARGS='node redis' for some
	$(PYTHON) tests/real/run.py $(REAL_ARGS)

attach-long: recorder ## attach ATTACHES times to programs whose handlers allocate, and see that they stay as they were
	$(PYTHON) tests/attach_long.py $(ATTACHES)

killed-long: recorder ## kill the recorder at MOMENTS random moments, and see that nothing of what it had recorded is lost
	BRKPOINT_MOMENTS=$(or $(MOMENTS),50) $(PYTHON) -m pytest -q tests/test_recorder_heir.py

names-alike: recorder targets ## name addresses all over the FILES (/usr/bin, libraries) with gdb and without, and compare
	$(PYTHON) tests/named_alike.py $(or $(FILES),/usr/bin $(wildcard /usr/lib/*-linux-gnu) build/targets)

real-docs: ## write what test-real found last into docs/real-programs.md
	$(PYTHON) tests/real/run.py --docs

# Which of the programs each session of gdb-scripts/sessions/ is told with.
session_malloc-callers = empty
session_syscall-callers = success
session_actual-code = vec_fn
session_push-to-malloc = boxed.debug
session_malloc-to-kernel = alloc
session_first-instruction = success

sessions = $(sort $(basename $(notdir $(wildcard gdb-scripts/sessions/*.py))))

session-%: $$(addprefix $$(TARGETS_OUT)/,$$(session_$$*)) ## tell a session of gdb-scripts/sessions/, in gdb
	@test -n '$(session_$*)' || { echo 'no session is named $*; there are: $(sessions)' >&2; exit 2; }
	@gdb -nx -batch -x gdb-scripts/sessions/$*.py --args $<

bench-export: recorder ## measure exports of ten million events; each figure beside the wanted one
	$(PYTHON) bench/export_cost.py

bench: targets $(recorder_if_can) ## measure what brkpoint costs; prints ratios
	$(PYTHON) bench/run.py

page-pictures: recorder targets ## take the pictures of the page anew, in a real browser
	$(PYTHON) docs/make/pictures.py

export-pictures: recorder targets ## take the pictures of other tools' viewers anew, in a real browser
	$(PYTHON) docs/make/export_pictures.py

page-vendor: ## make the library in the page anew, of npm's packages that its lock file names
	reports/page/vendor/build.sh reports/page/vendor/d3.js

bench-page: recorder ## measure the page of a thousand and of ten million events in a real browser
	$(PYTHON) bench/page_cost.py

bench-recorder: recorder ## measure the recorder beside heaptrack; each figure beside the wanted one
	$(PYTHON) bench/recorder_cost.py

bench-start: recorder ## measure what a run and a report cost beside their program
	$(PYTHON) bench/start_cost.py

doctor: ## say what is missing here, and which command mends it
	./brkpoint doctor

# ---- style ------------------------------------------------------------------------------------

trace_scripts = $(addprefix trace-scripts/,count-syscalls cross-check inspect list-calls list-maps)
python_files = $(wildcard brkpoint $(trace_scripts) $(shell git ls-files '*.py'))
shell_files = $(wildcard setup .ci/run packaging/deb eras/enter $(shell git ls-files '*.sh'))
c_files = $(wildcard $(shell git ls-files '*.c' '*.h' '*.cc'))

# A stamp a tool: what was found sound is looked at again where it is newer, or how it is judged.
stamps = build/lint
judges = Makefile pyproject.toml .flake8 .clang-format
newer = $(filter-out $(judges),$(if $(filter $(judges),$?),$^,$?))
stamp_it = && mkdir -p $(stamps) && touch $@

# Only then git is asked which files there are: make looks at what every rule needs.
ifneq ($(filter lint check,$(MAKECMDGOALS)),)
lint: $(addprefix $(stamps)/,flake8 black mypy shellcheck clang-format) ## check formatting, names, types and shell scripts

$(stamps)/flake8: $$(python_files) $(judges)
	@flake8 $(newer) $(stamp_it)

$(stamps)/black: $$(python_files) $(judges)
	@{ black -q --check $(newer) || { black -q --diff $(newer); false; }; } $(stamp_it)

$(stamps)/mypy: $$(python_files) $(judges)
	@mypy --no-error-summary $(stamp_it)

$(stamps)/shellcheck: $$(shell_files) $(judges)
	@shellcheck $(newer) $(stamp_it)

$(stamps)/clang-format: $$(c_files) $(judges)
	@clang-format --dry-run -Werror $(newer) $(stamp_it)
endif

format: ## format Python and C
	@black -q $(python_files)
	@clang-format -i $(c_files)

readme: targets $(recorder_if_can) ## write the generated parts anew: the runs in README and docs/report.md, manual, completions
	$(PYTHON) docs/make

# ---- installing ---------------------------------------------------------------------------------

rooms = command start article course eras alloctrace reports exports gdb-scripts trace-scripts targets evaluator
lib = $(DESTDIR)$(PREFIX)/lib/brkpoint
doc = $(DESTDIR)$(PREFIX)/share/doc/brkpoint
man = $(DESTDIR)$(PREFIX)/share/man/man1/brkpoint.1
bash_completion = $(DESTDIR)$(PREFIX)/share/bash-completion/completions/brkpoint
zsh_completion = $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_brkpoint
fish_completion = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/brkpoint.fish
# Of the command mexe, which is installed where there is a compiler to build it.
mexe_man = $(DESTDIR)$(PREFIX)/share/man/man1/mexe.1
mexe_bash = $(DESTDIR)$(PREFIX)/share/bash-completion/completions/mexe
mexe_zsh = $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_mexe
mexe_fish = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/mexe.fish
with_mexe := $(if $(cc_version),yes)
# What programs link with that mark regions.
region_library = $(DESTDIR)$(PREFIX)/lib/libbrkpoint_region.a
region_header = $(DESTDIR)$(PREFIX)/include/brkpoint_region.h
region_rust = $(DESTDIR)$(PREFIX)/share/brkpoint/brkpoint_region.rs
define install_region
install -D -m 644 build/libbrkpoint_region.a '$(region_library)'
install -D -m 644 region/brkpoint_region.h '$(region_header)'
install -D -m 644 region/brkpoint_region.rs '$(region_rust)'
endef
define install_mexe
install -m 755 build/mexe '$(DESTDIR)$(PREFIX)/bin/mexe'
install -m 644 docs/man/mexe.1 '$(mexe_man)'
install -m 644 completions/mexe.bash '$(mexe_bash)'
install -m 644 completions/_mexe '$(mexe_zsh)'
install -m 644 completions/mexe.fish '$(mexe_fish)'
endef

install: uninstall $(if $(with_mexe),build/mexe region) $(recorder_if_can) ## install below PREFIX (/usr/local), behind DESTDIR
	install -d '$(lib)' '$(DESTDIR)$(PREFIX)/bin'
	find $(wildcard $(rooms)) \( -name __pycache__ -o -path evaluator/tests -o -path evaluator/bench \) \
	  -prune -o -type f -exec sh -c \
	  'for f; do m=644; [ -x "$$f" ] && m=755; install -D -m $$m "$$f" "$(lib)/$$f" || exit; done' - {} +
	install -m 755 brkpoint '$(lib)/brkpoint'
	install -m 644 setup.packages LICENSE '$(lib)'
	$(if $(recorder_if_can),install -D -m 755 -t '$(lib)/recorder' \
	  build/recorder/brkpoint-recorder build/recorder/brkpoint-rows build/recorder/brkpoint-lines \
	  build/recorder/libbrkpoint-kernels.so,@echo 'not installed: the recorder (no Zydis to build it with)')
	ln -s ../lib/brkpoint/brkpoint '$(DESTDIR)$(PREFIX)/bin/brkpoint'
	install -D -m 644 docs/man/brkpoint.1 '$(man)'
	install -d '$(doc)'
	install -m 644 README.md CHANGELOG.md LICENSE $(wildcard docs/*.md) '$(doc)'
	install -D -m 644 completions/brkpoint.bash '$(bash_completion)'
	install -D -m 644 completions/_brkpoint '$(zsh_completion)'
	install -D -m 644 completions/brkpoint.fish '$(fish_completion)'
	$(if $(with_mexe),$(install_region))
	$(if $(with_mexe),$(install_mexe),@echo 'not installed: mexe (no gcc to build it with)')

uninstall: ## remove what install put there
	rm -rf '$(lib)' '$(doc)'
	rm -f '$(DESTDIR)$(PREFIX)/bin/brkpoint' '$(man)'
	rm -f '$(bash_completion)' '$(zsh_completion)' '$(fish_completion)'
	rm -f '$(region_library)' '$(region_header)' '$(region_rust)'
	rm -f '$(DESTDIR)$(PREFIX)/bin/mexe' '$(mexe_man)' '$(mexe_bash)' '$(mexe_zsh)' '$(mexe_fish)'
	@cd '$(DESTDIR)$(PREFIX)/share' 2>/dev/null && rmdir -p --ignore-fail-on-non-empty \
	  bash-completion/completions zsh/site-functions fish/vendor_completions.d brkpoint 2>/dev/null || true

version = $(shell sed -n 's/^VERSION = "\(.*\)"/\1/p' start/version.py)
architecture = $(shell dpkg --print-architecture 2>/dev/null)

deb: ## make a package of Debian in build/, for the release that this machine has
	@rm -rf build/deb
	@$(MAKE) -s install DESTDIR='$(CURDIR)/build/deb' PREFIX=/usr
	@packaging/deb build/deb build/brkpoint_$(version)_$(architecture).deb

test-deb: ## install that package in a new root of Debian, and use it there: minutes, and the network
	BRKPOINT_NEW_ROOT=1 $(PYTHON) -m pytest tests/test_deb.py

# Minutes of downloading each: `make clean-eras` and `rm -r build` delete them.
fetched = eras axe readers

clean: ## delete what was built; what was fetched stays: the roots of the eras (make clean-eras), npm's packages
	@mkdir -p build
	find build -mindepth 1 -maxdepth 1 $(fetched:%=! -name %) -exec rm -rf {} +
	@rmdir --ignore-fail-on-non-empty build

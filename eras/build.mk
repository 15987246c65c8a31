# The same programs under other releases of Debian: docs/eras.md. `make -j4 eras` runs four cells at
# a time; without -j as many as there are processors.

ERAS = $(or $(BRKPOINT_ERAS),build/eras)
eras_forms = $(addprefix $(ERAS)/report.,txt md json html)
# What a result rests on: when it changes, the cell is run again.
eras_sources = $(wildcard $(addprefix eras/,cell.py facts.py plan.py enter data/*.ini) start/*.py alloctrace/*.py alloctrace/*/*.py \
  alloctrace/data/*.ini gdb-scripts/brkpoint_gdb/*.py targets/*/*)
eras_roots = $(wildcard $(ERAS)/roots/*.json)
eras_jobs = $(if $(filter -j%,$(MAKEFLAGS)),,-j $(shell nproc))

.PHONY: eras eras-cells clean-eras test-eras

eras: ## run the targets in other releases of Debian and compare them: half an hour, 4 GB, the network
	@./brkpoint eras prepare || :
	@$(MAKE) -s -k $(eras_jobs) eras-cells; status=$$?; \
	  $(MAKE) -s $(eras_forms) && cat $(ERAS)/report.txt && exit $$status

ifneq ($(filter eras-cells,$(MAKECMDGOALS)),)
eras_cells = $(addsuffix /done,$(addprefix $(ERAS)/cells/,$(shell ./brkpoint eras cells)))
endif
eras-cells: $(eras_cells) ## run those cells of the eras whose results are older than what they rest on
	@:

$(ERAS)/cells/%/done: $(eras_sources) $(eras_roots)
	@./brkpoint eras run '$*'

$(eras_forms): force
$(ERAS)/report.txt:
	@./brkpoint eras report --width 120 -o $@
$(ERAS)/report.md:
	@./brkpoint eras report --markdown -o $@
$(ERAS)/report.json:
	@./brkpoint eras report --json -o $@
$(ERAS)/report.html:
	@./brkpoint eras report --html $@

test-eras: ## assert in them what the article saw: minutes, and the network where a root is missing
	@./brkpoint eras prepare debian-11 debian-12
	BRKPOINT_ERAS_TESTS=1 $(PYTHON) -m pytest -q tests/test_eras_roots.py

clean-eras: ## delete these releases of Debian and all results
	@./brkpoint eras clean

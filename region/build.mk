# The library that marks regions of a program: docs/regions.md. Alone: make -f region/build.mk region
.PHONY: region
region: build/libbrkpoint_region.a ## build the library that marks regions of a program

build/libbrkpoint_region.a: region/markers.S region/build.mk
	@mkdir -p build
	@$(CC) -fcf-protection -c -o build/brkpoint_region.o region/markers.S
	@rm -f $@
	@ar rcs $@ build/brkpoint_region.o
	@rm -f build/brkpoint_region.o

# The front door: a few lines over the presets of CMakePresets.json.
#
#   make            set up what is missing and build        make install   PREFIX=, DESTDIR=
#   make run        boot Debian's kernel                    make format    and format-check
#   make test       every test that can run here            make asan      tests under ASan+UBSan
#   make check      conformance suite, CHECK=options        make tsan      tests under TSan
#   make bench      benchmarks, BENCH=options               make rig       real KVM code under QEMU
#   make fuzz       FUZZ_SECONDS= each, FUZZ_TOTAL= in all  make docs      check and format the docs
#   make check-diff  the software CPU against this host's, MINUTES=10
#   make bench-compute  the speed of guest code beside QEMU's TCG, COMPUTE=options

PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
FUZZ_SECONDS ?= 60
MINUTES ?= 10
SUMMARY = JOBS=$(JOBS) scripts/test-summary
ASAN = 'build/asan=^(unit|conformance|fault)$$'
TSAN = 'build/tsan=^(unit|conformance)$$'
NEEDS = build
# An x86-64 host has the rig of AArch64 too, with a cross build.
ifeq ($(shell uname -m),x86_64)
ARM64 = arm64
RIG_NEEDS = run rig-x86 arm64 rig-arm64
RIGS = 'suite-x86 build/vmaccel-static' 'suite-arm64 build/arm64/vmaccel-static'
else
RIG_NEEDS = run rig-arm64
RIGS = 'suite-arm64 build/vmaccel-static'
endif
SOURCES = git ls-files '*.c' '*.h'

MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := all
.PHONY: all help setup run test bench bench-compute check check-diff fuzz docs install format format-check \
	rig asan tsan clean

all: build-release

help:
	@sed -n 's/^#   //p' Makefile

test: NEEDS = build test $(RIG_NEEDS)
fuzz asan tsan format format-check: NEEDS = build test
rig: NEEDS = build $(RIG_NEEDS)
build-arm64: NEEDS = build arm64
docs: NEEDS = docs

setup:
	@scripts/setup $(NEEDS)

# Makefiles made by CMake configure themselves again when needed.
build-%: setup
	@[ -f build/$(patsubst release,,$*)/Makefile ] || cmake --preset $*
	@cmake --build --preset $* --parallel $(JOBS)

run: build-release
	@scripts/run $(RUN)

test: build-release build-asan build-tsan $(ARM64:%=build-%)
	@$(SUMMARY) build $(ASAN) $(TSAN) $(ARM64:%=build/%)

bench: build-release
	@build/vmaccel bench $(BENCH)
	@tests/instructions/count build/tests || [ $$? -eq 77 ]

bench-compute: build-release
	@bench/compute $(COMPUTE)

check: build-release
	@build/vmaccel check $(CHECK)

check-diff: build-release
	@for mode in 64 32; do build/tests/diff-cpu --mode $$mode --seed $$(date +%s) -j $(JOBS) \
	    --seconds $$(($(MINUTES) * 30)) --out build/findings || exit 1; done
	@build/tests/diff-system --seed $$(date +%s) --seconds $$(($(MINUTES) * 10))

fuzz: build-fuzz
	@tests/fuzz/run build/fuzz $(FUZZ_SECONDS) '$(FUZZ_TOTAL)' $(FUZZ_SEED)

asan: build-asan
	@$(SUMMARY) $(ASAN)

tsan: build-tsan
	@$(SUMMARY) $(TSAN)

rig: build-release $(ARM64:%=build-%)
	@failed=0; for suite in $(RIGS); do echo "== $$suite"; tests/rig/$$suite || failed=1; done; exit $$failed

docs: setup
	@scripts/docs build/docs

install: build-release
	@DESTDIR='$(DESTDIR)' cmake --install build --prefix '$(PREFIX)'

format: setup
	@$(SOURCES) | xargs clang-format -i

format-check: setup
	@$(SOURCES) | xargs clang-format --dry-run --Werror

clean:
	rm -rf build

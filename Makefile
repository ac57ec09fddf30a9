# hartree. `make help` lists the targets. RUN is a wrapper for cross-built programs, such as "qemu-aarch64".
# Variables: CC CFLAGS LDFLAGS CROSS=aarch64-linux-gnu- STATIC=1 SAN=address,undefined|thread SIMDE=1 V=1 PREFIX DESTDIR RUN
VERSION := 0.1.0
ifneq ($(CROSS),)
CC := $(CROSS)gcc
endif
CC ?= cc
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
Q := $(if $(V),,@)

ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
ARCH := $(ARCH:arm64=aarch64)# as Apple calls it
CCID := $(notdir $(firstword $(CC)))
empty :=
comma := ,
B := build/$(ARCH)-$(CCID)$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(STATIC),-static)$(if $(SIMDE),-simde)

# ISA order is dispatch priority: later wins. Features, never CPU models.
ISA_x86_64    := scalar avx2 avx512
ISA_aarch64   := scalar neon dotprod i8mm
FLAGS_avx2    := -mavx2 -mfma -mf16c
FLAGS_avx512  := -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni
# SIMDE=1: AVX-512 emulated by SIMDe (tests/simde/immintrin.h), so that any x86-64 with AVX2 can test these kernels.
ifneq ($(SIMDE),)
FLAGS_avx512  := -Itests/simde -Wno-psabi -O1 -mavx2 -mfma -mf16c
endif
FLAGS_dotprod := -march=armv8.2-a+dotprod
FLAGS_i8mm    := -march=armv8.2-a+dotprod+i8mm
ISAS := $(or $(ISA_$(ARCH)),scalar)

KSRC := $(foreach i,$(ISAS),$(sort $(wildcard kernels/*_$(i).c kernels/*_$(i)_*.c)))
KCORE := kernels/cpu.c kernels/registry.c kernels/type.c
LSRC := $(sort $(wildcard base/*.c tensor/*.c loader/*.c engine/*.c engine/*/*.c vision/*.c bench/*.c)) $(KCORE) $(KSRC)
DEVICES := $(sort $(wildcard devices/*.profile))
TSRC := $(sort $(wildcard tools/*.c))
USRC := $(sort $(wildcard tests/*.c))
LOBJ := $(LSRC:%.c=$(B)/%.o)
TOBJ := $(TSRC:%.c=$(B)/%.o)
TESTS := $(USRC:%.c=$(B)/%)

# Optional libraries: used where the compiler finds them, reported by `hartree version`.
have = $(shell echo 'int main(void){return 0;}' | $(CC) -include $(1) -x c - $(2) -o /dev/null 2>/dev/null && echo 1)
HAVE_ZSTD := $(if $(STATIC)$(CROSS),,$(call have,zstd.h,-lzstd))
HAVE_PNG := $(if $(STATIC)$(CROSS),,$(call have,png.h,-lpng))
# OpenBLAS is opened while running, by what computes with it (tensor/lapack.c); a static program can open nothing.
HAVE_DLOPEN := $(if $(STATIC),,1)

ALL_CPPFLAGS = -I. -I$(B) -D_GNU_SOURCE -DHARTREE_VERSION='"$(VERSION)"' $(if $(HAVE_ZSTD),-DHAVE_ZSTD) $(if $(HAVE_PNG),-DHAVE_PNG) \
               $(if $(HAVE_DLOPEN),-DHAVE_DLOPEN) \
               $(if $(SIMDE),-DEMULATED_AVX512) $(CPPFLAGS)
ALL_CFLAGS = -std=c11 -Wall -Wextra -Werror=incompatible-pointer-types -ffp-contract=off -fno-math-errno -pthread -MMD -MP \
             $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) $(CFLAGS)
ALL_LDFLAGS = -pthread $(if $(SAN),-fsanitize=$(SAN)) $(if $(STATIC),-static) $(LDFLAGS)
LIBS = $(if $(HAVE_ZSTD),-lzstd) $(if $(HAVE_PNG),-lpng) $(if $(HAVE_DLOPEN),-ldl) -lm
isa = $(firstword $(filter $(ISAS),$(subst _, ,$(notdir $*))))

all: $(B)/hartree ## build the program; a plain build is linked as ./hartree
	$(if $(CROSS)$(SAN)$(SIMDE),,@ln -sf $(B)/hartree hartree)

$(B)/hartree: $(TOBJ) $(B)/libhartree.a
	$(if $(Q),@echo "  link  $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(B)/libhartree.a: $(LOBJ)
	$(Q)rm -f $@; $(CROSS)ar rcs $@ $^
$(B)/tests/%: $(B)/tests/%.o $(B)/libhartree.a
	$(if $(Q),@echo "  link  $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(B)/kernels/%.o: kernels/%.c $(B)/flags | $(B)/kernels.inc
	@mkdir -p $(@D)
	$(if $(Q),@echo "  cc    $<")
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -O3 $(FLAGS_$(isa)) -c -o $@ $<
$(B)/%.o: %.c $(B)/flags | $(B)/kernels.inc $(B)/devices.inc $(B)/calibration.inc $(B)/build.inc
	@mkdir -p $(@D)
	$(if $(Q),@echo "  cc    $<")
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<
# Rewritten only when the list of kernel files changes, so that adding or deleting one rebuilds what must be.
$(B)/kernels.inc: FORCE
	@mkdir -p $(@D); printf 'ROW(%s)\n' $(notdir $(KSRC:.c=)) > $@.new
	@cmp -s $@ $@.new && rm $@.new || mv $@.new $@
# Device profiles as rows {"NAME", "TEXT"} for engine/account/bundled.c: one file is then all that a machine needs.
$(B)/devices.inc: FORCE
	@mkdir -p $(@D); for f in $(DEVICES); do n=$${f##*/}; printf '{"%s",\n' "$${n%.profile}"; \
	    sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' "$$f"; echo '},'; done > $@.new
	@cmp -s $@ $@.new && rm $@.new || mv $@.new $@
# A checksum for engine/account/device.c, so that a profile knows the build it is of: of the sources that ops and their rates are
# made of, of the compiler and of its flags.
TIMED := $(sort $(KSRC) $(KCORE) $(wildcard kernels/*_scalar.c kernels/*.h tensor/*.[ch] engine/ops/*.[ch]) base/memory.c \
           $(addprefix engine/,exec.c pool.c plan.c plan_linear.c) \
           $(addprefix engine/account/,calibrate.c probe.c rounds.c peak.c picture_cost.c read_rate.c) \
           $(addprefix vision/,picture.c png.c pnm.c resize.c))
TIMED_FLAGS = $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(foreach i,$(ISAS),$(FLAGS_$(i)))
$(B)/build.inc: FORCE
	@mkdir -p $(@D); { cat $(TIMED); echo '$(subst ','\'',$(TIMED_FLAGS))'; $(CC) --version; } | cksum | \
	    sed 's/ /-/; s/.*/"&"/' > $@.new
	@cmp -s $@ $@.new && rm $@.new || mv $@.new $@
# The calibration text, as lines of one string for engine/compress/bundled_text.c.
$(B)/calibration.inc: FORCE
	@mkdir -p $(@D); sed -e 's/[\\"]/\\&/g' -e 's/?/\\?/g' -e 's/.*/"&\\n"/' engine/compress/calibration.txt > $@.new
	@cmp -s $@ $@.new && rm $@.new || mv $@.new $@
# The same for the flags: another CFLAGS, or a library installed since, rebuilds everything.
$(B)/flags: FORCE
	@mkdir -p $(@D); printf '%s\n' '$(CC) $(subst ','\'',$(ALL_CPPFLAGS) $(ALL_CFLAGS) $(foreach i,$(ISAS),$(FLAGS_$(i))))' > $@.new
	@cmp -s $@ $@.new && rm $@.new || mv $@.new $@

# A cross build without a wrapper of one's own is run under qemu, on several CPUs.
ON_QEMU := $(if $(RUN),,$(and $(CROSS),$(filter aarch64,$(ARCH))))
test: all $(if $(ON_QEMU),$(B)/tests/kernels,$(TESTS)) ## every test that takes seconds; ends in "N passed, N failed"
	@B=$(B) RUN="$(RUN)" tests/run$(if $(ON_QEMU),-cross)
check: all $(TESTS) ## the slower tests: real models, many mutated files
	@B=$(B) RUN="$(RUN)" tests/run --slow
tests: all $(TESTS) ## build the tests without running them
bench: all ## every kernel: correct, and how fast. K=op for one
	@$(RUN) $(B)/hartree bench kernels $(K)
kernel-table: all ## measure every kernel anew into the table of docs/kernels.md
	@tools/kernel-table docs/kernels.md
demo: all ## the bundled models tell a story and answer questions, then the paper in short: predicted and measured
	@tools/demo
asm: $(patsubst %.c,$(B)/%.o,$(filter kernels/$(K).c,$(KSRC))) ## K=file (q4_K_gemm_avx2): its inner loop with source lines, and llvm-mca's port bound
	@$(if $<,tools/asm $< $(firstword $(filter $(ISAS),$(subst _, ,$(K)))) $(CROSS),echo "make asm: found $(if $(K),K=$(K),no K), expected K=FILE: a file of kernels/ for $(ARCH), without .c" >&2; exit 2)
# What the program says of itself: PATH-BELOW-SHARE=WORDS-OF-HELP.
SHARED := man/man1/hartree.1=--man bash-completion/completions/hartree=--completion=bash \
          zsh/site-functions/_hartree=--completion=zsh fish/vendor_completions.d/hartree.fish=--completion=fish
# The models that `hartree` finds without -m, and their compressed selves.
DEMO := $(addprefix demo/traffic-,lm-q4_k_m.gguf vlm-q4_k_m.gguf mmproj-f16.gguf lm-compressed-q8_0.gguf vlm-compressed-q8_0.gguf)
install: all ## into DESTDIR/PREFIX, with the demo models, the manual page and completions; a cross build needs RUN for those two
	mkdir -p $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/hartree
	install -m755 $(B)/hartree $(DESTDIR)$(PREFIX)/bin/hartree
	install -m644 $(DEMO) $(DESTDIR)$(PREFIX)/share/hartree
	@set -e; for s in $(SHARED); do p=$(DESTDIR)$(PREFIX)/share/$${s%%=*}; echo "$(B)/hartree help $${s#*=} > $$p"; \
	    mkdir -p $${p%/*}; $(RUN) $(B)/hartree help $${s#*=} > $$p; done
uninstall: ## what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/hartree $(DEMO:demo/%=$(DESTDIR)$(PREFIX)/share/hartree/%)
	@d=$(DESTDIR)$(PREFIX)/share/hartree; [ ! -d $$d ] || [ -n "$$(ls -A $$d)" ] || rmdir $$d
	rm -f $(foreach s,$(SHARED),$(DESTDIR)$(PREFIX)/share/$(firstword $(subst =, ,$(s))))
clean: ## everything built
	rm -rf build hartree
help: ## this list
	@sed -n -e 's/^# \(Variables: .*\)/\1/p' -e 's/^\([a-z-]*\):.*## /\1\t/p' Makefile

-include $(LOBJ:.o=.d) $(TOBJ:.o=.d) $(TESTS:=.d)
.SECONDARY:
.PHONY: all test check tests bench kernel-table demo asm install uninstall clean help FORCE

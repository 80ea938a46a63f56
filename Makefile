# Postern.  `make` builds build/debug/bin/*; see CONTRIBUTING.md for the modes.
#   make [MODE=debug|asan|tsan|release|cov] [CC=gcc|clang-14]
#   make unit | mutate | mutants | cov | fuzz T=<target> | fuzz-replay | model | lint | format | bench | man
#   make install DESTDIR= PREFIX=/usr/local LIBDIR=/usr/local/lib   (release,
#   unless MODE says else)
MODE   ?= $(if $(filter install,$(MAKECMDGOALS)),release,debug)
CC      = gcc
BUILD  ?= build
CLANG  ?= clang-14
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
O      := $(BUILD)/$(MODE)$(if $(findstring clang,$(CC)),-clang)

WARN := -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wcast-qual \
	-Wswitch-enum -Wvla -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wformat=2 -Wenum-conversion -Wundef
HARD := -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2 -ftrivial-auto-var-init=zero
FLAGS_debug   := -O1 -g
FLAGS_release := -O2 -g -DNDEBUG $(HARD)
FLAGS_asan    := -O1 -g -DPOSTERN_SANITIZED -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan    := -O1 -g -fsanitize=thread
# gcc takes an array for read that a span is made of, without optimisation.
FLAGS_cov     := -O0 -g --coverage -DPOSTERN_COVERAGE -Wno-maybe-uninitialized
# No -flto: inlined across modules, copies of secrets stay on the stack.
LINK_release  := -pie -Wl,-z,relro,-z,now
CFLAGS  += -std=gnu2x -D_GNU_SOURCE -Isrc -Iinclude -pthread $(WARN) $(FLAGS_$(MODE))
LDFLAGS += -pthread $(filter -fsanitize=% --coverage,$(FLAGS_$(MODE))) $(LINK_$(MODE))
LIBS := -lssl -lcrypto -lsodium -lcurl -lnghttp2 -lmicrohttpd -ljansson -lyaml -llmdb -lmnl -lnftables -lseccomp -lIPSec_MB -lunbound -lgetdns -lz

# Only who opens data disks.
$(O)/bin/postern-agent $(O)/test/test_disk_% $(O)/test/test_agent_% $(O)/tool/diskdo $(BUILD)/fuzz/disk_%: LIBS += -lcryptsetup

# Rooms and what they may include come from the table in src/README.md.
TABLE    := $(shell awk -F'|' '/^\| [a-z0-9]+ \|/ && $$2 !~ /room/ { gsub(/ /,"",$$2); gsub(/^ +| +$$/,"",$$4); gsub(/ /,",",$$4); print $$2 ":" $$4 }' src/README.md)
ROOMS    := $(foreach t,$(TABLE),$(firstword $(subst :, ,$(t))))
comma    := ,
deps_of   = $(subst $(comma), ,$(word 2,$(subst :, ,$(filter $(1):%,$(TABLE)))))
PROGRAMS := edge:postern-edge registrar:postern-registrar certd:postern-cert kms:postern-kms wgd:postern-wg agent:postern-agent teesim:postern-teesim guestinit:postern-init cli:postern
BINS     := $(foreach p,$(PROGRAMS),$(if $(wildcard src/$(firstword $(subst :, ,$(p)))/main.c),$(O)/bin/$(lastword $(subst :, ,$(p)))))

# A hostile party for the demo and the tests; never installed.
ATTACKER := $(if $(wildcard demo/attacker.c),$(O)/bin/postern-attacker)

# The verifier for other programs: src/lib and what it needs of the rooms below
# it, position-independent, in one object whose only global symbols are those
# of packaging/libpostern-tee.map.
SO_VERSION := 0.1.0
SO_NAME    := libpostern-tee.so.$(firstword $(subst ., ,$(SO_VERSION)))
LIBRARY    := $(O)/libpostern-tee.a $(O)/$(SO_NAME)

all: $(BINS) $(ATTACKER) $(LIBRARY)

# One archive a room, without its main.c; a program or test links its rooms.
define room
$(O)/lib/$(1).a: $(patsubst src/%.c,$(O)/obj/%.o,$(filter-out src/$(1)/main.c,$(wildcard src/$(1)/*.c)))
endef
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))
archives = $(foreach r,$(1) $(call deps_of,$(1)),$(if $(wildcard src/$(r)/*.c),$(O)/lib/$(r).a))
define program
$(O)/bin/$(2): $(O)/obj/$(1)/main.o $(call archives,$(1))
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(firstword $(subst :, ,$(p))),$(lastword $(subst :, ,$(p))))))

$(O)/pic/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(filter-out -fPIE,$(CFLAGS)) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<
define pic
$(O)/pic/$(1).a: $(patsubst src/%.c,$(O)/pic/%.o,$(wildcard src/$(1)/*.c))
endef
$(foreach r,lib $(call deps_of,lib),$(eval $(call pic,$(r))))
$(O)/pic/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	ar rcsD $@ $^
$(O)/pic/postern-tee.o: $(foreach r,$(call deps_of,lib),$(O)/pic/$(r).a) $(patsubst src/%.c,$(O)/pic/%.o,$(wildcard src/lib/*.c))
	ld -r -o $@.all $(filter %.o,$^) --start-group $(filter %.a,$^) --end-group
	objcopy --localize-hidden $@.all $@
	@rm -f $@.all
$(O)/libpostern-tee.a: $(O)/pic/postern-tee.o
	@rm -f $@
	ar rcsD $@ $^
$(O)/$(SO_NAME): $(O)/pic/postern-tee.o packaging/libpostern-tee.map
	$(CC) -shared $(filter-out -pie,$(LDFLAGS)) -Wl,-soname,$(SO_NAME) -Wl,--version-script=packaging/libpostern-tee.map $(if $(findstring -fsanitize,$(LDFLAGS)),,-Wl,-z,defs) -o $@ $< -lcrypto -lyaml

$(ATTACKER): $(O)/obj/demo/attacker.o $(call archives,registrar)

$(O)/obj/demo/%.o: demo/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
$(O)/obj/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
$(O)/lib/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	ar rcsD $@ $^
$(O)/bin/%:
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

# It stands in the initramfs too, beside what it is linked with.
$(O)/bin/postern-init: LIBS := -Wl,--as-needed -lcrypto -lyaml -ljansson -lmnl

# Unit tests: tests/unit/test_<room>_<module>.c, one cmocka program each.
# T=<pattern> picks some: make unit T=tee_
TESTS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_$(T)*.c))
define test
$(O)/test/$(1): tests/unit/$(1).c $(wildcard tests/unit/*.h) $(call archives,$(word 2,$(subst _, ,$(1))))
endef
$(foreach t,$(TESTS),$(eval $(call test,$(t))))
# It needs a platform to quote.
$(O)/test/test_evidence_attacks: $(call archives,quoting)
$(O)/test/%:
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Wno-missing-prototypes -Itests/unit -o $@ $< $(LDFLAGS) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS) -lcmocka
tests: $(TESTS:%=$(O)/test/%)
unit: tests
	@tools/run-unit $(TESTS:%=$(O)/test/%)

# Every bit of every byte of real quotes and collateral, under ASan (half an
# hour); the unit tests flip two bits, and fewer places under ASan.
mutate:
	$(MAKE) MODE=asan $(BUILD)/asan/test/test_tee_mutate
	$(BUILD)/asan/test/test_tee_mutate all

# One defence at a time taken out of a copy of the tree: do its tests notice?
# As root; a quarter of an hour, or more.  Not part of check; M="E3 G10" picks rows.
mutants:
	tests/mutants/run $(M)

# Line coverage of the parsers, by the tests of their rooms; 95 % or it fails.
COV_ROOMS := base conf json pki tee quoting pcs measure sni http1 http2 channel manifest \
	web seal dns acme ct evidence keys compose guest disk certd
cov:
	@mkdir -p $(BUILD)/cov && find $(BUILD)/cov -name '*.gcda' -delete
	@for room in $(COV_ROOMS); do $(MAKE) -s MODE=cov T=$${room}_ unit || exit 1; done
	@tools/cov $(BUILD)

# Helpers of end-to-end tests and benchmarks: tests/tools/, bench/tools/.
TOOLS := $(patsubst %.c,$(O)/tool/%,$(notdir $(wildcard tests/tools/*.c bench/tools/*.c)))
tool = $(CC) $(CFLAGS) -Wno-missing-prototypes -o $@ $< $(filter %.o,$^) $(LDFLAGS) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)
$(O)/tool/%: tests/tools/%.c $(call archives,edge)
	@mkdir -p $(@D)
	$(tool)
$(O)/tool/%: bench/tools/%.c $(call archives,edge)
	@mkdir -p $(@D)
	$(tool)
$(O)/tool/quotespeed $(O)/tool/simset $(O)/tool/judge: $(call archives,teesim)
$(O)/tool/kmsask $(O)/tool/kmsload: $(call archives,keyclient)
$(O)/tool/dnstool: $(call archives,resolve)
$(O)/tool/verifyspeed: $(call archives,evidence) $(call archives,quoting)
$(O)/tool/diskdo: $(call archives,disk)
$(O)/tool/ctfollow: $(call archives,ct) $(call archives,http)
$(O)/tool/aeadspeed: $(call archives,crypto)
$(O)/tool/hello_views: LIBS += -lgnutls
$(O)/tool/routespeed: LIBS += -lm
$(O)/tool/acmedo: $(call archives,acme)
$(O)/tool/wghand: $(call archives,wgd)
$(O)/tool/wgnull: $(O)/obj/wgd/main.o $(call archives,wgd)
tools: $(TOOLS)

# Fuzz targets: fuzz/<room>_<what>.c, corpus fuzz/corpus/<room>_<what>/,
# optional dictionary fuzz/<room>_<what>.dict.  fuzz-replay runs corpora only.
FUZZ   := $(patsubst fuzz/%.c,%,$(wildcard fuzz/*.c))
FCFLAGS = $(CFLAGS) $(FLAGS_asan) -fsanitize=fuzzer-no-link
$(BUILD)/fuzz/obj/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(CLANG) $(FCFLAGS) -MMD -MP -c -o $@ $<
fuzz_objs = $(foreach r,$(1) $(call deps_of,$(1)),$(patsubst src/%.c,$(BUILD)/fuzz/obj/%.o,$(filter-out %/main.c,$(wildcard src/$(r)/*.c))))
define fuzzer
$(BUILD)/fuzz/$(1): fuzz/$(1).c $(call fuzz_objs,$(firstword $(subst _, ,$(1))))
endef
$(foreach f,$(FUZZ),$(eval $(call fuzzer,$(f))))
$(BUILD)/fuzz/%: fuzz/%.c
	@mkdir -p $(@D)
	$(CLANG) $(FCFLAGS) -Wno-missing-prototypes -fsanitize=fuzzer -o $@ $^ $(LIBS)
fuzzers: $(FUZZ:%=$(BUILD)/fuzz/%)
fuzz: $(BUILD)/fuzz/$(T)
	@tools/fuzz $(BUILD)/fuzz $(T) $(SECONDS)
fuzz-replay: fuzzers
	@tools/fuzz-replay $(BUILD)/fuzz $(FUZZ)

# The attested channel's protocol, searched by Spin.
model:
	@tests/model/run $(BUILD)/model

# Gigabytes between postern-wg and other WireGuards over a bad network; see
# tests/interop for what and for how long.  Not part of check.
interop:
	$(MAKE) MODE=release all
	tests/interop --bindir $(BUILD)/release/bin

lint: $(LIBRARY) man
	tools/layers
	tools/abi $(O)
	tools/lint $(BUILD)
format:
	clang-format-14 -i $$(find src include tests fuzz bench demo examples -name '*.[ch]')
bench: all
	@for b in bench/[a-z]*; do [ -d $$b ] || $$b; done
MANS := $(patsubst docs/man/%.scd,$(BUILD)/man/%,$(wildcard docs/man/*.scd))
$(BUILD)/man/%: docs/man/%.scd
	@mkdir -p $(@D)
	scdoc < $< > $@
man: $(MANS)
install: all man
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/share/doc/postern
	install $(BINS) $(DESTDIR)$(PREFIX)/bin
	install -d $(DESTDIR)$(PREFIX)/include/postern $(DESTDIR)$(LIBDIR)/pkgconfig
	install -m 644 include/postern/tee.h $(DESTDIR)$(PREFIX)/include/postern
	install -m 644 $(O)/libpostern-tee.a $(DESTDIR)$(LIBDIR)
	install -m 755 $(O)/$(SO_NAME) $(DESTDIR)$(LIBDIR)/libpostern-tee.so.$(SO_VERSION)
	ln -sf libpostern-tee.so.$(SO_VERSION) $(DESTDIR)$(LIBDIR)/$(SO_NAME)
	ln -sf $(SO_NAME) $(DESTDIR)$(LIBDIR)/libpostern-tee.so
	sed 's,@PREFIX@,$(PREFIX),; s,@LIBDIR@,$(LIBDIR),; s,@VERSION@,$(SO_VERSION),' packaging/postern-tee.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/postern-tee.pc
	for m in $(MANS); do install -D -m 644 $$m $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m##*/}; done
	for u in packaging/*.service; do sed 's,/usr/local/bin,$(PREFIX)/bin,' $$u >$(DESTDIR)$(PREFIX)/lib/systemd/system/$${u##*/}; done
	cp -R examples $(DESTDIR)$(PREFIX)/share/doc/postern
clean:
	rm -rf $(BUILD)
.PHONY: all tests tools unit mutate mutants cov fuzzers fuzz fuzz-replay model interop lint format bench man install clean
-include $(shell find $(BUILD) \( -path $(BUILD)/image -o -path $(BUILD)/mutants \) -prune -o -name '*.d' -type f -print 2>/dev/null)

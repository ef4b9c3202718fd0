# zonecrier: `make help` lists what can be made.
#
# Every folder of src/ becomes one archive; USES_<folder> lists the folders it may use, in link order.
# The unit tests of a folder are linked with those alone, so an arrow against the layers does not link.

VARIANT ?= release
BUILD   ?= build
OBJ     := $(BUILD)/obj-$(VARIANT)
CC      ?= gcc
PKGS    := ldns libcrypto libssl libsystemd lmdb libcares libcurl libmicrohttpd jansson expat
VERSION := $(shell sed -n '1s/.*(\([^)-]*\).*/\1/p' packaging/debian/changelog 2>/dev/null)

FOLDERS := base dns resolve conf event doctor probe source zonefile store zone transfer server notify fleet push publish control
USES_base     := base
USES_dns      := dns base
USES_resolve  := resolve dns base
USES_conf     := conf dns base
USES_doctor   := doctor base
USES_event    := event conf dns base
USES_probe    := probe conf dns base
USES_source   := source conf dns base
USES_zonefile := zonefile source conf dns base
USES_store    := store dns base
USES_zone     := zone dns base
USES_transfer := transfer store dns base
USES_server   := server transfer store conf dns base
USES_fleet    := fleet event store probe conf dns base
USES_notify   := notify fleet event store probe conf dns base
USES_push     := push fleet event store zonefile probe source conf dns base
USES_publish  := publish resolve notify fleet transfer zone event store zonefile probe source conf dns base
USES_control  := control push publish resolve server transfer notify fleet zone event store zonefile probe source conf dns base
USES_daemon   := control push publish resolve server transfer notify fleet zone event store zonefile probe source conf dns base
USES_client   := doctor publish resolve notify fleet transfer zone event store zonefile probe source conf dns base

WARN    := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wswitch-enum -Wvla
ifeq ($(CI),true)
WARN    += -Werror
endif
CPPFLAGS += -D_GNU_SOURCE -Isrc -DZONECRIER_VERSION='"$(VERSION)"'
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CFLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -fPIE
CFLAGS_tsan    := -O1 -g -fsanitize=thread -fno-omit-frame-pointer -fPIE
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
LDFLAGS_asan   := -pie -fsanitize=address,undefined
LDFLAGS_tsan   := -pie -fsanitize=thread
ALL_CFLAGS  = -std=gnu17 -pthread $(WARN) $(CFLAGS_$(VARIANT)) $(CFLAGS) $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
ALL_LDFLAGS = -pthread $(LDFLAGS_$(VARIANT)) $(LDFLAGS)
LDLIBS     := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

archive = $(foreach f,$(1),$(OBJ)/lib$(f).a)
sources = $(wildcard src/$(1)/*.c)
objects = $(patsubst %.c,$(OBJ)/%.o,$(call sources,$(1)))

.PHONY: all help clean unit unit-build system-build run demo check check-long packages-build lint fuzz fuzz-build bench bench-quick bench-build deb install
.SECONDARY:
.DELETE_ON_ERROR:
all: $(BUILD)/zonecrierd $(BUILD)/zonecrier

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

define folder_rules
$(OBJ)/lib$(1).a: $$(call objects,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcs $$@ $$^

UNIT_$(1) := $$(patsubst tests/unit/%.c,$(OBJ)/unit/%,$$(wildcard tests/unit/$(1)/test_*.c))
$$(UNIT_$(1)): $(OBJ)/unit/%: $(OBJ)/tests/unit/%.o $$(call archive,$$(filter client daemon,$(1)) $$(USES_$(1)))
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(LDLIBS) -lcmocka

.PHONY: unit-$(1)
unit-$(1): $$(UNIT_$(1))
	@for t in $$^; do echo "== $$$$t"; $$$$t || exit 1; done
endef
$(foreach f,$(FOLDERS) daemon client,$(eval $(call folder_rules,$(f))))

## make             build/zonecrierd and build/zonecrier
$(BUILD)/zonecrierd: $(OBJ)/zonecrierd
	@mkdir -p $(@D)
	install $< $@ # a daemon may run from it: replaced, not written over
$(BUILD)/zonecrier: $(OBJ)/zonecrier
	@mkdir -p $(@D)
	install $< $@ # a daemon may run from it: replaced, not written over
$(OBJ)/zonecrierd: $(call objects,daemon) $(call archive,$(USES_daemon))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)
$(OBJ)/zonecrier: $(call objects,client) $(call archive,$(USES_client))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

## make unit        the unit tests (VARIANT=release|asan|tsan); make unit-dns: one folder's
unit: $(foreach f,$(FOLDERS) daemon client,unit-$(f))
unit-build: $(foreach f,$(FOLDERS) daemon client,$(UNIT_$(f)))

# Programs that the system tests use, made before they start: several of them run at a time.
system-build: all $(BUILD)/system/zonetext $(BUILD)/system/counted.so
$(BUILD)/system/zonetext: $(OBJ)/tests/system/zonetext.o $(call archive,$(USES_zonefile))
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)
$(BUILD)/system/counted.so: tests/system/counted.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 -D_GNU_SOURCE -O1 -shared -fPIC -o $@ $<

## make run         zonecrierd on 127.0.0.1 port 5300 with zones/, in the foreground
## make demo        the same with a real NSD as its secondary, and a live view
run: packages-build
	@$(MAKE) -s -j$(shell nproc) all
	@.demo/run
demo: packages-build
	@echo "building; a minute at most ..."
	@$(MAKE) -s -j$(shell nproc) all
	@.ci/peers nsd bind9-dnsutils
	@.demo/run --secondary

## make check       builds and runs everything; the last line counts tests
## make check-long  the long form of each proof
check check-long:
	@.ci/check $@

packages-build:
	@.ci/packages build

## make lint        clang-format, clang-tidy, cppcheck
lint:
	clang-format --dry-run --Werror $(filter-out %vectors.h,$(shell find src tests -name "*.[ch]"))
	cppcheck --quiet --std=c11 --error-exitcode=1 --enable=warning,performance,portability --inline-suppr -Isrc \
		--suppress=missingIncludeSystem --suppress=unknownMacro --suppress=memleak $(wildcard src/*/*.c)
	clang-tidy --quiet $(wildcard src/*/*.c) -- -std=gnu17 $(CPPFLAGS)

# A fuzz target is built twice: with clang and libFuzzer to search, and with gcc's sanitizers to replay its corpus.
FUZZ    := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_CC ?= clang-14
FUZZ_SECONDS ?= 600
FUZZ_SEED ?= 0
FUZZ_SOURCES := $(filter-out src/daemon/%,$(filter-out src/client/main.c,$(wildcard src/*/*.c)))
FUZZ_OBJECTS  = $(patsubst %.c,$(BUILD)/obj-fuzz/%.o,$(FUZZ_SOURCES))
FUZZ_FLAGS   := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
$(BUILD)/obj-fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CPPFLAGS) -DFUZZING -std=gnu17 -pthread $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<
# q, not r: files of one name in two folders are both kept.
$(BUILD)/obj-fuzz/all.a: $(FUZZ_OBJECTS)
	@rm -f $@
	ar qcs $@ $^
$(BUILD)/fuzz/%: $(BUILD)/obj-fuzz/tests/fuzz/%.o $(BUILD)/obj-fuzz/all.a
	@mkdir -p $(@D)
	clang-14 -pthread -fsanitize=fuzzer,address,undefined -o $@ $^ $(LDLIBS)

## make fuzz        FUZZ_SECONDS (600) for each target; make fuzz-NAME: one; FUZZ_SEED=N: the same inputs again
fuzz: $(addprefix run-,$(FUZZ))
fuzz-build: $(addprefix $(BUILD)/fuzz/,$(FUZZ))
run-fuzz_%: $(BUILD)/fuzz/fuzz_%
	@mkdir -p $(BUILD)/corpus/$* $(BUILD)/corpus/seeded-$* tests/fuzz/corpus/$*
	@[ $(FUZZ_SEED) = 0 ] || rm -f $(BUILD)/corpus/seeded-$*/*
	@echo "== fuzz_$* for $(FUZZ_SECONDS) s"
	@$< -seed=$(FUZZ_SEED) -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix=$(BUILD)/fuzz/$*- $(if $(filter 0,$(FUZZ_SEED)),$(BUILD)/corpus/$*,$(BUILD)/corpus/seeded-$*) tests/fuzz/corpus/$* >$(BUILD)/fuzz/$*.log 2>&1 \
		|| { tail -40 $(BUILD)/fuzz/$*.log; exit 1; }
	@grep -h 'number_of_executed_units' $(BUILD)/fuzz/$*.log
fuzz-%: run-fuzz_%
	@:

## make bench       ours beside Debian's knot, nsd and bind9; make bench-quick: the most telling rows, five minutes
BENCH_TOOLS := $(addprefix $(BUILD)/bench/bin/,genzone stopwatch transfers soaload floor)
$(BUILD)/bench/bin/%: tests/bench/%.c tests/bench/wire.h
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< -lcrypto
bench-build: all $(BENCH_TOOLS)
bench bench-quick: packages-build
	@$(MAKE) -s -j$(shell nproc) bench-build
	@.ci/peers
	@ZONECRIER_BUILD=$(BUILD) /usr/bin/python3 tests/bench/bench.py $(if $(filter bench-quick,$@),--quick) $(BENCH)

## make deb         the Debian package, in build/
deb: packages-build
	@.ci/deb

## make install     DESTDIR, PREFIX (/usr)
PREFIX ?= /usr
install: all
	install -D -m 755 $(BUILD)/zonecrierd $(DESTDIR)$(PREFIX)/sbin/zonecrierd
	install -D -m 755 $(BUILD)/zonecrier $(DESTDIR)$(PREFIX)/bin/zonecrier

## make clean       removes build/
clean:
	rm -rf build

-include $(shell find $(OBJ) $(BUILD)/obj-fuzz -name '*.d' 2>/dev/null)

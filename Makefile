# zonecrier: `make help` lists what can be made.
#
# Every folder of src/ becomes one archive; USES_<folder> lists the folders it may use, in link order.
# The unit tests of a folder are linked with those alone, so an arrow against the layers does not link.

VARIANT ?= release
BUILD   ?= build
OBJ     := $(BUILD)/obj-$(VARIANT)
CC      ?= gcc
PKGS    := libldns libcrypto libssl libsystemd lmdb libcurl libmicrohttpd jansson
VERSION := $(shell sed -n '1s/.*(\([^)-]*\).*/\1/p' packaging/debian/changelog 2>/dev/null)

FOLDERS := base dns conf source zonefile store zone transfer server notify fleet publish control
USES_base     := base
USES_dns      := dns base
USES_conf     := conf dns base
USES_source   := source conf dns base
USES_zonefile := zonefile source conf dns base
USES_store    := store dns base
USES_zone     := zone dns base
USES_transfer := transfer store dns base
USES_server   := server transfer store conf dns base
USES_fleet    := fleet store conf dns base
USES_notify   := notify fleet store conf dns base
USES_publish  := publish notify fleet zone store zonefile source conf dns base
USES_control  := control publish server transfer notify fleet zone store zonefile source conf dns base
USES_daemon   := control publish server transfer notify fleet zone store zonefile source conf dns base
USES_client   := zonefile source conf zone dns base

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

.PHONY: all help clean unit
.SECONDARY:
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
$$(UNIT_$(1)): $(OBJ)/unit/%: $(OBJ)/tests/unit/%.o $$(call archive,$$(USES_$(1)))
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
	cp $< $@
$(BUILD)/zonecrier: $(OBJ)/zonecrier
	@mkdir -p $(@D)
	cp $< $@
$(OBJ)/zonecrierd: $(call objects,daemon) $(call archive,$(USES_daemon))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)
$(OBJ)/zonecrier: $(call objects,client) $(call archive,$(USES_client))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

## make unit        the unit tests (VARIANT=release|asan|tsan); make unit-dns: one folder's
unit: $(foreach f,$(FOLDERS) daemon client,unit-$(f))

## make clean       removes build/
clean:
	rm -rf build

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

# zonekit: what can be done with the source. `make help` tells.
# Written for any POSIX make.

.POSIX:

CARGO = cargo

# Where `make install` puts things: below DESTDIR, which the command line or the environment may give. zoneadm looks
# for brands in /usr/lib/brand and nowhere else, so a PREFIX other than /usr is for trying out only.
PREFIX = /usr

# How long `make fuzz` goes on.
FUZZ_SECONDS = 60

# The programs of this release, and those of them that people call by name.
PROGRAMS = pkgcreatezone zonelib-sync zone-update contents-query verify-zone be-uuid recipe
COMMANDS = zonelib-sync zone-update contents-query verify-zone be-uuid

all:
	$(CARGO) build --release --locked

help:
	@printf '%s\n' \
	'make               build the programs' \
	'make demo          build them and make a zone out of a sample image' \
	'make test          run all tests' \
	'make check         every check below' \
	'make check-fmt       the layout of the source' \
	'make check-clippy    lints, as errors' \
	'make check-doc       the documentation of the code, warnings as errors' \
	'make check-xml       the XML of the brands, against the DTDs of illumos (DTDDIR)' \
	'make check-illumos   the whole workspace compiled for illumos' \
	'make bench         measure' \
	'make fuzz          feed the parsers rubbish for FUZZ_SECONDS seconds (60)' \
	'make install       install below DESTDIR, under PREFIX (/usr)' \
	'make clean         remove what was built' \
	'make help          print this'

demo: all
	sh tests/demo

# End-to-end tests run the programs, so these are built first.
test:
	$(CARGO) build --locked --workspace --bins --all-features
	$(CARGO) test --locked --workspace --all-features --no-fail-fast

check: check-fmt check-clippy check-doc check-xml check-illumos

check-fmt:
	$(CARGO) fmt --all --check

check-clippy:
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings

check-doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --all-features --no-deps --document-private-items

check-xml:
	DTDDIR="$(DTDDIR)" sh .ci/check-xml

check-illumos:
	sh .ci/check-illumos

bench: all
	sh tests/bench

fuzz:
	sh fuzz/run $(FUZZ_SECONDS)

# A file is removed before it is written, for a program that runs cannot be written over. Links are relative, so that
# they also hold below DESTDIR.
install: all
	@set -eu; umask 022; \
	lib="$(DESTDIR)$(PREFIX)/lib/zonekit/bin"; \
	sbin="$(DESTDIR)$(PREFIX)/sbin"; \
	brands="$(DESTDIR)$(PREFIX)/lib/brand"; \
	common="$$brands/zonekit-common"; \
	put() { rm -f "$$3/$${2##*/}"; cp "$$2" "$$3/"; chmod "$$1" "$$3/$${2##*/}"; echo "$$3/$${2##*/}"; }; \
	link() { rm -f "$$2"; ln -s "$$1" "$$2"; echo "$$2 -> $$1"; }; \
	mkdir -p "$$lib" "$$sbin" "$$common"; \
	for program in $(PROGRAMS); do \
		put 755 "$${CARGO_TARGET_DIR:-target}/release/$$program" "$$lib"; \
	done; \
	for program in $(COMMANDS); do \
		link "../lib/zonekit/bin/$$program" "$$sbin/$$program"; \
	done; \
	link ../lib/zonekit/bin/recipe "$$sbin/zonekit-recipe"; \
	for config in brands/*/config.xml; do \
		brand=$${config%/config.xml}; \
		dir="$$brands/$${brand##*/}"; \
		mkdir -p "$$dir"; \
		for file in recipe.toml config.xml platform.xml; do \
			put 644 "$$brand/$$file" "$$dir"; \
		done; \
		link ../../zonekit/bin/pkgcreatezone "$$dir/pkgcreatezone"; \
	done; \
	for file in brands/common/*; do \
		put 644 "$$file" "$$common"; \
	done

clean:
	$(CARGO) clean

.PHONY: all help demo test check check-fmt check-clippy check-doc check-xml check-illumos bench fuzz install clean

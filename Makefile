# zonekit: what can be done with the source. `make help` tells.
# Written for any POSIX make.

.POSIX:

CARGO = cargo

# Where `make install` puts things: below DESTDIR, which the command line or the environment may give. zoneadm looks
# for brands in /usr/lib/brand and nowhere else, so a PREFIX other than /usr is for trying out only.
PREFIX = /usr

# How long `make fuzz` goes on.
FUZZ_SECONDS = 60

# Where `make package` puts the packages, and the tree that they are made of.
PACKAGE_DIR = target/package

all:
	$(CARGO) build --release --locked

help:
	@printf '%s\n' \
	'make               build the programs' \
	'make demo          build them and make a zone out of a sample image' \
	'make demo-life     show the whole life of zones on a pretend host (as root)' \
	'make test          run all tests' \
	'make check         every check below' \
	'make check-fmt       the layout of the source' \
	'make check-clippy    lints, as errors' \
	'make check-doc       the documentation of the code, warnings as errors' \
	'make check-xml       the XML of the brands, against the DTDs of illumos (DTDDIR)' \
	'make check-illumos   the whole workspace compiled for illumos' \
	'make bench         measure' \
	'make bench-python  measure pipcheck beside pip, uv and pipdeptree, from PyPI' \
	'make check-peers   compare pipcheck with pip and uv, from PyPI, on installed environments' \
	'make fuzz          feed the parsers rubbish for FUZZ_SECONDS seconds (60)' \
	'make install       install below DESTDIR, under PREFIX (/usr)' \
	'make package       make an SVR4 package and an IPS manifest (PACKAGE_DIR)' \
	'make clean         remove what was built' \
	'make help          print this'

demo: all
	sh tests/demo

# The hooks of the brands run in the lab: commands of illumos are stand-ins there.
demo-life:
	@$(CARGO) build --quiet --locked --workspace --bins --all-features
	@sh tests/lab-demo

# End-to-end tests run the programs, so these are built first. Some send packets, with commands and daemons of Linux:
# as root where all is installed that .ci/run installs.
test:
	$(CARGO) build --locked --workspace --bins --all-features
	@$(CARGO) run --quiet --locked -p tests --all-features --bin packets-here
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

# Environments are kept in target/python between runs: the tools of PyPI, and what they are run on.
bench-python:
	$(CARGO) build --release --locked -p pipcheck
	tests/python/bench "$${CARGO_TARGET_DIR:-target}/release/pipcheck" --work "$${CARGO_TARGET_DIR:-target}/python"

check-peers:
	$(CARGO) build --release --locked -p pipcheck
	tests/python/check-peers "$${CARGO_TARGET_DIR:-target}/release/pipcheck" \
		--work "$${CARGO_TARGET_DIR:-target}/python"

fuzz:
	sh fuzz/run $(FUZZ_SECONDS)

# What is installed, and where, is said in packaging/src/programs.rs and packaging/src/layout.rs.
install: all
	@built="$${CARGO_TARGET_DIR:-target}/release"; \
	"$$built/zonekit-package" install --programs "$$built" --destdir "$(DESTDIR)" --prefix "$(PREFIX)"

# The time of the newest commit is that of all files in the packages, unless SOURCE_DATE_EPOCH says another: the same
# source then gives the same bytes.
package: all
	@set -eu; built="$${CARGO_TARGET_DIR:-target}/release"; \
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || date +%s)}; \
	export SOURCE_DATE_EPOCH; \
	rm -rf "$(PACKAGE_DIR)/proto"; \
	"$$built/zonekit-package" install --programs "$$built" --destdir "$(PACKAGE_DIR)/proto" > /dev/null; \
	"$$built/zonekit-package" build --proto "$(PACKAGE_DIR)/proto" --output "$(PACKAGE_DIR)"

clean:
	$(CARGO) clean

.PHONY: all help demo demo-life test check check-fmt check-clippy check-doc check-xml check-illumos check-peers bench bench-python fuzz install package clean

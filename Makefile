# Cordboard: `make run` starts the demo switchboard, `make test` runs every test.
# Each target installs what it needs and is quick where it is already there.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CARGO ?= cargo
NEXTEST := 0.9.151
DENY := 0.20.2
# Only who is not root needs sudo, and only to install packages.
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# What the tests with real phones need.
PEERS := baresip-core linphone-cli sip-tester kamailio tshark chromium sngrep socat iproute2 tcpdump
# What the measures need besides: Kamailio's store and instructions counted.
BENCH_PEERS := kamailio-sqlite-modules sqlite3 valgrind
# What only some tests look at: how many storms each ladder has to weather.
STORMS ?= 100
ARGS ?=

.PHONY: help run build lint test test-fast test-peers bench soak audit clean \
        need-compiler need-nextest need-deny need-peers need-browser

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

run: need-compiler ## start the demo switchboard and say what to do next
	@$(CARGO) build --release --locked -p cordboard
	@exec target/release/cordboard serve --demo $(ARGS)

build: need-compiler ## build the release binary
	$(CARGO) build --release --locked -p cordboard

lint: need-compiler need-nextest need-deny ## format, clippy, documentation, tidiness, dependencies
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items --locked
	$(CARGO) nextest run --locked --workspace --test tidy
	$(CARGO) fetch --locked --quiet
	$(CARGO) deny --offline --log-level error check bans licenses sources

# Each of them chooses the whole workspace, so that libraries have the same features, and are built once.
test: test-fast test-peers ## every test but the long ones

test-fast: need-compiler need-nextest ## units, torture, ladders, storms, loopback
	CORDBOARD_STORM_SEEDS=$(STORMS) $(CARGO) nextest run --locked --workspace -E 'not package(cordboard-rig)'
	$(CARGO) test --locked --workspace --doc

test-peers: need-compiler need-nextest need-peers need-browser ## phones and tools that nobody here wrote
	@rm -f target/skipped-tests.txt
	$(CARGO) nextest run --locked --workspace -E 'package(cordboard-rig)' --test-threads 3
	@if [ -s target/skipped-tests.txt ]; then \
	    echo "$$(wc -l < target/skipped-tests.txt) tests were skipped:"; cat target/skipped-tests.txt; fi

bench: PEERS += $(BENCH_PEERS)
bench: need-compiler need-peers ## the null proxy, Kamailio and Cordboard under the same load
	$(CARGO) build --release --locked -p cordboard
	$(CARGO) build --release --locked --manifest-path benches/Cargo.toml --workspace
	benches/target/release/bench-runner all

soak: need-compiler need-nextest need-peers need-browser ## many storms, 10,000 calls, floods; takes long
	CORDBOARD_STORM_SEEDS=500 $(CARGO) nextest run --profile soak --locked --workspace --exclude cordboard-rig \
	    --run-ignored all -E 'not test(registers_until_it_is_killed)'
	$(CARGO) build --release --locked -p cordboard
	CORDBOARD_BIN=$(CURDIR)/target/release/cordboard \
	    $(CARGO) nextest run --profile soak --locked -p cordboard-rig --run-ignored all

audit: need-deny ## known weaknesses of dependencies; needs a network
	$(CARGO) deny --log-level warn check

clean: ## remove what was built
	$(CARGO) clean

need-compiler:
	@command -v $(CARGO) > /dev/null || { echo "cargo is missing: https://rustup.rs says how to install it"; exit 1; }
	@command -v cc > /dev/null || $(MAKE) packages PACKAGES="gcc libc6-dev"

need-nextest:
	@command -v cargo-nextest > /dev/null || $(CARGO) install --locked cargo-nextest@$(NEXTEST)

need-deny:
	@command -v cargo-deny > /dev/null || $(CARGO) install --locked cargo-deny@$(DENY)

need-peers:
	@missing=""; for package in $(PEERS); do \
	    dpkg-query -W -f='$${db:Status-Status}' $$package 2> /dev/null | grep -qx installed || missing="$$missing $$package"; \
	done; [ -z "$$missing" ] || $(MAKE) packages PACKAGES="$$missing"

need-browser: need-npm tests/browser/node_modules/.package-lock.json

.PHONY: need-npm
need-npm:
	@command -v npm > /dev/null || $(MAKE) packages PACKAGES="nodejs npm"

tests/browser/node_modules/.package-lock.json: tests/browser/package-lock.json
	cd tests/browser && npm ci
	@touch $@

.PHONY: packages
packages:
	@command -v apt-get > /dev/null || { echo "install these with your package manager:$(PACKAGES)"; exit 1; }
	$(SUDO) apt-get update -q
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $(PACKAGES)

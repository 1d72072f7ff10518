# The whole interface: `make` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PAGE := trader/dashboard
PAGE_SOURCES := $(shell find $(PAGE)/src $(PAGE)/index.html $(PAGE)/vite.config.ts $(PAGE)/package-lock.json 2>/dev/null)
BROWSER_DESK := scripts/browser-tests.sh
E2E_TESTS := $(patsubst e2e/tests/%/main.rs,--test %,$(wildcard e2e/tests/*/main.rs))

.PHONY: help run test programs lint fmt bench bench-operator docs page test-rust test-page test-browser test-e2e cluster-api cluster-down image clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: page ## trade the quickstart on real data, with a page at http://127.0.0.1:8080 (ARGS="--speed max --exit" for the report in seconds)
	cargo run -p sapphire-trader -- run -f examples/quickstart $(ARGS)

# What waits for a browser leaves room for what waits for processes.
test: test-page programs ## run every test
	@$(MAKE) --no-print-directory -j2 test-rust test-browser || { echo "test-rust or test-browser FAILED: see above 'make[1]: ***'"; exit 1; }
	@$(MAKE) --no-print-directory test-e2e
	@echo "All tests passed."

programs: page
	cargo test --workspace --locked --no-run

test-rust: page
	cargo test --workspace --locked

test-e2e: ## run the tests against a real Kubernetes control plane, which is built once, with Go
	scripts/e2e-tests.sh

test-page: $(PAGE)/node_modules/.package-lock.json
	cd $(PAGE) && npm run --silent check && npm test --silent

test-browser: page
	cargo test --workspace --locked --no-run --test process # the features of the tests, so nothing is built twice
	$(BROWSER_DESK)

lint: page ## rustfmt, clippy, the page's linter; cargo-deny and typos where they are installed
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --workspace $(E2E_TESTS) --locked -- -D warnings
	cd $(PAGE) && npm run --silent check
	@for tool in cargo-deny typos; do \
	  command -v $$tool >/dev/null || { echo "$$tool is not installed: cargo install --locked $${tool/typos/typos-cli}"; continue; }; \
	  case $$tool in cargo-deny) cargo deny check ;; typos) typos ;; esac || exit 1; \
	done
	@! cargo tree --workspace -i ring 2>/dev/null | grep -q . || { echo "ring is in the tree: one TLS provider, aws-lc-rs"; exit 1; }

fmt: ## format everything
	cargo fmt --all
	cd $(PAGE) && npm run --silent fix

cluster-api: ## keep a Kubernetes control plane up to install and try Sapphire on, nodes and traders played; Ctrl-C ends it
	cargo build --workspace --locked --bin sapphire-operator --bin cluster-api --bin cluster-supervisor --test command # the features of the tests, so nothing is built twice
	@$${CARGO_TARGET_DIR:-target}/debug/cluster-api

cluster-down: ## take down what make cluster-api keeps up
	@command=$${CARGO_TARGET_DIR:-target}/debug/cluster-api; [ ! -x $$command ] || $$command --down

image: ## build the images sapphire-operator and sapphire-trader, with docker or podman (ARGS="--build-arg BASE_IMAGE=…")
	scripts/image.sh $(ARGS)

bench: page ## measure on DATA=DIR, whose three files scripts/bench.sh names; writes docs/benchmarks.md
	@test -n "$(DATA)" || { echo 'name the market data: make bench DATA=DIR, a folder with the three files that scripts/bench.sh names'; exit 2; }
	scripts/bench.sh "$(DATA)"

bench-operator: ## measure the operator with 100 and 1,000 desks on a control plane (half an hour); writes its part of docs/benchmarks.md
	scripts/bench-operator.sh $(ARGS)

docs: ## write what is generated from code: docs/reference, the charts' definitions, the Rust documentation
	cargo run -q -p sapphire-crds --locked
	UPDATE_REFERENCE=1 cargo test -q -p sapphire-trader --locked reference
	UPDATE_REFERENCE=1 cargo test -q -p sapphire-operator --lib --locked reference
	cargo doc --workspace --no-deps --locked

page: $(PAGE)/dist/index.html

$(PAGE)/node_modules/.package-lock.json: $(PAGE)/package.json $(PAGE)/package-lock.json
	@echo "Installing what the page is built with (npm ci)"
	cd $(PAGE) && npm ci --no-audit --no-fund --loglevel=error

$(PAGE)/dist/index.html: $(PAGE_SOURCES) | $(PAGE)/node_modules/.package-lock.json
	cd $(PAGE) && npm run --silent build
	@touch $@

clean: ## remove what was built
	cargo clean
	rm -rf $(PAGE)/dist $(PAGE)/node_modules

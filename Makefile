# What is kept between runs is kept outside the clone.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/daphnia
# A new list of tools makes a new folder of tools.
TOOLS := $(CACHE)/tools-$(shell cksum < .ci/tools.txt | cut -d ' ' -f 1)

.DEFAULT_GOAL := help
.PHONY: help test check demo schemas bench

help:
	@echo "make test    all tests, those on a real Kubernetes included; ARGS=… for cargo test"
	@echo "make check   what must pass before a merge: format, lints, licenses, spelling, tests"
	@echo "make demo    one manifest from validate to run, on a Kubernetes of its own,"
	@echo "             or on yours: make demo KUBECONFIG=FILE"
	@echo "make bench   validate beside kubeconform, render beside kustomize, apply and diff beside kubectl and helm"
	@echo "make schemas Kubernetes' own schemas, anew from the tests' API server"

test:
	tests/cluster/install
	cargo test $(ARGS)

check: $(TOOLS)
	cargo fmt --check
	$(TOOLS)/bin/typos
	PATH="$(TOOLS)/bin:$$PATH" cargo deny check bans licenses sources
	cargo clippy --all-targets -- -D warnings
	$(MAKE) test

# Kubernetes' own schemas, anew from the API server that the tests start.
schemas:
	tests/cluster/install
	DAPHNIA_TEST_CLUSTER=required DAPHNIA_UPDATE_SCHEMAS=1 cargo test --test cluster kubernetes_schemas

bench:
	tests/cluster/install
	cargo bench --bench validate --bench render --bench apply

# Only a KUBECONFIG given to make is used, never one that happens to be in the environment:
# the demo applies things.
demo:
	tests/cluster/demo $(if $(findstring command,$(origin KUBECONFIG)),"$(KUBECONFIG)")

# Its name says what is in it, so it is never out of date.
$(TOOLS):
	@command -v pip3 >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -qq -y --no-install-recommends python3-pip </dev/null; }
	rm -rf $@.unfinished
	pip3 install --quiet --disable-pip-version-check --root-user-action=ignore \
		--no-deps --only-binary :all: --require-hashes --target $@.unfinished -r .ci/tools.txt
	mv $@.unfinished $@

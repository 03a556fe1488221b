# make demo   the whole thing on this machine, without credentials or network
# make deps   install what the tests need (Debian and Ubuntu: apt; npm packages)
# make check  lint and unit tests: a few minutes, no browser
# make test   everything that must pass
# make bench  what the directive costs, against Caddy without it, and what others cost (installs nginx, Apache)

GOLANGCI = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
BROWSER = internal/e2e/browser
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# chromium keeps documents alive, as few tests want it; chromium-headless-shell costs a
# quarter of its time, and does for all others.
PACKAGES = chromium chromium-headless-shell firefox-esr nginx-light haproxy openssl zstd curl redis-server php-cli

.PHONY: build demo deps check test lint test-go test-browser bench simulate fuzz churn client

build:
	go build -o caddy ./cmd/caddy

demo: build
	./caddy dingtalk demo

deps: $(BROWSER)/node_modules/.package-lock.json
	dpkg -s $(PACKAGES) >/dev/null 2>&1 || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q --no-install-recommends $(PACKAGES); }
	go mod download

check: lint
	go test -short ./...

test: lint test-go test-browser

# golangci-lint has go vet and staticcheck in it.
lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "gofmt -w $$unformatted"; exit 1; }
	go run $(GOLANGCI) run

test-go:
	CODED_TOOLS=required REDIS=required SNIPPETS=required go test -race -timeout 20m ./...
	go test -run 'Allocat|CostsNothing|CostsNoMore|CostsOne|ThousandVisitors' ./...  # counts that the race detector upsets

test-browser: $(BROWSER)/node_modules/.package-lock.json build
	FIREFOX=required PROXIES=required CADDY_BIN=$(CURDIR)/caddy npm --prefix $(BROWSER) test --silent

$(BROWSER)/node_modules/.package-lock.json: $(BROWSER)/package.json $(BROWSER)/package-lock.json
	npm --prefix $(BROWSER) ci --no-audit --no-fund

# The minified client is committed: building the module needs no Node.
client: $(BROWSER)/node_modules/.package-lock.json
	npm --prefix $(BROWSER) run --silent client

# One line of it, in seconds: make bench BENCH='-only "1 KB page" -rounds 40'
bench: build
	@command -v nginx >/dev/null && command -v apache2 >/dev/null && [ -e /usr/lib/nginx/modules/ngx_http_lua_module.so ] || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q --no-install-recommends nginx-light libnginx-mod-http-lua apache2-bin; }
	taskset -c 1 go run ./internal/bench -caddy ./caddy $(BENCH)

# What a suite with many corps costs a large fleet when all is well, and after its storage was lost.
simulate:
	go run ./internal/simulate
	go run ./internal/simulate -empty

# Each fuzz target for a while, one after the other.
FUZZTIME = 20s
fuzz:
	@for p in $$(go list ./...); do for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
		echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; done; done

# Abandoned requests, new connections and reloads under the race detector, twice as long.
CHURN = 80s
churn:
	CHURN=$(CHURN) go test -race -count 1 -v -timeout 30m -run '^TestAbandonedRequests' ./internal/e2e

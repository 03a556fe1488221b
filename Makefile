# make demo   the whole thing on this machine, without credentials or network
# make test   everything that must pass; installs what it needs (Chromium, Firefox, nginx, HAProxy, zstd, npm packages)
# make bench  what the directive costs, against Caddy without it, and what others cost (installs nginx, Apache)

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
BROWSER = internal/e2e/browser
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: build demo test lint test-go test-browser bench fuzz client

build:
	go build -o caddy ./cmd/caddy

demo: build
	./caddy dingtalk demo

test: lint test-go test-browser

lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "gofmt -w $$unformatted"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

test-go:
	@command -v zstd >/dev/null && command -v curl >/dev/null || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q --no-install-recommends zstd curl; }
	CODED_TOOLS=required go test -race -timeout 20m ./...
	go test -run 'Allocat|CostsNothing|CostsNoMore' ./...  # counts that the race detector upsets

test-browser: $(BROWSER)/node_modules/.package-lock.json build
	@command -v chromium >/dev/null || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q --no-install-recommends chromium; }
	@command -v firefox-esr >/dev/null || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q --no-install-recommends firefox-esr; }
	@command -v nginx >/dev/null && command -v haproxy >/dev/null && command -v openssl >/dev/null || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q --no-install-recommends nginx-light haproxy openssl; }
	FIREFOX=required PROXIES=required CADDY_BIN=$(CURDIR)/caddy npm --prefix $(BROWSER) test --silent

$(BROWSER)/node_modules/.package-lock.json: $(BROWSER)/package.json $(BROWSER)/package-lock.json
	npm --prefix $(BROWSER) ci --no-audit --no-fund

# The minified client is committed: building the module needs no Node.
client: $(BROWSER)/node_modules/.package-lock.json
	npm --prefix $(BROWSER) run --silent client

bench: build
	@command -v nginx >/dev/null && command -v apache2 >/dev/null && [ -e /usr/lib/nginx/modules/ngx_http_lua_module.so ] || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q --no-install-recommends nginx-light libnginx-mod-http-lua apache2-bin; }
	taskset -c 1 go run ./internal/bench -caddy ./caddy

# Each fuzz target for a while, one after the other.
FUZZTIME = 20s
fuzz:
	@for p in $$(go list ./...); do for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
		echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; done; done

# make help says what there is. CI runs .ci/run, which is make ci after everything is installed.
compose := $(if $(shell command -v docker-compose),docker-compose,docker compose)
files := $(if $(CLUSTER),-f docker-compose.yml -f docker-compose.cluster.yml)
project := $(or $(COMPOSE_PROJECT_NAME),$(shell sed -n 's/^COMPOSE_PROJECT_NAME=//p' .env))
lab := CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o dist/lab/
IMAGE ?= netmon
CERTIFICATES ?= /etc/ssl/certs/ca-certificates.crt

help: ## this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 16

netmon: ## the program, one static file
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o netmon ./cmd/netmon

test: ## the tests
	go test ./...

check: ## before each commit, in minutes: lint, build, short tests; no root, no Docker
	@.ci/steps check

lint: ## gofmt, vet, staticcheck, go fix, misspell, go mod tidy; types on macOS and Windows
	@.ci/steps lint elsewhere

ci: ## all that CI runs, tens of minutes; skips what needs root or Docker where there is none
	@.ci/steps ci

pictures: ## those of the README, of an invented mesh in Chromium
	shots=$$(mktemp -d) && NETMON_SHOTS=$$shots go test ./web -run TestBrowser_EveryPage -count=1 && \
	cp $$shots/monitors-1440-light.png docs/pictures/monitors.png && cp $$shots/monitor-1440-dark.png docs/pictures/monitor.png && rm -r $$shots

SOAK ?= 3600
proof: ## proofs with large counts, over an hour (SOAK=3600 seconds): not in .ci/run
	go test ./broker/access -run TestAnswers_Memory -count=1 -v -measure
	go test -race ./cmd/netmon ./broker/access ./broker ./judge/... ./incident ./history ./wire -count=1 -timeout 90m
	go test ./judge -run Scenarios -count=1 -v -timeout 60m -scenarios 10000
	go test ./export/push -run Killed -count=1 -v -timeout 60m -pushkills 100
	go test ./e2e -run TestBlame_Clock -count=1 -v -timeout 30m -shifted
	go test ./e2e -run TestDash_UnderLoad -count=1 -v -dashrate 10000
	go test ./e2e -run TestFaults -count=1 -v -timeout 2h -faults -away 10m
	go test ./e2e -run 'TestFaults_Alerts$$' -count=1 -v -timeout 90m -faults -alertkills 1000
	go test ./e2e -run TestLab_Cl -count=1 -v -timeout 30m -lab
	go test ./e2e -run TestUpgrade -count=1 -v -timeout 30m -versions
	go run ./lab/bench -measure soak -kinds icmp -monitors 10000 -seconds $(SOAK)

image: ## the container image, IMAGE=netmon
	mkdir -p dist/image/state
	cp packaging/image/Dockerfile $(CERTIFICATES) dist/image/
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o dist/image/ ./cmd/netmon
	docker build -q -t $(IMAGE) dist/image

OUT ?= dist/release
release: ## what is published (VERSION=0.2.0 TARGETS="linux/amd64 ..." OUT=dist/release URL=https://...)
	go run ./packaging/release -version "$(VERSION)" -targets "$(TARGETS)" -out "$(OUT)" $(if $(URL),-url "$(URL)")

lab-image: ## the programs and the image of the lab
	mkdir -p dist/lab/state
	sed -n '/^FROM scratch/,$$ { s,--from=build ,,; s,/src/lab/,,; s,/lab/,,g; p }' lab/Dockerfile >dist/lab/Dockerfile
	install -m 644 lab/policy.yaml dist/lab/
	$(lab) ./cmd/netmon ./lab/netmon-targets ./lab/fault github.com/nats-io/nats-server/v2
	docker build -q -t $(project)/lab dist/lab

lab: lab-image ## a whole mesh on this machine (CLUSTER=1: three NATS servers)
	$(compose) $(files) up -d
	dist/lab/fault ready
	@echo
	$(compose) exec -T console netmon get agents
	@echo
	@echo "The mesh lives. Next:"
	@echo "  $(compose) exec console netmon dash      all of it, on a live screen"
	@echo "  $(compose) exec console netmon watch     results, one after the other"
	@echo "  go run ./lab/fault                       what can be broken: fault break http, fault cut paris, ..."
	@echo "  nats --server nats://127.0.0.1:$(or $(NETMON_LAB_PORT),4222) sub 'results.>'"
	@echo "  make lab-down                            ends it and removes all of it"

lab-down: ## ends the lab; no container, network, volume or image stays
	$(compose) -f docker-compose.yml -f docker-compose.cluster.yml down -v --rmi all --remove-orphans -t 3
	docker image prune -f --filter label=netmon.lab=build

.PHONY: help netmon test check lint ci proof image release lab lab-image lab-down

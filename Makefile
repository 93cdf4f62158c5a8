# make bench and make test are what one needs; make help lists the rest.
#
# Go and make are all that these need. What else a target can use (a C compiler for the race detector, spin for the models) it
# does without if it is not there, and says so. Tools come through the module proxy, in the versions below, into ./bin.

GO          ?= go
STATICCHECK_VERSION := v0.8.2
GOFUMPT_VERSION     := v0.12.0
STATICCHECK := bin/staticcheck@$(STATICCHECK_VERSION)/staticcheck
GOFUMPT     := bin/gofumpt@$(GOFUMPT_VERSION)/gofumpt
FUZZTIME    ?= 10s
CPU         ?= 0

# What differs between systems, and is therefore tested again under the tag pinwheel_portable, which chooses the files of other
# systems, and on a part of the CPUs (.ci/run).
CORE := ./sched ./netpoll ./affinity/... ./deque ./future ./internal/atom ./internal/gid ./lock ./timer ./worker

# Packages with harnesses of the interleaving explorer, and the names of these. Tests without the tag are tested without it; a harness
# among them fails there, since the explorer refuses it.
EXPLORING = $(shell grep -l -r -E '^//go:build (.*[^!])?\<mc\>' --include='*_test.go' .)
EXPLORED  = $(sort $(dir $(EXPLORING)))
HARNESSES = ^($(shell grep -h -o '^func Test[A-Za-z0-9_]*' $(EXPLORING) | cut -c6- | paste -s -d '|'))$$

# Packages with files that a tag chooses: the others are under that tag what they are without it.
TAGGED = $(sort $(dir $(shell grep -l -r -E '^//go:build.*\<$(1)\>' --include='*.go' .)))

# Two packages are tested at a time. Those that take longest go first, lest one of them be left over in the end.
ALL = ./sched ./netpoll ./...

.PHONY: help bench test vet unit portable restricted explore mutants models race soak lint build-others peers fleet overhead cover fuzz fmt readme clean

help:
	@echo "make bench     build schedbench and run its main job: real input, under a minute"
	@echo "make test      vet, all tests, the portable side, the explorer, the models, the race detector"
	@echo "make race      all tests under the race detector       make unit      all tests, nothing else"
	@echo "make portable  the tests of what other systems run      make explore   the interleaving explorer"
	@echo "make models    the Promela models (needs spin)          make peers     tests of the comparisons in bench/"
	@echo "make lint      vet, staticcheck, gofumpt, other systems make fmt       format"
	@echo "make mutants   plants the bugs that the explorer must find"
	@echo "make fleet     tests of examples/fleet                  make soak      two minutes of connections that come and go"
	@echo "make cover     coverage                                 make fuzz      each fuzzer for FUZZTIME=$(FUZZTIME)"
	@echo "make overhead  measures what statistics and traces cost"
	@echo "make readme    measure, and rewrite what README.md quotes"

bench: bin/schedbench
	bin/schedbench

bin/schedbench: FORCE
	$(GO) build -o $@ ./cmd/schedbench
FORCE:

test: vet unit portable explore models race

vet:
	$(GO) vet ./...

unit:
	$(GO) test -count=1 -timeout 5m $(ALL)

portable:
	$(GO) test -short -count=1 -timeout 5m -tags pinwheel_portable $(CORE)

explore:
	$(GO) test -short -count=1 -timeout 8m -tags mc -run '$(HARNESSES)' ./worker $(EXPLORED)

# Plants the bugs that the explorer has to find, one at a time. It takes a quarter of an hour.
mutants:
	$(GO) test -count=1 -timeout 40m -tags mc -run "^TestMutants" $(EXPLORED)

# The core on one CPU: make restricted CPU=1
restricted:
	$(GO) test -short -count=1 -timeout 5m -exec 'taskset -c $(CPU)' $(CORE)

models:
	sh docs/models/check.sh

# All tests, with the sizes of -short: the race detector makes them several times slower.
race:
	@if [ "$$($(GO) env CGO_ENABLED)" = 1 ]; then \
		echo "$(GO) test -race -short -count=1 -timeout 8m $(ALL)" && $(GO) test -race -short -count=1 -timeout 8m $(ALL); \
	else \
		echo "race: skipped: the race detector needs cgo, and so a C compiler"; \
	fi

# Two minutes in which descriptor numbers are reused as fast as they can be, with and without the race detector.
soak:
	$(GO) test -count=1 -timeout 5m -run Storm ./netpoll -storm 2m
	$(GO) test -race -count=1 -timeout 5m -run Storm ./netpoll -storm 2m

lint: vet build-others $(STATICCHECK) $(GOFUMPT)
	$(GO) vet -tags mc $(call TAGGED,mc)
	$(GO) vet -tags pinwheel_portable $(call TAGGED,pinwheel_portable)
	$(STATICCHECK) ./...
	$(STATICCHECK) -tags mc $(call TAGGED,mc)
	$(STATICCHECK) -tags pinwheel_portable $(call TAGGED,pinwheel_portable)
	@unformatted=$$($(GOFUMPT) -l .) && if [ -n "$$unformatted" ]; then echo "make fmt would change:" $$unformatted; exit 1; fi

build-others:
	GOOS=darwin GOARCH=arm64 $(GO) vet ./...
	GOOS=windows GOARCH=amd64 $(GO) vet ./...
	GOOS=linux GOARCH=arm64 $(GO) vet ./...
	GOOS=darwin GOARCH=arm64 $(GO) build ./...
	GOOS=windows GOARCH=amd64 $(GO) build ./...
	GOOS=linux GOARCH=arm64 $(GO) build ./...

peers:
	cd bench && $(GO) vet ./... && $(GO) test -count=1 -timeout 5m -bench . -benchtime 10x ./...

# The example that has dependencies of its own: processes that a message server feeds.
fleet:
	cd examples/fleet && $(GO) vet ./... && $(GO) test -count=1 -timeout 3m ./...

# What the statistics, which are always on, and a trace cost: three builds in turn, many times.
overhead: bin/schedbench
	$(GO) build -tags pinwheel_uncounted -o bin/schedbench-uncounted ./cmd/schedbench
	$(GO) run ./internal/overhead bin/schedbench-uncounted bin/schedbench

cover:
	@mkdir -p bin
	$(GO) test -count=1 -timeout 8m -coverpkg=./... -coverprofile=bin/cover.out ./...
	$(GO) tool cover -func=bin/cover.out | tail -n 1

fuzz:
	@set -e; for package in $(sort $(dir $(shell grep -l -r '^func Fuzz' --include='*_test.go' .))); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

fmt: $(GOFUMPT)
	$(GOFUMPT) -w .

readme: bin/schedbench
	$(GO) run ./internal/readme -measure bin/schedbench

$(STATICCHECK):
	GOBIN=$(CURDIR)/$(dir $@) $(GO) install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)

$(GOFUMPT):
	GOBIN=$(CURDIR)/$(dir $@) $(GO) install mvdan.cc/gofumpt@$(GOFUMPT_VERSION)

clean:
	rm -rf bin

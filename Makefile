.DEFAULT_GOAL := help
BIN := bin/flowbot
LINT := .cache/golangci-lint
# What CI checks out may belong to another user, whom git distrusts.
export GOFLAGS += -buildvcs=false

.PHONY: help demo run build test fmt lint golden migrate schema bench
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
demo: ## Install what is missing and play the whole thing in a browser: no token, no account
	@./tools/install program && go build -o $(BIN) ./cmd/flowbot && exec $(BIN) demo
run: ## The bot against Telegram; settings come from the environment, see README
	@./tools/install program && go build -o $(BIN) ./cmd/flowbot && exec $(BIN) serve
build: ## Install what is missing and leave bin/flowbot
	@./tools/install program && go build -o $(BIN) ./cmd/flowbot
test: ## Install what is missing, lint and test; CI runs this and nothing else
	./tools/install test && $(LINT) run && go mod tidy -diff && go vet ./... && CGO_ENABLED=1 go test -race -shuffle=on -timeout=30m ./...
fmt: ## Format
	./tools/install lint && $(LINT) fmt
lint: ## Lint, including which room may import which
	./tools/install lint && $(LINT) run
golden: ## Rewrite golden files; read the diff before you commit it
	go test ./bot ./service/pdf ./cmd/flowbot -update
migrate: ## Bring the database to the newest schema
	@./tools/install program && go build -o $(BIN) ./cmd/flowbot && $(BIN) migrate up
schema: ## Write migrations/schema.sql from a freshly migrated database
	go test ./migrations -run TestSchema -update
bench: ## Measure what the README promises; NAME=... picks one
	@./tools/install program && go build -o $(BIN) ./cmd/flowbot && $(BIN) bench $(NAME)

// The nats command line for the tests, apart from the product's dependencies:
// go build -C internal/natscli -mod=mod -o DIR/nats github.com/nats-io/natscli/nats
module netmon/internal/natscli

go 1.26.0

require github.com/nats-io/natscli v0.4.0

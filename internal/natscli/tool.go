//go:build tools

// Package natscli pins the nats program that the tests talk to netmon with.
package natscli

import _ "github.com/nats-io/natscli/nats"

package main

import (
	"testing"

	"netmon/internal/endpoint"
)

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"nats://127.0.0.1:4222":                         "nats://127.0.0.1:4222",
		"nats://ana:s3cr@t@h:1,tls://token@g:2,plain:3": "nats://ana:xxxxx@h:1,tls://xxxxx@g:2,plain:3",
		"ana:x@h:1": "ana:xxxxx@h:1",
	} {
		if got := endpoint.Redact(in); got != want {
			t.Errorf("redact(%q) = %q, want %q", in, got, want)
		}
	}
}

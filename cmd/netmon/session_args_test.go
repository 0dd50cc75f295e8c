package main

import (
	"testing"

	"netmon/internal/endpoint"
)

// TestBrokerAt_Args is what the prompt says to come back with.
func TestBrokerAt_Args(t *testing.T) {
	for _, c := range []struct {
		e    endpoint.Endpoint
		want string
	}{
		{endpoint.Endpoint{URL: "nats://127.0.0.1:4222", From: "the default"}, ""},
		{endpoint.Endpoint{URL: "nats://10.0.0.1:4222", From: "--broker"}, " --broker nats://10.0.0.1:4222"},
		{endpoint.Endpoint{URL: "tls://10.0.0.1:4222", From: "context office"}, " --context office"},
		{endpoint.Endpoint{URL: "nats://10.0.0.1:4222", Creds: []string{"a b.creds"}, From: "--broker"}, " --broker nats://10.0.0.1:4222 --creds 'a b.creds'"},
		{endpoint.Endpoint{URL: "tls://10.0.0.1:4222", Identity: "/keys/anna", From: "--creds /keys/anna"}, " --broker tls://10.0.0.1:4222 --creds /keys/anna"},
		{endpoint.Endpoint{URL: "tls://127.0.0.1:4222", Identity: "/store/access/admin", From: "this host"}, " --broker tls://127.0.0.1:4222"},
	} {
		if got := placeOf(c.e).args(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.e, got, c.want)
		}
	}
}

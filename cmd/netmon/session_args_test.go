package main

import "testing"

// TestBrokerAt_Args is what the prompt says to come back with.
func TestBrokerAt_Args(t *testing.T) {
	for _, c := range []struct {
		e    endpoint
		want string
	}{
		{endpoint{url: "nats://127.0.0.1:4222", from: "the default"}, ""},
		{endpoint{url: "nats://10.0.0.1:4222", from: "--broker"}, " --broker nats://10.0.0.1:4222"},
		{endpoint{url: "tls://10.0.0.1:4222", from: "context office"}, " --context office"},
		{endpoint{url: "nats://10.0.0.1:4222", creds: []string{"a b.creds"}, from: "--broker"}, " --broker nats://10.0.0.1:4222 --creds 'a b.creds'"},
		{endpoint{url: "tls://10.0.0.1:4222", identity: "/keys/anna", from: "--creds /keys/anna"}, " --broker tls://10.0.0.1:4222 --creds /keys/anna"},
		{endpoint{url: "tls://127.0.0.1:4222", identity: "/store/access/admin", from: "this host"}, " --broker tls://127.0.0.1:4222"},
	} {
		if got := placeOf(c.e).args(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.e, got, c.want)
		}
	}
}

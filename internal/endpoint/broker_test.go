package endpoint

import (
	"testing"
)

// TestBrokerAt_Args is what the prompt says to come back with.
func TestBrokerAt_Args(t *testing.T) {
	for _, c := range []struct {
		e    Endpoint
		want string
	}{
		{Endpoint{URL: "nats://127.0.0.1:4222", From: "the default"}, ""},
		{Endpoint{URL: "nats://10.0.0.1:4222", From: "--broker"}, " --broker nats://10.0.0.1:4222"},
		{Endpoint{URL: "tls://10.0.0.1:4222", From: "context office"}, " --context office"},
		{Endpoint{URL: "nats://10.0.0.1:4222", Creds: []string{"a b.creds"}, From: "--broker"}, " --broker nats://10.0.0.1:4222 --creds 'a b.creds'"},
		{Endpoint{URL: "tls://10.0.0.1:4222", Identity: "/keys/anna", From: "--creds /keys/anna"}, " --broker tls://10.0.0.1:4222 --creds /keys/anna"},
		{Endpoint{URL: "tls://127.0.0.1:4222", Identity: "/store/access/admin", From: "this host"}, " --broker tls://127.0.0.1:4222"},
	} {
		if got := BrokerOf(c.e).Args(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.e, got, c.want)
		}
	}
}

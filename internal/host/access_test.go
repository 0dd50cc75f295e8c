package host

import (
	"log/slog"
	"strings"
	"testing"

	"netmon/broker"
	"netmon/broker/access"
)

// TestOpenAccess_Rules decides when a broker has identities.
func TestOpenAccess_Rules(t *testing.T) {
	for _, tt := range []struct {
		name   string
		all    bool // are asked who they are
		open   bool // on purpose
		listen string
		before bool // the store knew people before
		asks   bool
		says   string // of standard error
		err    string
	}{
		{name: "on loopback it asks nobody", listen: "127.0.0.1:4222"},
		{name: "on loopback by name", listen: "localhost:4222"},
		{name: "on loopback of IPv6", listen: "[::1]:4222"},
		{name: "beyond this host it asks", listen: "192.0.2.1:4222", asks: true, says: "made keys and a certificate in "},
		{name: "on all addresses it asks", listen: "0.0.0.0:4222", asks: true, says: "made keys and a certificate in "},
		{name: "on all addresses, written short", listen: ":4222", asks: true, says: "made keys and a certificate in "},
		{name: "on a host's name it asks", listen: "broker.example:4222", asks: true, says: "made keys and a certificate in "},
		{name: "on loopback when told to", all: true, listen: "127.0.0.1:4222", asks: true, says: "made keys and a certificate in "},
		{name: "on loopback where it did before", listen: "127.0.0.1:4222", before: true, asks: true},
		{name: "insecure is shouted", open: true, listen: "0.0.0.0:4222", says: "WARNING: 0.0.0.0:4222 has no TLS and no authentication"},
		{name: "insecure also where it knew people", open: true, listen: "0.0.0.0:4222", before: true, says: "WARNING: 0.0.0.0:4222 has no TLS"},
		{name: "not both", open: true, all: true, listen: "0.0.0.0:4222", err: "--access and --insecure: want one of them"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store := t.TempDir()
			if tt.before {
				a, err := access.Open(access.FolderOf(store), nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				a.Close()
			}
			var said strings.Builder
			got, err := openAccess(BrokerOptions{AskAll: tt.all, Talk: &said,
				Options: broker.Options{Listen: tt.listen, Store: store, Insecure: tt.open, Log: slog.New(slog.DiscardHandler)}})
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			if asks := got != nil; asks != tt.asks {
				t.Errorf("it asks: %v, want %v", asks, tt.asks)
			}
			if !strings.Contains(said.String(), tt.says) || tt.says == "" && said.Len() > 0 {
				t.Errorf("said %q, want %q", said.String(), tt.says)
			}
			if exists := access.Exists(access.FolderOf(store)); exists != (tt.asks || tt.before) {
				t.Errorf("keys on disk: %v", exists)
			}
		})
	}
}

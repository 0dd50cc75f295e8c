package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"netmon/broker/access"
)

// TestOpenAccess_Rules decides when a broker asks who people are.
func TestOpenAccess_Rules(t *testing.T) {
	for _, tt := range []struct {
		name   string
		flags  []string
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
		{name: "on loopback when told to", flags: []string{"--access"}, listen: "127.0.0.1:4222", asks: true, says: "made keys and a certificate in "},
		{name: "on loopback where it did before", listen: "127.0.0.1:4222", before: true, asks: true},
		{name: "insecure is shouted", flags: []string{"--insecure"}, listen: "0.0.0.0:4222", says: "WARNING: 0.0.0.0:4222 has no TLS and no authentication"},
		{name: "insecure also where it knew people", flags: []string{"--insecure"}, listen: "0.0.0.0:4222", before: true, says: "WARNING: 0.0.0.0:4222 has no TLS"},
		{name: "not both", flags: []string{"--insecure", "--access"}, listen: "0.0.0.0:4222", err: "--access and --insecure: want one of them"},
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
			var got *access.Authority
			app := &cli.App{Flags: accessFlags(), Writer: io.Discard, ErrWriter: &said, ExitErrHandler: func(*cli.Context, error) {},
				Action: func(c *cli.Context) (err error) {
					got, err = openAccess(c, tt.listen, store, slog.New(slog.DiscardHandler))
					return err
				}}
			err := app.Run(append([]string{"netmon"}, tt.flags...))
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

// TestBroker_ShoutsWhatIsOpen: pages that show something are told of, and what is
// open on purpose is, too.
func TestBroker_ShoutsWhatIsOpen(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	conf := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(conf, []byte("server_name: n\nlisten: 0.0.0.0:-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const pages = "WARNING: http 0.0.0.0:"
	for name, c := range map[string]struct {
		flags []string
		says  []string
	}{
		"pages":              {[]string{"--listen", "127.0.0.1:0", "--http", "0.0.0.0:0"}, []string{pages}},
		"all, told once":     {[]string{"--listen", "0.0.0.0:0", "--http", "0.0.0.0:0", "--insecure"}, []string{"WARNING: 0.0.0.0:0 has no TLS", pages}},
		"a file":             {[]string{"--config", conf, "--insecure"}, []string{"WARNING: listen 0.0.0.0:"}},
		"nothing, and pages": {[]string{"--listen", "0.0.0.0:0", "--http", "127.0.0.1:0"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var out, said strings.Builder
			ready := writerFunc(func(b []byte) (int, error) { stop(); return out.Write(b) })
			args := append([]string{"netmon", "broker", "--log", "error", "--store", t.TempDir()}, c.flags...)
			if code := run(ctx, args, strings.NewReader(""), ready, &said); code != exitOK || !strings.Contains(out.String(), "broker ready") {
				t.Fatalf("exit %d: %s", code, said.String())
			}
			if n := strings.Count(said.String(), "WARNING"); n != len(c.says) {
				t.Errorf("%d warnings, want %d:\n%s", n, len(c.says), said.String())
			}
			for _, want := range c.says {
				if !strings.Contains(said.String(), want) {
					t.Errorf("no %q in\n%s", want, said.String())
				}
			}
		})
	}
}

// writerFunc is called with what is written.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

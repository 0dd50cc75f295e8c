package main

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"testing"

	"github.com/urfave/cli/v2"

	"netmon/console/draft"
	"netmon/internal/cmdline"
	"netmon/probes/kinds"
	"netmon/wire"
)

// TestAddLine reads the line as a shell and netmon would, and compares.
func TestAddLine(t *testing.T) {
	for _, tc := range []struct{ kind, target, options string }{
		{"tcp", "127.0.0.1:22", ``},
		{"tcp", "db:5432", `{"invert":true}`},
		{"http", "http://example.com/a b?x=1&y='2'", `{"method":"HEAD","headers":{"X-A":"b c","Accept":"*/*"},"expect":{"status":"200"},"redirects":-1}`},
		{"dns", "example.com", `{"type":"AAAA","server":"192.0.2.1:53"}`},
		{"icmp", "192.0.2.1", `{"count":5}`},
	} {
		m := wire.Saved{Monitor: wire.Monitor{Name: "m", Kind: tc.kind, Target: tc.target, Every: wire.Duration(wire.DefaultEvery), Timeout: wire.Duration(wire.DefaultTimeout)},
			Agents: wire.Selectors{"paris", "region=eu"}}
		if tc.options != "" {
			m.Options = json.RawMessage(tc.options)
		}
		line, ok := draft.AddLine(kinds.All(), m)
		if !ok {
			t.Errorf("%s %s: no line", tc.kind, tc.options)
			continue
		}
		got, err := parseAdd(cmdline.ShellWords(line))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		var want, have any
		if tc.options != "" {
			if err := json.Unmarshal(m.Options, &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(got.Options, &have); err != nil {
				t.Fatal(err)
			}
		}
		a, _ := json.Marshal(want)
		b, _ := json.Marshal(have)
		if string(a) != string(b) || got.Target != tc.target || got.Name != "m" || !slices.Equal(got.Agents, m.Agents) {
			t.Errorf("%s\ngives %+v with %s, want %s", line, got, b, a)
		}
	}
}

// parseAdd is what netmon add would save.
func parseAdd(args []string) (m wire.Saved, err error) {
	app := newApp(nil, io.Discard, io.Discard)
	for _, c := range app.Commands {
		if c.Name != "add" {
			continue
		}
		for i, sub := range c.Subcommands {
			sub.Action = func(c *cli.Context) error {
				m.Target, m.Name = c.Args().First(), c.String("name")
				if m.Agents, err = wire.ParseSelectors(c.String("on")); err != nil {
					return err
				}
				m.Options, err = optionsFromFlags(c, kinds.All()[i])
				return err
			}
		}
	}
	err = app.RunContext(within(context.Background(), &invocation{}), cmdline.Permute(app, args))
	return m, err
}

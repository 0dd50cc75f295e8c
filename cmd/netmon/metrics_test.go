package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestMetrics_None: who serves no metrics says nothing of them.
func TestMetrics_None(t *testing.T) {
	var m *metrics
	var out bytes.Buffer
	if m.say(&out); out.Len() > 0 {
		t.Errorf("it says %q", out.String())
	}
	m.close()
}

// TestExport_WhoMeasures: this host without a token, and otherwise who shows one, where that is allowed.
func TestExport_WhoMeasures(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		want bool
	}{
		"this host":                      {[]string{"--listen", "127.0.0.1:0"}, true},
		"this host, a token":             {[]string{"--listen", "127.0.0.1:0", "--token-file", token}, false},
		"this host, a token, allowed":    {[]string{"--listen", "127.0.0.1:0", "--token-file", token, "--allow-probe"}, true},
		"other hosts, a token":           {[]string{"--listen", "0.0.0.0:0", "--token-file", token}, false},
		"other hosts, a token, allowed":  {[]string{"--listen", "0.0.0.0:0", "--token-file", token, "--allow-probe"}, true},
		"other hosts, open for scraping": {[]string{"--listen", "0.0.0.0:0", "--open"}, false},
	} {
		flags := flag.NewFlagSet("export", flag.ContinueOnError)
		for _, f := range exportCommand().Flags {
			if err := f.Apply(flags); err != nil {
				t.Fatal(err)
			}
		}
		if err := flags.Parse(tc.args); err != nil {
			t.Fatal(err)
		}
		c := cli.NewContext(cli.NewApp(), flags, nil)
		by, err := scrapedBy(c, "listen", "", c.Bool("allow-probe"))
		if err != nil || by.Probe != tc.want {
			t.Errorf("%s: %v, %v; want %v", name, by.Probe, err, tc.want)
		}
	}
}

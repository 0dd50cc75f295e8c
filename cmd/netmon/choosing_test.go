package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"netmon/internal/cmdline"
)

// TestCommands_ThatTakeMonitorsChooseByTag walks all commands: where several names of
// monitors are taken, --tag chooses them, too, and so it does beside --monitor.
func TestCommands_ThatTakeMonitorsChooseByTag(t *testing.T) {
	seen := 0
	var walk func(path string, commands []*cli.Command)
	walk = func(path string, commands []*cli.Command) {
		for _, c := range commands {
			name := path + " " + c.Name
			flags := cmdline.FlagNames(c.Flags)
			if name == "netmon recover" { // of monitors that agents still run: these know no tags
				continue
			}
			if c.ArgsUsage == cmdline.Monitors || slices.Contains(flags, "--monitor") {
				seen++
				if !slices.Contains(flags, "--tag") {
					t.Errorf("%s takes names of monitors and no --tag", name)
				}
			}
			walk(name, c.Subcommands)
		}
	}
	walk("netmon", newApp(nil, nil, nil).Commands)
	if seen < 20 {
		t.Errorf("only %d commands take names of monitors", seen)
	}
}

// TestChoosing is what globs and tags choose in commands that are not about monitors alone.
func TestChoosing(t *testing.T) {
	meshToComplete(t)
	file := filepath.Join(t.TempDir(), "all.yaml")
	text := "monitors:\n- {name: webshop, kind: tcp, target: 'h:2', tags: {team: shop}}\n- {name: blog, kind: tcp, target: 'h:3'}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line  string
		code  int
		wants string // of all output
		never string
	}{
		{"history web* -o name", 0, "webshop 1\n", "gateway"},
		{"history --tag team=shop", 0, "gateway  1", ""},
		{"history webshop gateway -o json", 0, `"name": "gateway"`, ""},
		{"history --tag team=none", 1, "no monitor has the tag team=none", ""},
		{"history", 2, "want the names of monitors, globs such as 'svc-*', or --tag", ""},
		{"get monitor --tag team=shop -o name", 0, "gateway\nwebshop\n", ""},

		{"diff -f " + file, 1, "blog", ""},
		{"diff -f " + file + " --tag team=shop", 1, "webshop", "blog"},
		{"diff -f " + file + " --monitor bl*", 1, "blog", "webshop"},
		{"diff -f " + file + " --monitor gate* --prune", 1, "gateway", "blog"},
		{"diff -f " + file + " --monitor gate*", 1, `no monitor fits "gate*"`, ""},
		{"diff -f " + file + " --monitor nosuch", 1, `no file has a monitor "nosuch"`, ""},
		{"apply -f " + file + " --monitor bl*", 0, "blog added", "webshop"},
		{"diff -f " + file + " --monitor bl*", 0, "", "blog"},

		{"config export office -f - --monitor web*", 0, "name: webshop", "name: gateway"},
		{"config export office -f - --tag team=shop", 0, "name: gateway", "channels"},
		{"config export office -f - --tag team=none", 1, "no monitor has the tag team=none", ""},
		{"config export office -f - --monitor blog", 1, `configuration office has no monitor "blog"`, ""},

		{"get incidents --monitor web*", 0, "no incident is open of what was asked for", ""},
		{"get incidents web* gateway", 0, "no incident is open of what was asked for", ""},
		{"ack web*", 1, "no incident of webshop is open", ""},
		{"ack --tag team=shop", 1, "no incident of gateway, webshop is open", ""},
		{"ack svx*", 1, `no monitor fits "svx*"`, ""},
		{"unack --tag team=shop", 1, "no incident of gateway, webshop is acknowledged", ""},
		{"ack", 2, "want the ids of incidents, names of monitors, globs such as 'svc-*', or --tag", ""},
		{"wait web* --for paused --timeout 1s", 4, "webshop is not paused", ""},
	} {
		var out bytes.Buffer
		code := execute(t.Context(), append([]string{"netmon"}, strings.Fields(c.line)...), strings.NewReader(""), &out, &out)
		if text := out.String(); code != c.code || !strings.Contains(text, c.wants) || c.never != "" && strings.Contains(text, c.never) {
			t.Errorf("netmon %s: exit %d, want %d with %q without %q:\n%s", c.line, code, c.code, c.wants, c.never, text)
		}
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/natstest"
	"netmon/wire"
)

// screen80 is a terminal of 80 columns.
type screen80 struct{ bytes.Buffer }

func (*screen80) Columns() int { return 80 }

const longest = "checkout-payments-gateway-frankfurt-blue-production"

// meshOfLongNames has one of everything that is saved, with names and texts as long as
// they get in practice.
func meshOfLongNames(t *testing.T) {
	t.Helper()
	b := natstest.Start(t)
	cl, err := console.Connect(func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(b.URL(), o...) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	sentence := strings.Repeat("the shop moves to another hall; ", 4)
	store, err := cl.Monitors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := wire.Saved{Monitor: wire.Monitor{Name: longest, Kind: "https", Target: "https://" + longest + ".example.com/health/of/the/shop"}, Tags: map[string]string{"team": longest}, Agents: wire.Selectors{"paris-" + longest, "region=" + longest}}
	if _, err := store.Save(t.Context(), m, sentence); err != nil {
		t.Fatal(err)
	}
	settings, err := cl.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	match := wire.Match{Monitors: []string{longest}, Tags: map[string]string{"team": longest}}
	for _, x := range []wire.Setting{&wire.Channel{Name: longest, Kind: "webhook", Fallback: "mail-" + longest}, &wire.Channel{Name: "mail-" + longest, Kind: "mail"},
		&wire.NoticeRule{Name: longest, Match: match, To: []string{longest}}, &wire.Group{Name: "group-" + longest, Of: []string{longest}},
		&wire.Window{Name: longest, Match: match, Weekly: "Sun 02:00-04:00", Zone: "America/Argentina/Buenos_Aires"},
		&wire.Silence{ID: "k3v7q2ma", Match: match, From: time.Now(), Until: time.Now().Add(time.Hour), Text: sentence}} {
		if _, err := settings.Save(t.Context(), x, sentence); err != nil {
			t.Fatal(err)
		}
	}
	sets, err := cl.Sets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sets.Save(t.Context(), longest, console.Wanted{Monitors: []wire.Saved{m}}, console.Set{}); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(wire.Alive{Agent: "paris-" + longest, Host: longest + ".example.com", Version: "0.1.0+" + longest, Labels: map[string]string{"region": longest}})
	if err != nil {
		t.Fatal(err)
	}
	js := natstest.JetStream(t, natstest.Connect(t, b))
	if _, err := js.Publish(t.Context(), "agent.paris-"+longest+".alive", data); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NETMON_BROKER", b.URL())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	var out bytes.Buffer
	if code := execute(t.Context(), []string{"netmon", "context", "add", longest, "--broker", "nats://" + longest + ".example.com:4222"}, nil, &out, &out); code != 0 {
		t.Log(out.String())
	}
	t.Setenv("NETMON_BROKER", b.URL())
}

// TestEveryList_FitsTheScreen runs each command that has the forms of a list, on a screen
// of 80 columns. console/output has a test of the lists that need more than a broker.
func TestEveryList_FitsTheScreen(t *testing.T) {
	meshOfLongNames(t)
	tables := 0
	var printed []string
	var walk func(path []string, commands []*cli.Command)
	walk = func(path []string, commands []*cli.Command) {
		for _, c := range commands {
			args := append(slices.Clone(path), c.Name)
			walk(args, c.Subcommands)
			isList := func(f cli.Flag) bool {
				return slices.Contains(f.Names(), "output") && slices.Contains(cmdline.Words(cmdline.ValueOf(f)), "wide")
			}
			if !slices.ContainsFunc(c.Flags, isList) {
				continue
			}
			switch {
			case c.Name == "monitor":
				args = append(args, longest, "-o", "table")
			case c.Name == "doctor":
				args = append(args, "-o", "table")
			case c.Name == "group":
				args = append(args, "group-"+longest)
			case path[len(path)-1] == "history" || c.Name == "history" || c.Name == "stats":
				args = append(args, longest)
			}
			var out screen80
			var errs bytes.Buffer
			code := execute(t.Context(), args, strings.NewReader(""), &out, &errs)
			if code != 0 && c.Name != "doctor" || out.Len() == 0 {
				continue // there is nothing to list, or nobody to ask
			}
			tables++
			printed = append(printed, strings.Join(args[1:], " "))
			for line := range strings.Lines(out.String()) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
					t.Errorf("%s: a line of %d columns: %s", strings.Join(args, " "), n, line)
				}
			}
		}
	}
	walk([]string{"netmon"}, newApp(nil, nil, nil).Commands)
	for _, want := range []string{"doctor -o table", "context ls"} {
		if !slices.Contains(printed, want) {
			t.Errorf("%s printed nothing: only %q did", want, printed)
		}
	}
	if tables < 16 {
		t.Errorf("only %d lists printed a table", tables)
	}
}

// TestListsOfOthers_FitTheScreen: the lists that need a mesh with identities, or one whose
// store was lost, and what doctor says where it is no list.
func TestListsOfOthers_FitTheScreen(t *testing.T) {
	meshOfLongNames(t)
	var out screen80
	x := wire.Consumer{Owner: longest, Stream: "RESULTS", Name: longest, Made: time.Now().Add(-400 * 24 * time.Hour), Pending: 1 << 40, Filter: "results." + longest + "." + longest}
	if err := (output.Listing[wire.Consumer]{Items: []wire.Consumer{x}, Columns: consumerColumns, Width: 80}).Table(&out, "table"); err != nil {
		t.Fatal(err)
	}
	m := wire.Saved{Monitor: wire.Monitor{Name: longest, Kind: "https", Target: "https://" + longest + ".example.com/", Every: wire.Duration(10 * time.Second)}, Agents: wire.Selectors{"paris-" + longest}}
	if err := (output.Listing[console.Change]{Items: []console.Change{{Is: &m}}, Columns: unsavedColumns, Width: 80}).Table(&out, "table"); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	execute(t.Context(), []string{"netmon", "doctor"}, strings.NewReader(""), &out, &errs)
	if !strings.Contains(out.String(), "netmon's streams") {
		t.Errorf("doctor says\n%s%s", &out, &errs)
	}
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 && len(strings.Fields(line)) > 1 { // one name is never cut: it has to be typed
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
}

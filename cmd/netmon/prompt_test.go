package main

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console/draft"
	"netmon/console/flow"
	"netmon/console/prompt"
	"netmon/internal/endpoint"
	"netmon/internal/natstest"
	"netmon/probes/kinds"
)

// TestFlow_OfEveryKind adds a monitor of each kind by a target and defaults, and
// gives the command that comes of it to the real add.
func TestFlow_OfEveryKind(t *testing.T) {
	for _, k := range kinds.All() {
		f := flow.New(draft.World(kinds.All(), nil, nil, ""))
		for _, answer := range []string{k.Name, k.Example, "", "", "", "", "", "", ""} {
			next, err := f.Answer(answer)
			if err != nil {
				t.Fatalf("%s: %s: %v", k.Name, f.Ask().Title, err)
			}
			if f = next; f.Command() != nil && !f.Saves() {
				f = f.Executed(true)
			}
		}
		if !f.Saves() {
			t.Errorf("%s: asks for %s after all defaults", k.Name, f.Ask().Title)
			continue
		}
		var errs strings.Builder
		args := append([]string{"netmon"}, append(f.Command(), "--broker", "nats://127.0.0.1:1")...)
		if code := execute(t.Context(), args, strings.NewReader(""), io.Discard, &errs); code != exitUnreachable {
			t.Errorf("%s: %q ends with %d: %s", k.Name, args, code, errs.String())
		}
	}
}

func TestFlow_RefusesWhatTheKindRefuses(t *testing.T) {
	f := flow.New(draft.World(kinds.All(), nil, nil, ""))
	for _, answer := range []string{"https", "https://example.com/", "", ""} {
		next, err := f.Answer(answer)
		if err != nil {
			t.Fatal(err)
		}
		if f = next; f.Command() != nil {
			f = f.Executed(true)
		}
	}
	for answer, want := range map[string]string{
		"expect-status abc": `options.expect.status: .*"abc"`,
		"redirects many":    `want a whole number, got "many"`,
		"headers nonsense":  `want NAME=VALUE, got "nonsense"`,
		"within 5":          `options.within: .*"5"`,
	} {
		_, err := f.Answer(answer)
		if err == nil || !matches(err.Error(), want) {
			t.Errorf("%s: %v, want %s", answer, err, want)
		}
	}
	if _, err := f.Answer("expect-status 200-299 tls-insecure headers 'X-A=b c'"); err != nil {
		t.Error(err)
	}
}

// matches looks for the parts of want, which .* parts, in this order.
func matches(s, want string) bool {
	for part := range strings.SplitSeq(want, ".*") {
		_, rest, ok := strings.Cut(s, part)
		if !ok {
			return false
		}
		s = rest
	}
	return true
}

// TestCommandTree_IsCompleted asks for what a person would press Tab for.
func TestCommandTree_IsCompleted(t *testing.T) {
	tree := promptTree(newApp(nil, io.Discard, io.Discard).Commands)
	names := prompt.Names{Monitors: []string{"web"}, Agents: []string{"paris"}, Labels: []string{"region=eu"}}
	for line, want := range map[string]string{
		"start w":                       "web",
		"show ":                         "web",
		"get monitor ":                  "web",
		"watch --agent ":                "paris",
		"stop web on reg":               "region=eu",
		"probe tcp h:1 from p":          "paris",
		"add tcp h:1 on p":              "paris",
		"add https h --expect-st":       "--expect-status",
		"get monitors -o js":            "json",
		"console --results f":           "failures",
		"delete web":                    "web",
		"rollback we":                   "web",
		"silence --severity do":         "down",
		"silence --kind t":              "tcp",
		"schema Mon":                    "Monitors",
		"add tcp h:1 --depends-on w":    "web",
		"add tcp h:1 --quorum ma":       "majority",
		"add tcp h:1 --on paris,region": "paris,region=eu",
	} {
		if _, got := prompt.Complete(line, tree, names); !slices.Contains(got, want) {
			t.Errorf("%q completes to %q, want %q among them", line, got, want)
		}
	}
}

// TestSession_SaysAtOnceThatTheBrokerIsAway: a command typed meanwhile is
// answered, not waited with.
func TestSession_SaysAtOnceThatTheBrokerIsAway(t *testing.T) {
	b := natstest.Start(t)
	s, err := newSession(endpoint.Broker{Connect: func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(b.URL(), o...) }, URL: b.URL()}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if code := s.execute(t.Context(), []string{"get", "monitors"}, io.Discard, io.Discard); code != exitOK {
		t.Fatalf("ends with %d", code)
	}
	b.Close()
	for limit := time.Now().Add(time.Minute); s.snapshot().Lost.IsZero(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("the loss is not told")
		}
	}
	var errs strings.Builder
	begin := time.Now()
	code := s.execute(t.Context(), []string{"stop", "web"}, io.Discard, &errs)
	if code != exitUnreachable || !strings.Contains(errs.String(), "nothing was done") || time.Since(begin) > 2*time.Second {
		t.Errorf("ends with %d after %v: %s", code, time.Since(begin), errs.String())
	}
	if code := s.execute(t.Context(), []string{"get", "monitors", "--broker", "nats://127.0.0.1:1"}, io.Discard, &errs); code != exitUnreachable || strings.Count(errs.String(), "nothing was done") != 1 {
		t.Errorf("another broker: %d: %s", code, errs.String())
	}
	natstest.Restart(t, b)
	for limit := time.Now().Add(time.Minute); !s.snapshot().Lost.IsZero(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("the return is not told")
		}
	}
	if code := s.execute(t.Context(), []string{"get", "monitors"}, io.Discard, &errs); code != exitOK {
		t.Errorf("after the return: %d: %s", code, errs.String())
	}
}

func TestBare(t *testing.T) {
	for urls, want := range map[string]string{
		"nats://127.0.0.1:4222":               "nats://127.0.0.1:4222",
		"nats://ana:p@ss@h:1,tls://token@k:2": "nats://h:1,tls://k:2",
	} {
		if got := endpoint.Bare(urls); got != want {
			t.Errorf("bare(%q) = %q, want %q", urls, got, want)
		}
	}
}

// TestPromptTree_EveryCommandHasATopic, and those of a topic are together.
func TestPromptTree_EveryCommandHasATopic(t *testing.T) {
	var order []string
	for _, c := range promptTree(newApp(nil, io.Discard, io.Discard).Commands) {
		if !slices.ContainsFunc(topics, func(t topic) bool { return slices.Contains(t.commands, c.Names[0]) }) {
			t.Errorf("%s stands in no topic of prompttree.go", c.Names[0])
		}
		if len(order) == 0 || order[len(order)-1] != c.Topic {
			order = append(order, c.Topic)
		}
	}
	if len(order) != len(topics) {
		t.Errorf("the topics are %v", order)
	}
}

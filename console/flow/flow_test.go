package flow

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// world is a mesh of three agents and two kinds; the rules of Check are a few
// of the real ones.
func world() World {
	within := Option{Name: "within", Path: "within", Type: "duration", Help: "the longest latency that is still ok"}
	return World{
		Usual: "https",
		Kinds: []Kind{
			{Name: "tcp", Doc: "connects", Target: "HOST:PORT", Example: "example.com:22", Propose: "broker:4222", Options: []Option{within, {Name: "invert", Path: "invert", Type: "yes/no"}}},
			{Name: "https", Doc: "asks", Target: "URL", Example: "https://example.com/", Options: []Option{
				within, {Name: "expect-status", Path: "expect.status", Type: "text", Default: "200-399"},
				{Name: "headers", Path: "headers", Type: "map"}, {Name: "redirects", Path: "redirects", Type: "integer"}}},
			{Name: "ntp", Doc: "asks for the time", Target: "HOST", Example: "pool.ntp.org", Propose: "pool.ntp.org", MinEvery: 64 * time.Second},
		},
		Agents: []Agent{{ID: "paris", Labels: map[string]string{"region": "eu"}, Online: true}, {ID: "rome", Labels: map[string]string{"region": "eu"}}, {ID: "tokyo", Online: true}},
		Taken:  []string{"web", "tcp-db"},
		Name:   func(kind, target string) string { return wire.MakeToken(kind + "-" + strings.TrimSuffix(target, ":1")) },
		Check: func(d Draft) error {
			var p wire.Problems
			if d.Kind == "tcp" && !strings.Contains(d.Target, ":") {
				p.Addf("target", "want host:port, got %q", d.Target)
			}
			if len(d.Tags) > 0 && d.Tags[0] == "a=" {
				p.Addf("tags.a", "is empty")
			}
			if d.Every != 0 && d.Every < wire.MinEvery {
				p.Addf("every", "want at least %v, got %v", wire.MinEvery, d.Every)
			}
			for _, s := range d.Options {
				if _, err := time.ParseDuration(s.Values[0]); s.Name == "within" && err != nil {
					p.Addf("options.within", "want a duration, got %q", s.Values[0])
				}
			}
			return p.Err()
		},
	}
}

// play gives answers to a flow. What it has to run is noted as "run …", and ok
// unless the answer before ended in "!". A refused answer is noted, too.
func play(t *testing.T, answers ...string) (Flow, []string) {
	t.Helper()
	f := New(world())
	var notes []string
	for _, a := range answers {
		text, bad := strings.CutSuffix(a, "!")
		next, err := f.Answer(text)
		if err != nil {
			notes = append(notes, "no: "+err.Error())
			continue
		}
		f = next
		if run := f.Command(); run != nil {
			notes = append(notes, "run "+strings.Join(run, " "))
			f = f.Executed(!bad)
		}
	}
	return f, notes
}

func TestFlow(t *testing.T) {
	for name, tc := range map[string]struct {
		answers []string
		notes   []string
		done    bool
		at      string // of the next question
	}{
		"all defaults": {
			answers: []string{"tcp", "db:1", "", "", "", "", "", "", ""}, done: true,
			notes: []string{"run probe tcp db:1", "run add tcp db:1 --name tcp-db-2"},
		},
		"everything said": {
			answers: []string{"https", "https://h from paris,rome", "30s", "2s", "expect-status 200 within=1s", "headers A=b headers 'C=d e'", "", "region=eu except rome", "team=shop, env=prod", "site", "yes"}, done: true,
			notes: []string{"run probe https https://h --from paris,rome",
				"run probe https https://h --from paris,rome --timeout 2s --expect-status 200 --within 1s --headers A=b --headers C=d e",
				"run add https https://h --name site --every 30s --timeout 2s --on region=eu --except rome --tag team=shop --tag env=prod --expect-status 200 --within 1s --headers A=b --headers C=d e"},
		},
		"some of the agents": {
			answers: []string{"tcp", "db:1 from 2 of all", "", "", "", "0 of all", "2 of region=eu except rome", "", "", ""}, done: true,
			notes: []string{"run probe tcp db:1 --from 2 of all",
				`no: where: want N of AGENTS, such as 3 of region=eu or 2 of all, with N from 1 to 500, got "0 of all"`,
				"run add tcp db:1 --name tcp-db-2 --on 2 of region=eu --except rome"},
		},
		"what is wrong is asked again": {
			answers: []string{"htp", "tcp", "db", "db:1", "soon", "1ns", "", "0s", "", "wthin 1s", "within 5", "within", "invert maybe", "", "a b", "", "a=", "shop", "", "web", "a b", "db", "perhaps"}, at: "save and start",
			notes: []string{`no: kind: unknown kind "htp": did you mean ntp? one of tcp, https, ntp`, `no: target: want host:port, got "db"`, "run probe tcp db:1",
				`no: every: want a duration such as 500ms, 10s or 1m, got "soon"`, `no: every: want at least 10ms, got 1ns`, `no: timeout: want a duration such as 500ms, 10s or 1m, got "0s"`,
				`no: option: tcp has no option "wthin": ` + "`more` lists them", `no: options.within: want a duration, got "5"`, "no: within: want a value (duration): within VALUE",
				`no: option: tcp has no option "maybe": ` + "`more` lists them",
				`no: where: "a b" has a character that is not one of A-Z a-z 0-9 _ -`,
				`no: tags.a: is empty`, `no: tags: want NAME=VALUE such as team=shop, got "shop"`,
				`no: name: a monitor "web" exists already`, `no: name: "a b" has a character that is not one of A-Z a-z 0-9 _ -`, `no: want yes or no, got "perhaps"`},
		},
		"a target that is not ok is given up": {
			answers: []string{"tcp", "db:1!", "", "db:2"}, at: "every",
			notes: []string{"run probe tcp db:1", "run probe tcp db:2"},
		},
		"a target that nothing proposes is typed": {
			answers: []string{"", "", "https://h"}, at: "every",
			notes: []string{"no: target: type one, such as https://example.com/", "run probe https https://h"},
		},
		"or kept": {answers: []string{"tcp", "db:1!", "yes"}, at: "every", notes: []string{"run probe tcp db:1"}},
		"going back keeps the answers": {
			answers: []string{"tcp", "db:1", "30s", "back", "<", "back", "back", "", "", "", "", "invert", "no invert", "", "paris", "back", "", "", "db", "y"}, done: true,
			notes: []string{"run probe tcp db:1", "run probe tcp db:1", "run probe tcp db:1 --timeout 5s", "run add tcp db:1 --name db --every 30s --on paris"},
		},
		"another kind forgets what belonged to the first": {
			answers: []string{"tcp", "db:1", "back", "back", "ntp", "", ""}, at: "timeout",
			notes: []string{"run probe tcp db:1", "run probe ntp pool.ntp.org"},
		},
		"a switch": {
			answers: []string{"tcp", "db:1", "", "", "invert", "", "", "", "", ""}, done: true,
			notes: []string{"run probe tcp db:1", "run probe tcp db:1 --timeout 5s --invert", "run add tcp db:1 --name tcp-db-2 --invert"},
		},
		"cancelled":         {answers: []string{"tcp", "cancel"}},
		"refused at last":   {answers: []string{"tcp", "db:1", "", "", "", "", "", "", "no"}, notes: []string{"run probe tcp db:1"}},
		"saving went wrong": {answers: []string{"tcp", "db:1", "", "", "", "", "", "", "!"}, at: "save and start", notes: []string{"run probe tcp db:1", "run add tcp db:1 --name tcp-db-2"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, notes := play(t, tc.answers...)
			if !slices.Equal(notes, tc.notes) {
				t.Errorf("notes\n%s\nwant\n%s", strings.Join(notes, "\n"), strings.Join(tc.notes, "\n"))
			}
			if f.Done() != tc.done || f.Left() != (!tc.done && tc.at == "") {
				t.Errorf("done %v, left %v", f.Done(), f.Left())
			}
			if tc.at != "" && f.Ask().Title != tc.at {
				t.Errorf("asks for %q, want %q", f.Ask().Title, tc.at)
			}
		})
	}
}

// TestFlow_EachQuestionStandsByItself holds for every step: a default that is
// accepted, one line of explanation that fits 80 columns, a way back.
func TestFlow_EachQuestionStandsByItself(t *testing.T) {
	w := world()
	w.Usual = "tcp"
	f := New(w)
	seen := 0
	for !f.Done() {
		q := f.Ask()
		seen++
		if q.Default == "" || q.Title == "" || q.Step != seen || q.Of != int(steps) {
			t.Errorf("question %+v", q)
		}
		if line := fmt.Sprintf("add %d/%d %s: %s", q.Step, q.Of, q.Title, q.Explain); len(line) > 80 || strings.Contains(line, "\n") {
			t.Errorf("%d columns: %s", len(line), line)
		}
		if back := f.Back(); seen > 1 && back.Ask().Step != seen-1 {
			t.Errorf("back from %d leads to %d", seen, back.Ask().Step)
		}
		next, err := f.Answer("")
		if err != nil {
			t.Fatalf("the default of %s is refused: %v", q.Title, err)
		}
		if next.Command() != nil {
			next = next.Executed(true)
		}
		f = next
	}
	if seen != int(steps) {
		t.Errorf("%d questions, want %d", seen, steps)
	}
}

func TestFlow_IsAValue(t *testing.T) {
	f, _ := play(t, "https", "https://h", "", "", "headers A=b")
	one, err := f.Answer("headers C=d")
	if err != nil {
		t.Fatal(err)
	}
	two, err := f.Answer("headers E=f")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(one.draft.Options, two.draft.Options, f.draft.Options); got != "[{headers [A=b C=d] false}] [{headers [A=b E=f] false}] [{headers [A=b] false}]" {
		t.Error(got)
	}
}

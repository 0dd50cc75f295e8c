package wire

import (
	"strings"
	"testing"
)

func TestSubjects_Build(t *testing.T) {
	one := func(f func(string) (string, error)) func(string, string) (string, error) {
		return func(a, _ string) (string, error) { return f(a) }
	}
	for _, c := range []struct {
		name           string
		build          func(a, b string) (string, error)
		agent, monitor string
		want, wantErr  string
	}{
		{"command", one(CommandSubject), "paris", "", "agent.paris.cmd", ""},
		{"alive", one(AliveSubject), "paris", "", "agent.paris.alive", ""},
		{"result", ResultSubject, "paris", "web", "results.paris.web", ""},
		{"results of a monitor", ResultsOf, "", "web", "results.*.web", ""},
		{"results of an agent", ResultsOf, "paris", "", "results.paris.*", ""},
		{"all results", ResultsOf, "", "", AllResults, ""},
		{"an id with a dot shifts no tokens", one(CommandSubject), "oslo.1", "", "", `agent id "oslo.1"`},
		{"a wildcard is no id", one(AliveSubject), "*", "", "", `agent id "*"`},
		{"a wildcard is no monitor", ResultSubject, "paris", ">", "", `monitor name ">"`},
		{"an empty monitor", ResultSubject, "paris", "", "", "monitor name is empty"},
		{"a wildcard is no agent", ResultsOf, ">", "web", "", `agent id ">"`},
		{"a space is no monitor", ResultsOf, "paris", "a b", "", `monitor name "a b"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.build(c.agent, c.monitor)
			if got != c.want {
				t.Errorf("subject %q, want %q", got, c.want)
			}
			if (err == nil) != (c.wantErr == "") || err != nil && !strings.Contains(err.Error(), c.wantErr) {
				t.Errorf("error %v, want %q", err, c.wantErr)
			}
		})
	}
}

// TestSubjects_List checks that the list names what the builders build.
func TestSubjects_List(t *testing.T) {
	for i, build := range []func() (string, error){
		func() (string, error) { return CommandSubject("ID") },
		func() (string, error) { return ResultSubject("ID", "MONITOR") },
		func() (string, error) { return AliveSubject("ID") },
	} {
		got, err := build()
		if want := strings.NewReplacer("<id>", "ID", "<monitor>", "MONITOR").Replace(Subjects[i].Pattern); got != want {
			t.Errorf("built %q (%v), Subjects says %q", got, err, want)
		}
	}
}

func TestFailures_AreAClosedSet(t *testing.T) {
	seen := map[Failure]bool{}
	for _, f := range Failures {
		if seen[f.Failure] || f.Meaning == "" || f.Outcome != Failed && f.Outcome != Broken || CheckToken(string(f.Failure)) != nil {
			t.Errorf("%+v", f)
		}
		seen[f.Failure] = true
	}
}

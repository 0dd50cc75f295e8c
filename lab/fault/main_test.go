package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestRun_WrongUse(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"cutt", "paris"}, `unknown fault "cutt"`},
		{[]string{"cut"}, "want: fault cut CITY"},
		{[]string{"cut", "paris", "tokyo"}, "want: fault cut CITY"},
		{[]string{"ready", "paris"}, "want: fault ready"},
	} {
		var out bytes.Buffer
		err := (&lab{project: "none", out: &out}).run(t.Context(), c.args)
		var wrong *usageError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.args, err, c.want)
		}
		if out.Len() > 0 {
			t.Errorf("%q says what to expect: %s", c.args, out.String())
		}
	}
}

// Each fault says what to expect; break has its target say it.
func TestFaults_SayWhatToExpect(t *testing.T) {
	var out bytes.Buffer
	if err := (&lab{out: &out}).run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, f := range faults() {
		if f.expect == "" && f.name != "break" && f.name != "ready" {
			t.Errorf("%s says nothing", f.name)
		}
		if !strings.Contains(out.String(), "fault "+f.name+" ") {
			t.Errorf("%s is not listed", f.name)
		}
	}
}

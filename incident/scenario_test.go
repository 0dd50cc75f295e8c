package incident

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// scenario is one text of testdata/scenarios.
type scenario struct {
	name  string
	lines []line
	end   time.Duration
}

// line is one line: when it counts, and what it says.
type line struct {
	at     time.Duration
	words  []string
	number int
	check  bool // it says what has to follow
}

// TestScenarios plays each text, and again with another Keeper after each step.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		for _, s := range parseScenarios(t, file) {
			n++
			for _, restart := range []bool{false, true} {
				name := strings.TrimSuffix(filepath.Base(file), ".txt") + "/" + s.name
				if restart {
					name += " (restarts)"
				}
				t.Run(name, func(t *testing.T) { play(t, s, restart) })
			}
		}
	}
	if n < 60 {
		t.Errorf("%d scenarios", n)
	}
}

func parseScenarios(t *testing.T, file string) (out []scenario) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range strings.Split(string(data), "\n") {
		text, _, _ = strings.Cut(text, "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		if words[0] == "scenario" {
			out = append(out, scenario{name: strings.Join(words[1:], " ")})
			continue
		}
		if len(out) == 0 {
			t.Fatalf("%s:%d: no scenario yet", file, i+1)
		}
		s := &out[len(out)-1]
		l := line{number: i + 1}
		switch words[0] {
		case "at":
			if l.at, err = time.ParseDuration(words[1]); err != nil {
				t.Fatalf("%s:%d: %v", file, i+1, err)
			}
			words = words[2:]
			l.check = slices.Contains([]string{"incident", "group"}, words[0])
		case "until":
			if s.end, err = time.ParseDuration(words[1]); err != nil {
				t.Fatalf("%s:%d: %v", file, i+1, err)
			}
			continue
		case "told", "incidents", "log", "messages":
			l.at, l.check = -1, true
		default: // what there is from the beginning
			words = append([]string{"save"}, words...)
		}
		l.words = words
		s.lines = append(s.lines, l)
	}
	for i := range out {
		s := &out[i]
		for _, l := range s.lines {
			s.end = max(s.end, l.at+time.Minute)
		}
		for j := range s.lines {
			if s.lines[j].at < 0 {
				s.lines[j].at = s.end
			}
		}
		slices.SortStableFunc(s.lines, func(a, b line) int {
			if a.at != b.at {
				return int(a.at - b.at)
			}
			return count(a.check) - count(b.check)
		})
	}
	return out
}

func play(t *testing.T, s scenario, restart bool) {
	w := newWorld(t)
	w.step()
	w.restart = restart
	for _, l := range s.lines {
		w.until(zero.Add(l.at))
		var err error
		w.k.Advance(w.now)
		if l.check {
			err = w.checkLine(l.words)
		} else if err = w.do(l.words); err == nil {
			w.step()
		}
		if err != nil {
			t.Errorf("line %d, %s: %v", l.number, strings.Join(l.words, " "), err)
		}
	}
	w.until(zero.Add(s.end))
	w.invariants()
	if t.Failed() {
		w.dump()
	}
}

// dump shows what happened.
func (w *world) dump() {
	for _, m := range w.history {
		w.t.Logf("%v %s #%d %s %s %v %q muted %v good %d", m.At.Sub(zero), m.ID, m.N, m.State, m.Severity, m.Cause, m.Summary, m.Muted, m.Good)
	}
	for _, n := range w.told {
		w.t.Logf("%v %s %s #%d %s of %d", n.At.Sub(zero), n.Channel, n.Incident, n.N, n.Reason, n.Of)
	}
}

// checkLine says what is not as a line says.
func (w *world) checkLine(words []string) error {
	switch words[0] {
	case "told":
		return w.checkTold(words[1:])
	case "incidents":
		if want, _ := strconv.Atoi(words[1]); len(w.ids) != want {
			return fmt.Errorf("there were %d: %v", len(w.ids), w.ids)
		}
		return nil
	case "group":
		g := w.groups[words[1]]
		if string(g.State) != words[3] || len(words) > 5 && !strings.Contains(g.Why, strings.Join(words[5:], " ")) {
			return fmt.Errorf("it is %s: %s", g.State, g.Why)
		}
		return nil
	case "log":
		return w.checkLog(words[1:])
	case "incident":
		if len(words) < 4 || words[2] != "is" {
			return fmt.Errorf("want incident NAME is ...")
		}
		return w.checkIncident(words[1], strings.Join(words[3:], " "))
	}
	return fmt.Errorf("unknown word %q", words[0])
}

// checkTold compares all that a channel was sent: hook [of NAME] opened@10s resolved@5m.
func (w *world) checkTold(words []string) error {
	channel, id := words[0], ""
	words = words[1:]
	if len(words) > 1 && words[0] == "of" {
		if id = w.idWith(words[1]); id == "" {
			return fmt.Errorf("no incident has %s", words[1])
		}
		words = words[2:]
	}
	var got []string
	for _, n := range w.told {
		if n.Channel == channel && (id == "" || n.Incident == id) {
			got = append(got, fmt.Sprintf("%s@%s", n.Reason, wire.Duration(n.At.Sub(zero))))
		}
	}
	if want := strings.Join(words, " "); strings.Join(got, " ") != strings.TrimPrefix(want, "nothing") {
		return fmt.Errorf("it was told %s", strings.Join(got, " "))
	}
	return nil
}

func (w *world) checkLog(words []string) error {
	inc := w.incident[w.idWith(words[0])]
	want := strings.Join(words[4:], " ")
	var all []string
	for _, e := range inc.Log {
		if string(e.What) == words[2] && strings.Contains(e.Text, want) {
			return nil
		}
		all = append(all, fmt.Sprintf("%s %s", e.What, e.Text))
	}
	return fmt.Errorf("the log is %s", strings.Join(all, "; "))
}

// idWith is the newest incident that has a member of that name.
func (w *world) idWith(name string) string {
	for _, id := range slices.Backward(w.ids) {
		inc := w.incident[id]
		if id == name || slices.ContainsFunc(inc.Members, func(m wire.IncidentMember) bool { return m.Name == name }) {
			return id
		}
	}
	return ""
}

var number = regexp.MustCompile(`^\d+$`)

// checkIncident checks the incident that has a member against what is said of it.
func (w *world) checkIncident(name, text string) error {
	id := w.idWith(name)
	inc := w.incident[id]
	for clause := range strings.SplitSeq(text, ", ") {
		key, value, _ := strings.Cut(clause, " ")
		ok, got := false, ""
		switch key {
		case "absent":
			ok, got = id == "", id
		case "open", "resolved", "merged":
			ok, got = string(inc.State) == key, string(inc.State)
		case "severity":
			ok, got = string(inc.Severity) == value, string(inc.Severity)
		case "cause":
			got = strings.TrimSpace(string(inc.Cause.What) + " " + inc.Cause.Name)
			ok = got == value
		case "members":
			n := len(inc.Members) + inc.More
			ok, got = strconv.Itoa(n) == value && number.MatchString(value), strconv.Itoa(n)
		case "good":
			ok, got = strconv.Itoa(inc.Good) == value, strconv.Itoa(inc.Good)
		case "muted":
			ok, got = len(inc.Muted) > 0 && (value == "" || strings.Join(inc.Muted, " ") == strings.TrimPrefix(value, "by ")), fmt.Sprint(inc.Muted)
		case "acked":
			ok = inc.Ack != nil && (value == "" || inc.Ack.By == strings.TrimPrefix(value, "by "))
		case "flapping":
			ok = inc.Flaps
		case "not":
			ok = map[string]bool{"muted": len(inc.Muted) == 0, "acked": inc.Ack == nil, "flapping": !inc.Flaps}[value]
		case "blame":
			ok, got = inc.Blame != nil && string(inc.Blame.Class) == value, fmt.Sprint(inc.Blame)
		case "saying":
			ok, got = inc.Summary == value, inc.Summary
		case "named":
			ok, got = id == value, id
		default:
			return fmt.Errorf("unknown clause %q", clause)
		}
		if !ok {
			return fmt.Errorf("%s: it is %q", clause, got)
		}
	}
	return nil
}

package probes

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

var update = flag.Bool("update", false, "rewrite README.md and golden files")

// measure runs one probe as an agent would, and fails the test when the
// configuration is refused.
func measure(t *testing.T, kind, target, options string) wire.Result {
	t.Helper()
	return measureWithin(t, 5*time.Second, kind, target, options)
}

func measureWithin(t *testing.T, timeout time.Duration, kind, target, options string) wire.Result {
	t.Helper()
	env := &Env{}
	t.Cleanup(func() { env.Close() })
	c, err := New(env, kind, target, json.RawMessage(options))
	if err != nil {
		t.Fatalf("New(%q, %q, %s): %v", kind, target, options, err)
	}
	r, ok := begun(c, timeout)
	if !ok {
		r = c.Run(t.Context(), timeout, func(s Step) { t.Logf("%8v %s", s.At.Round(time.Microsecond), s.Text) })
	}
	t.Logf("%s %s: %s", r.Outcome, r.Failure, r.Details)
	return r
}

var inGoroutines = flag.Bool("in-goroutines", false, "make every run by Measure, also those that need no goroutine")

// begun measures as the agent does where that needs no goroutine.
func begun(c *Check, timeout time.Duration) (r wire.Result, ok bool) {
	if *inGoroutines {
		return r, false
	}
	done := make(chan wire.Result, 1)
	p, ok := c.Begin(func(r wire.Result) { done <- r })
	if !ok {
		return r, false
	}
	c.env.Launched()
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	select {
	case r = <-done:
	case <-limit.C:
		p.Stop(context.DeadlineExceeded)
		r = <-done
	}
	return r, true
}

// wantFailure checks outcome and reason in one line.
func wantFailure(t *testing.T, r wire.Result, outcome wire.Outcome, failure wire.Failure) {
	t.Helper()
	if r.Outcome != outcome || r.Failure != failure {
		t.Errorf("outcome %s %q (%s), want %s %q", r.Outcome, r.Failure, r.Error, outcome, failure)
	}
}

// refused returns every mistake in a configuration, a line each.
func refused(t *testing.T, kind, target, options string) string {
	t.Helper()
	_, err := New(nil, kind, target, json.RawMessage(options))
	if err == nil {
		t.Fatalf("New(%q, %q, %s) was accepted", kind, target, options)
	}
	return err.Error()
}

func TestEveryKind(t *testing.T) {
	var names []string
	for _, k := range Kinds {
		names = append(names, k.Name)
		t.Run(k.Name, func(t *testing.T) {
			if k.Doc == "" || k.Target == "" || k.Example == "" {
				t.Error("the entry lacks its Doc, Target or Example")
			}
			if _, err := New(&Env{}, k.Name, k.Example, nil); err != nil {
				t.Errorf("its example is refused: %v", err)
			}
			if msg := refused(t, k.Name, k.Example, `{"no_such_option":1}`); !strings.Contains(msg, `options.no_such_option: unknown field "no_such_option"`) {
				t.Errorf("an unknown option gives %q", msg)
			}
			if msg := refused(t, k.Name, k.Example, `{"family":"5","within":"-1s"}`); !strings.Contains(msg, `options.family: want 4, 6 or any, got "5"`) || !strings.Contains(msg, "options.within") {
				t.Errorf("two mistakes give %q", msg)
			}
			if msg := refused(t, k.Name, "a b", `{}`); !strings.Contains(msg, "target: ") || !strings.Contains(msg, `"a b"`) {
				t.Errorf("a bad target gives %q", msg)
			}
			for _, f := range slices.Concat(k.Options, k.Figures) {
				if f.Help == "" {
					t.Errorf("%s has no help tag", f.Path)
				}
				if strings.Contains(f.Help, "|") {
					t.Errorf("%s: a | in help breaks the table", f.Path)
				}
			}
			c, err := New(&Env{}, k.Name, k.Example, nil)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			begin := time.Now()
			r := c.Run(ctx, 5*time.Second, nil)
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("a cancelled run took %v", took)
			}
			if r.Outcome == wire.OK {
				t.Error("a cancelled run is ok")
			}
			if len(r.Details) > 0 {
				if err := k.Report(r.Details, io.Discard); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if len(names) != len(slices.Compact(slices.Sorted(slices.Values(names)))) {
		t.Errorf("a name stands twice in %v", names)
	}
}

// TestFailuresAreInTheClosedSet finds reasons that code uses and the contract does not list.
func TestFailuresAreInTheClosedSet(t *testing.T) {
	for _, f := range wire.Failures {
		if f.Meaning == "" || (f.Outcome == wire.Broken) != slices.Contains([]wire.Failure{
			wire.BrokenPermission, wire.BrokenLocal, wire.BrokenSecret, wire.BrokenPolicy, wire.BrokenProxy, wire.BrokenNoRoute, wire.BrokenResolver, wire.BrokenClock, wire.BrokenInternal}, f.Failure) {
			t.Errorf("%+v: wrong outcome or no meaning", f)
		}
	}
}

// TestCheck_PanicIsBroken: a fault of a probe is ours, and ends that run alone.
func TestCheck_PanicIsBroken(t *testing.T) {
	c := &Check{kind: "tcp", env: &Env{}, prepared: prepared{asked: &TCP{}, measure: func(context.Context, *Run) (Details, error) { panic("a fault") }}}
	r := c.Run(t.Context(), time.Second, nil)
	wantFailure(t, r, wire.Broken, wire.BrokenInternal)
	if !strings.Contains(r.Error, "a fault") {
		t.Errorf("error %q", r.Error)
	}
}

// TestReadmeFaults: every reason is in README.md with its outcome, and with tests
// that are there.
func TestReadmeFaults(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(text)
	}
	for _, f := range wire.Failures {
		_, row, ok := strings.Cut(string(data), fmt.Sprintf("\n| `%s` | %s | ", f.Failure, f.Outcome))
		if !ok {
			t.Errorf("%s, %s, is not in the table", f.Failure, f.Outcome)
			continue
		}
		row, _, _ = strings.Cut(row, " |\n")
		for name := range strings.SplitSeq(row, ", ") {
			if !strings.Contains(tests.String(), "\nfunc "+name+"(") {
				t.Errorf("%s: there is no %s", f.Failure, name)
			}
		}
	}
}

// TestReadmeTables keeps the tables of README.md equal to the code's tags.
func TestReadmeTables(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	text = replaceBlock(text, "kinds", kindsTable())
	text = replaceBlock(text, "common", optionTable(fieldsOf(Common{})))
	for _, k := range Kinds {
		text = replaceBlock(text, k.Name, kindTables(k))
	}
	if text == string(data) {
		return
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Error("README.md does not match the code: run go test ./probes -run Readme -update and read the diff")
}

func replaceBlock(text, name, body string) string {
	begin, end := "<!-- "+name+": made from the code -->\n", "<!-- /"+name+" -->"
	block := begin + body + end
	re := regexp.MustCompile(`(?s)` + regexp.QuoteMeta(begin) + `.*?` + regexp.QuoteMeta(end))
	if !re.MatchString(text) {
		return strings.TrimRight(text, "\n") + "\n\n## " + name + "\n\n" + block + "\n"
	}
	return re.ReplaceAllLiteralString(text, block)
}

func kindsTable() string {
	var b strings.Builder
	b.WriteString("| kind | target | what it does |\n|---|---|---|\n")
	for _, k := range Kinds {
		fmt.Fprintf(&b, "| [%s](#%s) | `%s` | %s |\n", k.Name, k.Name, k.Target, k.Doc)
	}
	return b.String()
}

func kindTables(k Kind) string {
	shared := fieldsOf(Common{})
	own := slices.DeleteFunc(slices.Clone(k.Options), func(f Field) bool {
		return slices.ContainsFunc(shared, func(c Field) bool { return c.Path == f.Path })
	})
	var b strings.Builder
	fmt.Fprintf(&b, "Target: `%s`, such as `%s`.", k.Target, k.Example)
	if k.MinEvery > 0 {
		fmt.Fprintf(&b, " Shortest interval: %v.", k.MinEvery)
	}
	b.WriteString("\n\n")
	if len(own) > 0 {
		b.WriteString(optionTable(own) + "\n")
	}
	b.WriteString("| figure | type | meaning |\n|---|---|---|\n")
	for _, f := range k.Figures {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Path, f.Type, f.Help)
	}
	return b.String()
}

func optionTable(fields []Field) string {
	var b strings.Builder
	b.WriteString("| option | type | default | meaning |\n|---|---|---|---|\n")
	for _, f := range fields {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Path, f.Type, f.Default, f.Help)
	}
	return b.String()
}

// detailsOf decodes a result's details.
func detailsOf[D any](t *testing.T, r wire.Result) D {
	t.Helper()
	var d D
	if err := json.Unmarshal(r.Details, &d); err != nil {
		t.Fatalf("details %s: %v", r.Details, err)
	}
	return d
}

func TestKinds_MainOptionsAreThere(t *testing.T) {
	for _, k := range Kinds {
		if len(k.Main) == 0 {
			t.Errorf("%s names no main option", k.Name)
		}
		for _, path := range k.Main {
			if !slices.ContainsFunc(k.Options, func(o Field) bool { return o.Path == path }) {
				t.Errorf("%s has no option %s", k.Name, path)
			}
		}
	}
}

func newCheck(t *testing.T, env *Env, kind, target, options string) *Check {
	t.Helper()
	c, err := New(env, kind, target, json.RawMessage(options))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

package kinds

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/wire"
)

func TestEveryKind(t *testing.T) {
	var names []string
	for _, k := range All() {
		names = append(names, k.Name)
		t.Run(k.Name, func(t *testing.T) {
			if k.Doc == "" || k.Target == "" || k.Example == "" {
				t.Error("the entry lacks its Doc, Target or Example")
			}
			if _, err := k.New(&probes.Env{}, k.Example, nil); err != nil {
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
			c, err := k.New(&probes.Env{}, k.Example, nil)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			begin := time.Now()
			r := c.Run(ctx, time.Minute, nil)
			if took := time.Since(begin); took > 30*time.Second {
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

// TestReadmeFaults: every reason is in README.md with its outcome, and with tests
// that are there.
func TestReadmeFaults(t *testing.T) {
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	err = filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		tests.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
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
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	text = replaceBlock(text, "kinds", kindsTable())
	text = replaceBlock(text, "modules", modulesTable())
	text = replaceBlock(text, "common", optionTable(probes.CommonOptions()))
	text = replaceBlock(text, "shared", figureTable(probes.SharedFigures()))
	for _, k := range All() {
		text = replaceBlock(text, k.Name, kindTables(k))
	}
	if text == string(data) {
		return
	}
	if *probetest.Update {
		if err := os.WriteFile("../README.md", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Error("README.md does not match the code: run go test ./probes/kinds -run Readme -update and read the diff")
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
	for _, k := range All() {
		fmt.Fprintf(&b, "| [%s](#%s) | `%s` | %s |\n", k.Name, k.Name, k.Target, k.Doc)
	}
	return b.String()
}

func kindTables(k probes.Kind) string {
	without := func(all, shared []probes.Field) []probes.Field {
		return slices.DeleteFunc(slices.Clone(all), func(f probes.Field) bool {
			return slices.ContainsFunc(shared, func(c probes.Field) bool { return c.Path == f.Path })
		})
	}
	own := without(k.Options, probes.CommonOptions())
	var b strings.Builder
	fmt.Fprintf(&b, "Target: `%s`, such as `%s`.", k.Target, k.Example)
	if k.MinEvery > 0 {
		fmt.Fprintf(&b, " Shortest interval: %v.", k.MinEvery)
	}
	b.WriteString("\n\n")
	if len(own) > 0 {
		b.WriteString(optionTable(own) + "\n")
	}
	b.WriteString(figureTable(without(k.Figures, probes.SharedFigures())))
	return b.String()
}

func figureTable(fields []probes.Field) string {
	var b strings.Builder
	b.WriteString("| figure | type | meaning |\n|---|---|---|\n")
	for _, f := range fields {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Path, f.Type, f.Help)
	}
	return b.String()
}

func optionTable(fields []probes.Field) string {
	var b strings.Builder
	b.WriteString("| option | type | default | meaning |\n|---|---|---|---|\n")
	for _, f := range fields {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Path, f.Type, f.Default, f.Help)
	}
	return b.String()
}

func TestKinds_MainOptionsAreThere(t *testing.T) {
	for _, k := range All() {
		if len(k.Main) == 0 {
			t.Errorf("%s names no main option", k.Name)
		}
		for _, path := range k.Main {
			if !slices.ContainsFunc(k.Options, func(o probes.Field) bool { return o.Path == path }) {
				t.Errorf("%s has no option %s", k.Name, path)
			}
		}
	}
}

// ready says why this process cannot measure a kind.
func ready(kind string) error {
	k, _ := All().Find(kind)
	return k.Ready(&probes.Env{})
}

// TestKinds_Words: an option takes each word that completion offers for it.
func TestKinds_Words(t *testing.T) {
	offered := 0
	for _, k := range All() {
		for _, o := range k.Options {
			for _, word := range o.Words {
				offered++
				var value any = word
				if o.Type == "integer" {
					value, _ = strconv.Atoi(word)
				} else if o.List {
					value = []string{word}
				}
				names := strings.Split(o.Path, ".")
				for _, name := range slices.Backward(names) {
					value = map[string]any{name: value}
				}
				data, err := json.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				_, err = k.New(nil, k.Example, data)
				for _, e := range wire.FieldErrors(err) {
					if e.Path == "options."+o.Path && !strings.Contains(e.Err.Error(), "without TLS") && !strings.Contains(e.Err.Error(), "the target names") {
						t.Errorf("%s: %s %q: %v", k.Name, o.Path, word, e.Err)
					}
				}
			}
		}
	}
	if offered < 50 {
		t.Errorf("only %d words are offered", offered)
	}
}

package kinds

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"netmon/probes"
	"netmon/wire"
)

// TestFailuresAreInTheClosedSet finds reasons that code uses and the contract does not list.
func TestFailuresAreInTheClosedSet(t *testing.T) {
	names := failureNames(t)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, found := range outside(t, path, string(data), names) {
			t.Error(found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{`Fail("odd", "x")`, `probes.Broken("odd", "x")`, `Fail(wire.FailOdd, "x")`, `Broken(wire.FailTimeout, "x")`, `Fail(wire.BrokenLocal, "x")`} {
		if len(outside(t, "bad.go", "package p\n\nfunc f() error { return "+bad+" }\n", names)) != 1 {
			t.Errorf("%s is not found", bad)
		}
	}
}

// failureNames are the constants of the contract, with their values.
func failureNames(t *testing.T) map[string]wire.Failure {
	t.Helper()
	names := map[string]wire.Failure{}
	files, err := filepath.Glob(filepath.Join("..", "..", "wire", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, name := range spec.Names {
				if i < len(spec.Values) && (strings.HasPrefix(name.Name, "Fail") || strings.HasPrefix(name.Name, "Broken")) {
					if lit, ok := spec.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
						value, _ := strconv.Unquote(lit.Value)
						names[name.Name] = wire.Failure(value)
					}
				}
			}
			return true
		})
	}
	if names["FailTimeout"] != wire.FailTimeout {
		t.Fatalf("the constants are not found: %v", names)
	}
	return names
}

// outside lists the calls of Fail and Broken with a reason that the contract does not
// list, or lists for the other outcome. What is known only when it runs, see
// TestFailure_OutsideIsBroken.
func outside(t *testing.T, path, source string, names map[string]wire.Failure) (found []string) {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 2 {
			return true
		}
		name := ""
		switch fun := call.Fun.(type) {
		case *ast.Ident:
			name = fun.Name
		case *ast.SelectorExpr:
			if of, ok := fun.X.(*ast.Ident); ok && of.Name == "probes" {
				name = fun.Sel.Name
			}
		}
		want := map[string]wire.Outcome{"Fail": wire.Failed, "Broken": wire.Broken}[name]
		if want == "" {
			return true
		}
		var reason wire.Failure
		switch arg := call.Args[0].(type) {
		case *ast.BasicLit:
			value, _ := strconv.Unquote(arg.Value)
			reason = wire.Failure(value)
		case *ast.SelectorExpr:
			if of, ok := arg.X.(*ast.Ident); !ok || of.Name != "wire" {
				return true
			}
			if reason = names[arg.Sel.Name]; reason == "" {
				reason = wire.Failure(arg.Sel.Name)
			}
		default:
			return true
		}
		i := slices.IndexFunc(wire.Failures, func(d wire.FailureDoc) bool { return d.Failure == reason })
		switch {
		case i < 0:
			found = append(found, fmt.Sprintf("%s: %q is not in wire.Failures", set.Position(call.Pos()), reason))
		case wire.Failures[i].Outcome != want:
			found = append(found, fmt.Sprintf("%s: %s(%q): the contract says %s", set.Position(call.Pos()), name, reason, wire.Failures[i].Outcome))
		}
		return true
	})
	return found
}

// odd is a kind that fails for a reason of its own.
type odd struct{ probes.Common }

type nothing struct{}

func (nothing) Headline() probes.Headline { return probes.Headline{} }
func (nothing) Report(io.Writer)          {}

func (odd) Validate(string) error { return nil }
func (odd) Measure(context.Context, *probes.Run) (nothing, error) {
	return nothing{}, probes.Fail(wire.Failure(strings.ToLower("ODD")), "it is odd")
}
func (odd) Footprint(string) probes.Footprint { return probes.Footprint{Probes: 1} }

// TestFailure_OutsideIsBroken: a reason that the contract does not list is a fault of
// the kind, and no result shows it.
func TestFailure_OutsideIsBroken(t *testing.T) {
	list := probes.List{probes.NewKind(probes.Kind{Name: "odd", Target: "ANY", Example: "x", Doc: "fails"}, func() odd { return odd{} })}
	c, err := list.New(&probes.Env{}, "odd", "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Run(t.Context(), time.Second, nil)
	if r.Outcome != wire.Broken || r.Failure != wire.BrokenInternal || !strings.Contains(r.Error, `"odd"`) || !strings.Contains(r.Error, "it is odd") {
		t.Errorf("%+v", r)
	}
}

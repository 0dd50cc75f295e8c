package timetext

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// constants are the layouts of package time that have names.
var constants = map[string]string{"RFC3339": time.RFC3339, "RFC3339Nano": time.RFC3339Nano, "DateTime": time.DateTime, "DateOnly": time.DateOnly, "TimeOnly": time.TimeOnly, "Kitchen": time.Kitchen, "RFC1123": time.RFC1123, "ANSIC": time.ANSIC}

// printedLayouts are all with which netmon writes a time, and where it does.
func printedLayouts(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		visitors := filepath.Join(root, "status") // who give netmon no times
		if err != nil || d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "testdata" || path == visitors) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			of, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || of.Sel.Name != "Format" && of.Sel.Name != "AppendFormat" {
				return true
			}
			switch layout := call.Args[len(call.Args)-1].(type) {
			case *ast.BasicLit:
				if text, err := strconv.Unquote(layout.Value); err == nil {
					found[text] = files.Position(call.Pos()).String()
				}
			case *ast.SelectorExpr:
				if text, ok := constants[layout.Sel.Name]; ok {
					found[text] = files.Position(call.Pos()).String()
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestParse_ReadsWhatNetmonPrints(t *testing.T) {
	loc := zone(t, "Europe/Oslo")
	at := time.Date(2026, 11, 29, 9, 8, 7, 123456789, loc)
	layouts := printedLayouts(t)
	if len(layouts) < 10 {
		t.Fatalf("only %d layouts are found: %v", len(layouts), slices.Sorted(maps.Keys(layouts)))
	}
	for _, layout := range slices.Sorted(maps.Keys(layouts)) {
		for _, at := range []time.Time{at, at.UTC()} {
			if at.Location() == loc && (strings.HasSuffix(layout, "Z") || strings.HasSuffix(layout, "UTC")) {
				continue // of UTC alone
			}
			text := at.Format(layout)
			got, err := Parse(text, at.Add(time.Hour), Past)
			if err != nil {
				t.Errorf("%s prints %q, which is not read: %v", layouts[layout], text, err)
				continue
			}
			if back := got.In(at.Location()).Format(layout); back != text {
				t.Errorf("%s prints %q, which is read as %q", layouts[layout], text, back)
			}
		}
	}
}

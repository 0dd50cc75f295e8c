// Command typecheck checks the types of packages and of their tests as they are on
// another operating system: GOOS=windows go run ./internal/typecheck ./...
//
// "go vet" finds more, and compiles all that these packages import for that system
// first, which takes minutes. Here imported packages are read from their source, without
// the bodies of their functions.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// listed is a package as "go list" names it: "p [p.test]" is p with its tests.
type listed struct {
	ImportPath, Dir string
	GoFiles         []string
	ImportMap       map[string]string
	Error           *struct{ Err string }
	Module          struct {
		Main      bool // one of ours
		GoVersion string
	}
}

func main() {
	bad, err := check(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "typecheck:", err)
		os.Exit(2)
	}
	if bad {
		os.Exit(1)
	}
}

// check prints what is wrong with these packages, and with ours that they import.
func check(patterns []string) (bad bool, err error) {
	all, err := list(patterns)
	if err != nil {
		return false, err
	}
	told := map[string]bool{} // a file is also in the package with its tests
	l := loader{fset: token.NewFileSet(), done: map[string]*types.Package{"unsafe": types.Unsafe}}
	for _, p := range all { // each comes behind what it imports
		if strings.HasSuffix(p.ImportPath, ".test") {
			continue // the main package of a test, which the go command writes
		}
		if p.Error != nil {
			return false, errors.New(p.Error.Err)
		}
		if found := l.load(p); p.Module.Main {
			for _, e := range found {
				if !told[e.Error()] {
					fmt.Println(e)
				}
				told[e.Error()], bad = true, true
			}
		}
	}
	return bad, nil
}

func list(patterns []string) (all []listed, err error) {
	fields := "-json=ImportPath,Dir,GoFiles,ImportMap,Module,Error"
	cmd := exec.Command("go", append([]string{"list", "-e", "-deps", "-test", fields}, patterns...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		all = append(all, p)
	}
}

type loader struct {
	fset *token.FileSet
	done map[string]*types.Package
}

// load checks the types of a package whose imports are loaded.
func (l *loader) load(p listed) (found []error) {
	var files []*ast.File
	for _, name := range p.GoFiles {
		if !filepath.IsAbs(name) {
			name = filepath.Join(p.Dir, name)
		}
		f, err := parser.ParseFile(l.fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			found = append(found, err)
		}
		files = append(files, f)
	}
	arch := os.Getenv("GOARCH")
	if arch == "" {
		arch = runtime.GOARCH
	}
	config := types.Config{
		IgnoreFuncBodies: !p.Module.Main,
		FakeImportC:      true,
		Sizes:            types.SizesFor("gc", arch),
		Error:            func(err error) { found = append(found, err) },
		Importer: importer(func(path string) (*types.Package, error) {
			if mapped, ok := p.ImportMap[path]; ok {
				path = mapped
			}
			if got := l.done[path]; got != nil {
				return got, nil
			}
			return nil, fmt.Errorf("%s is not loaded", path)
		}),
	}
	if p.Module.GoVersion != "" {
		config.GoVersion = "go" + p.Module.GoVersion
	}
	path, _, _ := strings.Cut(p.ImportPath, " ")
	l.done[p.ImportPath], _ = config.Check(path, l.fset, files, nil)
	return found
}

type importer func(path string) (*types.Package, error)

func (f importer) Import(path string) (*types.Package, error) { return f(path) }

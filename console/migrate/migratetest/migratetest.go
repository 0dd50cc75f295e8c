// Package migratetest holds what a [migrate.Source] is tested with.
package migratetest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netmon/console"
	"netmon/console/migrate"
	"netmon/console/monitorfile"
	"netmon/probes/kinds"
)

// Secret stands in the files of tests where people have passwords and tokens. It is printed
// nowhere.
const Secret = "S3CRET"

// least is the part of the checks of a file that is carried at least, in percent.
const least = 90

func checks() console.Checks { return console.Checks{Monitor: kinds.All().CheckMonitor} }

// Golden imports files of testdata. What comes of it is testdata/NAME.golden.yaml, has nine of
// ten checks, a reason for each of the others, and no secret. With update it is written.
func Golden(t *testing.T, s migrate.Source, update bool, name string, files ...string) *migrate.Found {
	t.Helper()
	for i := range files {
		files[i] = filepath.Join("testdata", files[i])
	}
	in, err := migrate.NewInput(files, strings.NewReader(""), s.Patterns...)
	if err != nil {
		t.Fatal(err)
	}
	found, text := again(t, s, in, 10)
	if strings.Contains(text, Secret) {
		t.Errorf("%s prints a secret:\n%s", name, text)
	}
	if all := found.Checks(); len(found.Monitors)*100 < least*all {
		t.Errorf("%s: %s carried, want %d %%:\n%v", name, found.Summary(), least, found.Left)
	}
	for _, l := range found.Left {
		if l.Why == "" || l.What == "" || l.At.Path == "" {
			t.Errorf("%s: left out without a reason, a name or a place: %+v", name, l)
		}
	}
	for _, m := range found.Monitors {
		if m.At.Path == "" || m.At.Line == 0 {
			t.Errorf("%s: %s has no place", name, m.Name)
		}
	}
	path := filepath.Join("testdata", name+".golden.yaml")
	if update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil { // #nosec G306 -- a file of the repository
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != text {
		t.Errorf("%s differs (%v): go test -update writes it; got\n%s", path, err, text)
	}
	return found
}

// again imports so many times, and wants the same file each time: what it makes is compared
// with the last one (netmon diff), and hangs on the order of no map.
func again(t *testing.T, s migrate.Source, in *migrate.Input, times int) (*migrate.Found, string) {
	t.Helper()
	found, text := imported(t, s, in)
	for range times - 1 {
		if _, other := imported(t, s, in); other != text {
			t.Fatalf("one import differs from the next: %s\n\nand\n\n%s", text, other)
		}
	}
	return found, text
}

// NoSecret imports files that have Secret in the places that people have secrets in, by the name
// of the place. It is in nothing that is printed.
func NoSecret(t *testing.T, s migrate.Source, places map[string]string) {
	t.Helper()
	for place, text := range places {
		if !strings.Contains(text, Secret) {
			t.Errorf("%s: no secret is in the file", place)
		}
		found, out := again(t, s, &migrate.Input{Files: []migrate.File{{Path: "file", Data: []byte(text)}}}, 2)
		if strings.Contains(out, Secret) {
			t.Errorf("%s: the secret is printed:\n%s", place, out)
		}
		if found.Checks() == 0 {
			t.Errorf("%s: no check is in the file", place)
		}
	}
}

// imported reads and writes, and has apply read what was written.
func imported(t *testing.T, s migrate.Source, in *migrate.Input) (*migrate.Found, string) {
	t.Helper()
	found, err := s.Read(in)
	if err != nil {
		t.Fatal(err)
	}
	found.Check(kinds.All().CheckMonitor)
	var b bytes.Buffer
	if err := migrate.Write(&b, s, in, found); err != nil {
		t.Fatal(err)
	}
	all, err := monitorfile.Parse("imported", b.Bytes(), checks())
	if err != nil || len(all.Monitors) != len(found.Monitors) || len(all.Settings) > 0 {
		t.Fatalf("apply reads %d monitors of %d: %v\n%s", len(all.Monitors), len(found.Monitors), err, b.Bytes())
	}
	return found, b.String()
}

// Fuzz imports whatever there is: it ends, and apply takes what comes of it. Files of testdata
// are what it begins with.
func Fuzz(f *testing.F, s migrate.Source, seeds ...string) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*.*"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		if data, err := os.ReadFile(path); err == nil && !strings.Contains(path, ".golden.") {
			f.Add(data)
		}
	}
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	folder := f.TempDir() // without files to include
	f.Fuzz(func(t *testing.T, data []byte) {
		in := &migrate.Input{Files: []migrate.File{{Path: filepath.Join(folder, "file"), Data: data}}}
		if _, err := s.Read(in); err != nil {
			return
		}
		imported(t, s, in)
	})
}

// Mistakes imports files that are not what they should be: each is refused by name and line.
func Mistakes(t *testing.T, s migrate.Source, cases map[string]string) {
	t.Helper()
	for text, want := range cases {
		_, err := s.Read(&migrate.Input{Files: []migrate.File{{Path: "file", Data: []byte(text)}}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// One imports one file, and is the monitor of this name.
func One(t *testing.T, s migrate.Source, text, name string) migrate.Monitor {
	t.Helper()
	found, _ := again(t, s, &migrate.Input{Files: []migrate.File{{Path: "file", Data: []byte(text)}}}, 2)
	for _, m := range found.Monitors {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no monitor %s: %+v", name, found)
	return migrate.Monitor{}
}

// Read imports one file of this text.
func Read(t *testing.T, s migrate.Source, text string) *migrate.Found {
	t.Helper()
	found, _ := again(t, s, &migrate.Input{Files: []migrate.File{{Path: "file", Data: []byte(text)}}}, 2)
	return found
}

// Same imports one file of this text ten times, which comes to the same each time.
func Same(t *testing.T, s migrate.Source, text string) {
	t.Helper()
	again(t, s, &migrate.Input{Files: []migrate.File{{Path: "file", Data: []byte(text)}}}, 10)
}

package main

import (
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"netmon/internal/need"
)

// TestManual writes the manual pages, one for each command, and has mandoc and groff read them.
func TestManual(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1767225600")
	t.Setenv("HOME", "~")
	dir := filepath.Join(t.TempDir(), "man1")
	if out := printed(t, "docs", "--man", dir); out != "" {
		t.Errorf("it prints %q", out)
	}
	app := newApp(strings.NewReader(""), io.Discard, io.Discard)
	files, err := filepath.Glob(dir + "/*.1")
	if err != nil || len(files) != len(app.Commands)+1 {
		t.Fatalf("%d pages of %d commands, error %v", len(files), len(app.Commands), err)
	}
	pages := manual(app).Pages()
	for _, c := range app.Commands {
		page := string(pages["netmon-"+c.Name+".1"])
		for _, want := range []string{`"2026-01-01" "netmon ` + version, ".SH \"NAME\"\nnetmon", ".SH \"SYNOPSIS\"\n\\fBnetmon " + strings.ReplaceAll(c.Name, "-", `\-`), `\fBnetmon\fR(1)`} {
			if !strings.Contains(page, want) {
				t.Errorf("the page of %s lacks %q", c.Name, want)
			}
		}
	}
	program := string(pages["netmon.1"])
	for _, want := range []string{"NETMON_BROKER", "NETMON_JOIN", "waited too long", `netmon\-apply`, `netmon docs troubleshooting`} {
		if !strings.Contains(program, want) {
			t.Errorf("netmon(1) lacks %q", want)
		}
	}
	t.Run("mandoc", func(t *testing.T) {
		if out, err := exec.Command(need.Tool(t, "mandoc", "mandoc"), append([]string{"-Tlint"}, files...)...).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("mandoc -Tlint: %v\n%s", err, out)
		}
	})
	t.Run("groff", func(t *testing.T) {
		groff := need.Tool(t, "groff", "groff-base")
		for _, f := range files {
			if out, err := exec.Command(groff, "-ww", "-man", "-Tutf8", "-z", f).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("groff -ww %s: %v\n%s", filepath.Base(f), err, out)
			}
		}
	})
}

// TestManual_SaysAllThatHelpSays: each flag that help shows is in the page.
func TestManual_SaysAllThatHelpSays(t *testing.T) {
	app := newApp(strings.NewReader(""), io.Discard, io.Discard)
	pages := manual(app).Pages()
	if len(slices.Sorted(maps.Keys(pages))) < 40 {
		t.Errorf("%d pages", len(pages))
	}
	add := string(pages["netmon-add.1"])
	for _, want := range []string{`\fB\-\-every\fR \fIDURATION\fR`, `\fB\-\-broker\fR \fIURL\fR`, "KIND is one of http", `\(aq3 of region=eu\(aq`} {
		if !strings.Contains(add, want) {
			t.Errorf("netmon-add(1) lacks %q", want)
		}
	}
	if strings.Contains(add, `\-\-lookup`) || strings.Contains(string(pages["netmon-token.1"]), "SH \"OPTIONS\"") {
		t.Error("options of one kind, or of no command")
	}
	if !strings.Contains(string(pages["netmon-token.1"]), `.SS "netmon token new agent"`) {
		t.Error("netmon-token(1) has nothing of the commands below it")
	}
}

func TestDocs_ManWithADocument(t *testing.T) {
	for _, args := range [][]string{{"docs", "--man", t.TempDir(), "readme"}, {"docs", "--man="}} {
		var errs strings.Builder
		if code := execute(t.Context(), append([]string{"netmon"}, args...), nil, io.Discard, &errs); code != exitUsage || !strings.Contains(errs.String(), "want a folder") {
			t.Errorf("%q: %d %s", args, code, errs.String())
		}
	}
}

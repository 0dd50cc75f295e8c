package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"netmon/internal/natstest"
)

// docs/migrating.md has a section for each tool (## Gatus), and its blocks are these:
//
//   - A block behind a line <!-- file: NAME --> is the text of the file NAME. The language of
//     the block is for colours alone (yaml, ini, json, text).
//   - A console block is what a person types behind "$ ", and what is printed then, on both
//     outputs, up to the next "$ " or the block's end. What is typed is a netmon command, in the
//     folder with the section's files; behind it may be "> NAME" for a file that standard output
//     goes to. Where a line is "...", any lines may be printed.
//
// Each section has a folder and a broker of its own, without agents. The first command is
// netmon import TOOL. Nothing else may be in a block: other languages are not tried, and refused.
//
// go test ./cmd/netmon -run MigratingDoc -update writes what is printed, of commands that have
// no "..." in their output.

// TestMigratingDoc does what docs/migrating.md says, as it is written there.
func TestMigratingDoc(t *testing.T) {
	const path = "../../docs/migrating.md"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(data), "\n## ")
	out := head
	tools := map[string]bool{}
	for section := range strings.SplitSeq(rest, "\n## ") {
		title, _, _ := strings.Cut(section, "\n")
		written := section
		t.Run(title, func(t *testing.T) { written = trySection(t, section, tools) })
		out += "\n## " + written
	}
	for _, s := range importSources() {
		if !tools[s.Name] {
			t.Errorf("%s has no section that tries netmon import %s", path, s.Name)
		}
	}
	if out != string(data) && *update {
		if err := os.WriteFile(path, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var docBlock = regexp.MustCompile("(?ms)^(?:<!-- file: ([^\n]+) -->\n)?```(\\w*)\n(.*?)^```$")

// trySection does what a section says, and is it with what was printed.
func trySection(t *testing.T, section string, tools map[string]bool) string {
	folder := t.TempDir()
	for _, m := range docBlock.FindAllStringSubmatch(section, -1) {
		name := filepath.Join(folder, m[1])
		switch {
		case m[1] == "" && m[2] != "console":
			t.Errorf("a block is neither a file nor a console:\n%s", m[3])
		case m[1] != "":
			if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(m[3]), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Chdir(folder)
	t.Setenv("NETMON_BROKER", natstest.Start(t).URL())
	t.Setenv("XDG_CONFIG_HOME", folder)
	t.Setenv("XDG_STATE_HOME", folder)
	commands := 0
	return docBlock.ReplaceAllStringFunc(section, func(block string) string {
		m := docBlock.FindStringSubmatch(block)
		if m[2] != "console" || m[1] != "" {
			return block
		}
		var b strings.Builder
		for _, step := range strings.Split("\n"+strings.TrimSuffix(m[3], "\n"), "\n$ ")[1:] {
			line, want, _ := strings.Cut(step+"\n", "\n")
			tool, got := typed(t, line)
			if commands++; tool != "" {
				tools[tool] = true
			} else if commands == 1 {
				t.Errorf("the first command is %q: want netmon import TOOL", line)
			}
			if !fits(got, want) {
				t.Errorf("$ %s\nprints\n%s\nwant\n%s", line, got, want)
			}
			if !strings.Contains("\n"+want, "\n...\n") {
				want = got
			}
			b.WriteString("$ " + line + "\n" + want)
		}
		return "```console\n" + b.String() + "```"
	})
}

// typed carries out a command line, and says from which tool it imports.
func typed(t *testing.T, line string) (tool, printed string) {
	t.Helper()
	command, file, to := strings.Cut(line, " > ")
	args := strings.Fields(command)
	if len(args) < 2 || args[0] != "netmon" {
		t.Fatalf("$ %s: want a command of netmon", line)
	}
	if len(args) > 2 && args[1] == "import" {
		tool = args[2]
	}
	var out, all strings.Builder
	stdout := &all
	if to {
		stdout = &out
	}
	if code := execute(t.Context(), args, strings.NewReader(""), stdout, &all); code != exitOK && code != exitNo {
		t.Errorf("$ %s: exit %d", line, code)
	}
	if to {
		if err := os.WriteFile(strings.TrimSpace(file), []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return tool, all.String()
}

// fits says whether a text is as wanted, where a line "..." stands for any lines.
func fits(got, want string) bool {
	parts := strings.Split("\n"+want, "\n...\n")
	text := "\n" + got
	for i, part := range parts {
		if i > 0 {
			part = "\n" + part
		}
		at := strings.Index(text, part)
		if at < 0 || i == 0 && at > 0 {
			return false
		}
		text = text[at+len(part):]
		if i < len(parts)-1 { // the line end before ... may be that of the next part
			text = "\n" + text
		}
	}
	return len(parts) > 1 && (parts[len(parts)-1] == "" || strings.TrimPrefix(text, "\n") == "") || text == ""
}

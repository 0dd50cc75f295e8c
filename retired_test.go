package netmon_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// retired are the words that docs/glossary.md retires; of code, only those that are
// gone there as well.
func retired(t *testing.T, code bool) *regexp.Regexp {
	t.Helper()
	_, table, ok := strings.Cut(readFile(t, "docs/glossary.md"), "\n# Retired words\n")
	if !ok {
		t.Fatal("docs/glossary.md retires no words")
	}
	var words []string
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+) \| ([^|]+) \| ?([^|]*?) ?\|$`).FindAllStringSubmatch(table, -1) {
		if row[1] == "not" || code && row[3] != "yes" {
			continue
		}
		words = append(words, strings.ReplaceAll(regexp.QuoteMeta(row[1]), " ", `\s+`))
	}
	if len(words) == 0 {
		t.Fatal("docs/glossary.md retires no words")
	}
	return regexp.MustCompile(`(?i)\b(` + strings.Join(words, "|") + `)\b`)
}

// TestGlossary_RetiredWords: words that the glossary retires stand in no document but
// the records of what was, nor in what commands say of themselves and in code, as far
// as they are gone there.
func TestGlossary_RetiredWords(t *testing.T) {
	words := retired(t, false)
	for _, doc := range documents(t) {
		switch {
		case strings.HasPrefix(doc, "docs/adr/"), doc == "CHANGELOG.md": // what was written then
			continue
		case doc == "docs/commands.md", doc == "subjects.md", doc == "probes/README.md": // made from the code, for the most part
			continue
		}
		text := readFile(t, doc)
		if doc == "docs/glossary.md" {
			text, _, _ = strings.Cut(text, "\n# Retired words\n")
		}
		text = regexp.MustCompile("(?s)<!-- ([a-z]+) -->\n.*?<!-- /[a-z]+ -->").ReplaceAllStringFunc(text, func(made string) string {
			return strings.Repeat("\n", strings.Count(made, "\n")) // made from the code
		})
		text = regexp.MustCompile("(?ms)^```text\n.*?^```").ReplaceAllStringFunc(text, func(shown string) string {
			return strings.Repeat("\n", strings.Count(shown, "\n")) // what the program prints
		})
		text = regexp.MustCompile("`[^`\n]*`").ReplaceAllString(text, "``") // texts of the program
		for i, line := range strings.Split(text, "\n") {
			for _, word := range words.FindAllString(line, -1) {
				t.Errorf("%s:%d: %q is retired: docs/glossary.md says what to write instead", doc, i+1, word)
			}
		}
	}
}

// TestGlossary_RetiredWordsInCode is the same for Go.
func TestGlossary_RetiredWordsInCode(t *testing.T) {
	words := retired(t, true)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		for i, line := range strings.Split(readFile(t, path), "\n") {
			for _, word := range words.FindAllString(line, -1) {
				t.Errorf("%s:%d: %q is retired: docs/glossary.md says what to write instead", path, i+1, word)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

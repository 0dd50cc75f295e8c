package netmon_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
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

// TestGlossary_RetiredWordsInCode is the same for Go: of every file the words that are
// gone from code, and of what is no test every retired word, in its texts and comments.
func TestGlossary_RetiredWordsInCode(t *testing.T) {
	everywhere, everyWord := retired(t, true), retired(t, false)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		if strings.HasSuffix(path, "_test.go") {
			for i, line := range strings.Split(readFile(t, path), "\n") {
				for _, word := range everywhere.FindAllString(line, -1) {
					t.Errorf("%s:%d: %q is retired: docs/glossary.md says what to write instead", path, i+1, word)
				}
			}
			return nil
		}
		for _, said := range textsOf(t, path) {
			for _, word := range everyWord.FindAllString(said.text, -1) {
				t.Errorf("%s:%d: %q is retired: docs/glossary.md says what to write instead", path, said.line, word)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// goText is a comment or a text in code.
type goText struct {
	line int
	text string
}

// textsOf are the comments of a file and its texts. Of the tags of fields these are the
// help: names on the wire stay what they are.
func textsOf(t *testing.T, path string) (out []goText) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Comments {
		out = append(out, goText{files.Position(group.Pos()).Line, group.Text()})
	}
	tags := map[*ast.BasicLit]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			if n.Tag != nil {
				tags[n.Tag] = true
			}
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				if tags[n] {
					text = reflect.StructTag(text).Get("help")
				}
				out = append(out, goText{files.Position(n.Pos()).Line, text})
			}
		}
		return true
	})
	return out
}

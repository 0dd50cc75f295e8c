package netmon_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// documents are the files in Markdown of the repository.
func documents(t *testing.T) (all []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || path != "." && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(path, ".md"):
			all = append(all, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDocs_Links follows the links of all documents to files and headings.
func TestDocs_Links(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:\s]*)(#[^)\s]*)?\)`)
	known := map[string][]string{}
	for _, doc := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(withoutCode(readFile(t, doc)), -1) {
			to := path.Join(path.Dir(doc), m[1])
			if m[1] == "" {
				to = doc
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s: %v", doc, m[1], err)
				continue
			}
			if m[2] == "" || !strings.HasSuffix(to, ".md") {
				continue
			}
			if known[to] == nil {
				known[to] = headings(readFile(t, to))
			}
			if !slices.Contains(known[to], m[2][1:]) {
				t.Errorf("%s links to %s%s: there is no such heading", doc, m[1], m[2])
			}
		}
	}
}

// withoutCode leaves out what stands in code, where brackets are no links.
func withoutCode(text string) string {
	text = regexp.MustCompile("(?ms)^```.*?^```").ReplaceAllString(text, "")
	return regexp.MustCompile("`[^`\n]+`").ReplaceAllStringFunc(text, func(code string) string {
		return strings.NewReplacer("(", "", ")", "").Replace(code)
	})
}

// headings are the anchors of a document, as GitHub makes them.
func headings(text string) (anchors []string) {
	text = regexp.MustCompile("(?ms)^```.*?^```").ReplaceAllString(text, "")
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		title := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(m[1], "$1")
		anchor := strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, title)
		anchors = append(anchors, anchor)
	}
	return anchors
}

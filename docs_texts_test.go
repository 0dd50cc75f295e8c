package netmon_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTroubleshooting_Texts: what docs/troubleshooting.md says that people see is what
// the program prints.
func TestTroubleshooting_Texts(t *testing.T) {
	var all strings.Builder
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			all.WriteString(readFile(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	source := regexp.MustCompile(`"\s*\+\s*"`).ReplaceAllString(all.String(), "") // texts over several lines
	source = strings.ReplaceAll(source, `\"`, `"`)
	source = regexp.MustCompile(`%\[?\d*\]?[a-z]`).ReplaceAllString(source, "…")
	doc := readFile(t, "docs/troubleshooting.md")
	n := 0
	for _, b := range regexp.MustCompile("(?s)```text\n(.*?)\n```").FindAllStringSubmatch(doc, -1) {
		for piece := range strings.SplitSeq(b[1], "…") {
			if piece = strings.Trim(piece, " :,("); len(piece) < 8 || piece == "secure connection not available" { // nats.go's
				continue
			}
			if n++; !strings.Contains(source, piece) {
				t.Errorf("docs/troubleshooting.md shows %q: no part of the program prints it", piece)
			}
		}
	}
	if n < 10 {
		t.Errorf("docs/troubleshooting.md shows %d texts", n)
	}
}

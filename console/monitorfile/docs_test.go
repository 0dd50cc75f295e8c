package monitorfile

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocs_FilesAreRight reads what people copy.
func TestDocs_FilesAreRight(t *testing.T) {
	for path, want := range map[string]int{"../../examples/quickstart.yaml": 8, "../../examples/office.yaml": 4, "../../examples/alerts.yaml": 3} {
		all, err := Read([]string{path}, nil, checks, true)
		if err != nil || len(all.Monitors) != want {
			t.Errorf("%s: %d monitors, want %d: %v", path, len(all.Monitors), want, err)
		}
	}
	doc, err := os.ReadFile("../../docs/files.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(doc, -1)
	if len(blocks) == 0 {
		t.Fatal("docs/files.md has no example")
	}
	for i, b := range blocks {
		all, err := Parse("docs/files.md", b[1], checks)
		if err != nil {
			t.Errorf("%s: %v", b[1], err)
			continue
		}
		var out strings.Builder
		if err := Write(&out, all, ""); err != nil {
			t.Fatal(err)
		}
		promises := [][]string{
			{"  target: 192.0.2.1\n  every: 30s\n  verdict:\n    quorum: any\n- name: web", "  every: 10s\n  verdict:\n    quorum: 2\n  depends_on:\n  - gateway\n"},
			{"  fallback: ops-mail\n  secret: ${env:NETMON_SECRET_HOOK}\n", "- name: rest\n  to:\n  - ops-mail\n", "- name: store\n  of:\n  - web\n  - gateway\n  rule: all\n"}}
		for _, promise := range promises[i] {
			if !strings.Contains(out.String(), promise) {
				t.Errorf("%s\nlacks\n%s", out.String(), promise)
			}
		}
	}
}

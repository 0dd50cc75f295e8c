package netmon_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"netmon/internal/need"
)

// byAwk runs a program of .ci over texts, and returns what it prints.
func byAwk(t *testing.T, program string, texts ...string) string {
	t.Helper()
	args := []string{"-f", program}
	for i, text := range texts {
		file := filepath.Join(t.TempDir(), fmt.Sprint(i))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	out, err := exec.Command(need.Tool(t, "awk", "mawk"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", program, err, out)
	}
	return string(out)
}

// TestCI_ShowsWhatFailed: whoever sees the end of the log alone sees why.
func TestCI_ShowsWhatFailed(t *testing.T) {
	first := `ok  	netmon/wire	0.1s
what a fine test prints
--- FAIL: TestA (0.00s)
    a_test.go:4: it said
        this
` + strings.Repeat("        much\n", 100) + `    --- FAIL: TestA/sub (0.00s)
        a_test.go:4: deep
FAIL
FAIL	netmon/a	0.010s
# netmon/c [netmon/c.test]
c/c_test.go:3:31: undefined: x
--- FAIL: TestB (0.00s)
panic: of b

goroutine 19 [running]:
FAIL	netmon/b	0.026s
FAIL	netmon/c [build failed]
==================
WARNING: DATA RACE
Read at 0x00c00009c188 by goroutine 9:
==================
FAIL	netmon/d	0.026s
FAIL	netmon/e	0.026s
FAIL
`
	again := "=== RUN   TestA\n    a_test.go:4: with -v\n--- FAIL: TestA (0.00s)\nFAIL\nFAIL\tnetmon/a\t0.010s\nFAIL\n"
	want := `
== what failed, in short
FAILED netmon/a: TestA
FAILED build of netmon/c
FAILED netmon/b: TestB
FAILED netmon/b: panic
FAILED netmon/d: data race
FAILED netmon/e: no test failed
FAILED netmon/a: TestA (alone)
-- netmon/a: TestA
    a_test.go:4: it said
        this
` + strings.Repeat("        much\n", 15) + `... and 87 more lines above
-- build of netmon/c
c/c_test.go:3:31: undefined: x
-- netmon/b: panic
panic: of b

goroutine 19 [running]:
-- netmon/d: data race
WARNING: DATA RACE
Read at 0x00c00009c188 by goroutine 9:
-- netmon/a: TestA (alone)
    a_test.go:4: with -v
`
	if got := byAwk(t, ".ci/failures", first, again); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var many strings.Builder
	for i := range 50 {
		fmt.Fprintf(&many, "--- FAIL: Test%d (0.00s)\n%s", i, strings.Repeat("    a_test.go:4: said\n", 60))
	}
	if got := byAwk(t, ".ci/failures", many.String()+"FAIL\tnetmon/a\t1s\n"); strings.Count(got, "\n") > 150 {
		t.Errorf("%d lines of many failures", strings.Count(got, "\n"))
	}
	if got := byAwk(t, ".ci/failures", "ok  \tnetmon/wire\t0.1s\n"); got != "" {
		t.Errorf("where nothing failed: %s", got)
	}
}

// TestCI_CollapsesFloods, and loses no other line.
func TestCI_CollapsesFloods(t *testing.T) {
	var flood strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&flood, "10:00:%02d.%03d line %d\n", i%60, i, i)
	}
	got := byAwk(t, ".ci/collapse", "a\na\nb\n"+flood.String()+"c\n")
	if lines := strings.Count(got, "\n"); lines != 15 || !strings.HasPrefix(got, "a\na\nb\n10:00:00.000 line 0\n") || !strings.HasSuffix(got, "\n... and 990 more such lines\nc\n") {
		t.Errorf("%d lines:\n%s", lines, got)
	}
}

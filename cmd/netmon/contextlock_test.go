package main

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// TestContextAdd_ManyAtOnce loses none.
func TestContextAdd_ManyAtOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no lock there")
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	const many = 20
	var adding sync.WaitGroup
	for i := range many {
		adding.Go(func() {
			var out strings.Builder
			args := []string{"netmon", "context", "add", fmt.Sprintf("c%02d", i), "--broker", "nats://h:1"}
			if code := run(t.Context(), args, strings.NewReader(""), &out, &out); code != exitOK {
				t.Errorf("%v: exit %d: %s", args, code, out.String())
			}
		})
	}
	adding.Wait()
	if got := strings.Count(runOK(t, "context", "ls", "-o", "name"), "\n"); got != many {
		t.Errorf("%d contexts of %d are there", got, many)
	}
}

package main

import (
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// TestContextAdd_ManyAtOnce loses none.
func TestContextAdd_ManyAtOnce(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	const many = 8
	var adding sync.WaitGroup
	for i := range many {
		adding.Go(func() {
			out, err := exec.Command("netmon", "context", "add", fmt.Sprintf("c%02d", i), "--broker", "nats://h:1").CombinedOutput()
			if err != nil {
				t.Errorf("context %d: %v: %s", i, err, out)
			}
		})
	}
	adding.Wait()
	if got := strings.Count(runOK(t, "context", "ls", "-o", "name"), "\n"); got != many {
		t.Errorf("%d contexts of %d are there", got, many)
	}
}

package main

import (
	"io"
	"strings"
	"testing"
)

// TestAdd_ZeroIsSaid: a nought that somebody typed is no default.
func TestAdd_ZeroIsSaid(t *testing.T) {
	for _, flag := range []string{"--every", "--timeout"} {
		var out strings.Builder
		code := execute(t.Context(), []string{"netmon", "add", "tcp", flag, "0", "192.0.2.1:25"}, nil, io.Discard, &out)
		if code != exitUsage || !strings.Contains(out.String(), flag+": want more than 0, got \"0\"") {
			t.Errorf("add %s 0: exit %d, %s", flag, code, out.String())
		}
	}
}

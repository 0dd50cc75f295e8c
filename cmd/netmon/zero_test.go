package main

import (
	"io"
	"strings"
	"testing"
)

// TestAdd_ZeroIsSaid: a nought that somebody typed is no default.
func TestAdd_ZeroIsSaid(t *testing.T) {
	for _, flag := range []string{"--every", "--timeout"} {
		err := newApp(nil, io.Discard, io.Discard).Run([]string{"netmon", "add", "tcp", flag, "0", "192.0.2.1:25"})
		if err == nil || !strings.Contains(err.Error(), flag+": want more than 0, got 0s") {
			t.Errorf("add %s 0 says %v", flag, err)
		}
	}
}

package http

import (
	"io"
	"log"
	"os"
	"testing"
)

// TestMain keeps quiet what net/http logs of servers that break its rules, as netmon does.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

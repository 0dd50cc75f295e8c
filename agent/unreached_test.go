package agent

import (
	"log/slog"
	"strings"
	"testing"

	"netmon/internal/natstest"
)

// noticed is a log that hands over its lines which have a word.
type noticed struct {
	word  string
	lines chan string
}

func (n noticed) Write(p []byte) (int, error) {
	if strings.Contains(string(p), n.word) {
		n.lines <- string(p)
	}
	return len(p), nil
}

// TestAgent_SaysThatItsBrokerIsNotThere has one that was started first say so,
// once, and keep trying.
func TestAgent_SaysThatItsBrokerIsNotThere(t *testing.T) {
	b := natstest.Start(t)
	b.Close()
	told := noticed{"cannot reach the broker", make(chan string, 1000)}
	l := launch(t, "paris", t.TempDir(), over(b), func(o *Options) { o.Log = slog.New(slog.NewTextHandler(told, nil)) })
	await(t, told.lines, "a word about the broker")
	natstest.Restart(t, b)
	l.awaitOpen()
	if n := len(told.lines); n > 0 {
		t.Errorf("said %d times more", n)
	}
}

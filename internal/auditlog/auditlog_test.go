package auditlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"netmon/wire"
)

// recorder is what was written, each line in a few words.
type recorder struct {
	*Log
	mu    sync.Mutex // guards lines
	lines []string
}

// read takes the lines that were written since the last time.
func (b *recorder) read() []string {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	lines := b.lines
	b.lines = nil
	return lines
}

func newRecorder() *recorder {
	b := &recorder{}
	b.Log = New(func(_ context.Context, e wire.Audit) {
		line := fmt.Sprintf("%s %s %s", e.By, e.Did, strings.Join(e.What, ","))
		if e.Detail != "" {
			line += ": " + e.Detail
		}
		if e.Error != "" {
			line += " (" + e.Error + ")"
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.lines = append(b.lines, line)
	})
	return b
}

func (b *recorder) junk(t *testing.T, by string, n int) {
	for range n {
		b.Add(t.Context(), wire.Audit{Where: "oslo", By: by, Did: "stop", What: []string{"junk"}, OK: true}, false)
	}
}

func (b *recorder) fail(t *testing.T, by string) {
	b.Add(t.Context(), wire.Audit{Where: "oslo", By: by, Did: "save", What: []string{"web"}, Error: errors.New("wrong revision").Error()}, false)
}

func (b *recorder) change(t *testing.T, by, what string) {
	b.Add(t.Context(), wire.Audit{Where: "oslo", By: by, Did: "start", What: []string{what}, OK: true}, true)
}

func (b *recorder) want(t *testing.T, what string, lines ...string) {
	t.Helper()
	if got := b.read(); !slices.Equal(got, lines) {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}

func (b *recorder) counted() int {
	b.Log.mu.Lock()
	defer b.Log.mu.Unlock()
	return len(b.callers)
}

// running runs a log in a bubble; stop ends it.
func running(t *testing.T, test func(b *recorder, stop func())) {
	synctest.Test(t, func(t *testing.T) {
		b := newRecorder()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); b.Run(ctx) }()
		stop := func() { cancel(); <-ended }
		defer stop()
		test(b, stop)
	})
}

func TestLog_CountsWhatChangedNothing(t *testing.T) {
	running(t, func(b *recorder, _ func()) {
		b.junk(t, "olga", 10_000)
		b.want(t, "at once", "olga stop junk")
		time.Sleep(Quiet - time.Second)
		b.fail(t, "olga")
		b.want(t, "within the minute")
		time.Sleep(time.Second)
		b.want(t, "after a minute", "olga save web: 10000 more that changed nothing, the last: save web (wrong revision)")
		b.fail(t, "olga")
		b.want(t, "at once after that")
		time.Sleep(Quiet)
		b.want(t, "a minute later, when she is silent", "olga save web: 1 more that changed nothing, the last: save web (wrong revision)")
		time.Sleep(Quiet)
		b.fail(t, "olga")
		b.want(t, "after a silent minute", "olga save web (wrong revision)")
	})
}

func TestLog_RecordsEveryChangeInOrder(t *testing.T) {
	running(t, func(b *recorder, _ func()) {
		b.junk(t, "olga", 3)
		b.change(t, "anna", "a")
		b.change(t, "olga", "b")
		b.change(t, "olga", "c")
		b.junk(t, "olga", 1)
		b.change(t, "olga", "d")
		b.want(t, "all", "olga stop junk", "anna start a",
			"olga stop junk: 2 more that changed nothing, the last: stop junk", "olga start b", "olga start c",
			"olga stop junk: 1 more that changed nothing, the last: stop junk", "olga start d")
	})
}

func TestLog_OneCallerDisturbsNoOther(t *testing.T) {
	running(t, func(b *recorder, stop func()) {
		b.junk(t, "olga", 1000)
		b.fail(t, "oscar")
		b.junk(t, "", 5) // whom nobody verified
		b.fail(t, "")
		b.want(t, "the first of each", "olga stop junk", "oscar save web (wrong revision)", " stop junk")
		stop()
		got := b.read()
		slices.Sort(got)
		if want := []string{" save web: 5 more that changed nothing, the last: save web (wrong revision)",
			"olga stop junk: 999 more that changed nothing, the last: stop junk"}; !slices.Equal(got, want) {
			t.Errorf("what was counted when it stops: %q", got)
		}
	})
}

func TestLog_BoundsItsMemory(t *testing.T) {
	running(t, func(b *recorder, _ func()) {
		for i := range 10 * callersMost {
			b.fail(t, fmt.Sprintf("caller-%d", i))
		}
		if n, lines := b.counted(), len(b.read()); n > callersMost+1 || lines != callersMost+1 {
			t.Errorf("%d callers, %d lines", n, lines)
		}
		time.Sleep(Quiet)
		b.want(t, "those beyond", fmt.Sprintf("caller-%d save web: %d more of several callers that changed nothing, the last: save web (wrong revision)", 10*callersMost-1, 9*callersMost-1))
		time.Sleep(Quiet)
		b.want(t, "afterwards")
		if n := b.counted(); n != 0 {
			t.Errorf("%d callers are remembered", n)
		}
	})
}

func TestLog_ShortLines(t *testing.T) {
	running(t, func(b *recorder, stop func()) {
		long := wire.Audit{Where: "oslo", Did: "stop", What: slices.Repeat([]string{"a"}, 50), Detail: strings.Repeat("x", 5000)}
		b.Add(t.Context(), wire.Audit{Where: "oslo"}, false)
		b.Add(t.Context(), long, false)
		stop()
		if got := b.read()[1]; !strings.HasSuffix(got, "1 more that changed nothing, the last: stop a a a and 47 more") {
			t.Errorf("%q", got)
		}
	})
}

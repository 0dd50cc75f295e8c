package access

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	warnEvery = time.Minute
	warnKinds = 256 // that are counted apart
)

// warnings keep the log readable: whoever has any identity can be refused
// thousands of times a second. The first warning of a kind is logged at once; those
// that follow are counted, and logged once a minute with the last of them. After a
// minute without one, the next is a first one again.
type warnings struct {
	log *slog.Logger

	mu    sync.Mutex // guards what follows
	kinds map[warning]*warned
}

// warning is what those of a kind have in common: the words, the first of the
// subject's, and whose doing it is, "" for nobody who is known. The zero value is
// all beyond warnKinds.
type warning struct{ text, subject, by string }

type warned struct {
	reported time.Time
	more     int    // since then
	text     string // of the last
	subject  string
	err      error
}

func newWarnings(log *slog.Logger) *warnings {
	return &warnings{log: log, kinds: map[warning]*warned{}}
}

// report writes or counts one.
func (w *warnings) report(text, subject, by string, err error) {
	word, _, _ := strings.Cut(subject, ".")
	k := warning{text, word, by}
	w.mu.Lock()
	seen := w.kinds[k]
	if seen == nil && len(w.kinds) >= warnKinds {
		k = warning{}
		seen = w.kinds[k]
	}
	if seen != nil {
		seen.more++
		seen.text, seen.subject, seen.err = text, subject, err
		w.mu.Unlock()
		return
	}
	w.kinds[k] = &warned{reported: time.Now()}
	w.mu.Unlock()
	w.log.Warn(text, "subject", subject, "by", by, "error", err)
}

// run logs what was counted, until ctx ends.
func (w *warnings) run(ctx context.Context) {
	tick := time.NewTicker(warnEvery / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			w.reportCounted(time.Now().Add(warnEvery))
			return
		case now := <-tick.C:
			w.reportCounted(now)
		}
	}
}

// reportCounted logs what was counted for a minute, and forgets what did not come again.
func (w *warnings) reportCounted(now time.Time) {
	counted := map[warning]warned{}
	w.mu.Lock()
	for k, seen := range w.kinds {
		switch {
		case now.Sub(seen.reported) < warnEvery:
		case seen.more == 0:
			delete(w.kinds, k)
		default:
			counted[k] = *seen
			*seen = warned{reported: now}
		}
	}
	w.mu.Unlock()
	for k, seen := range counted {
		w.log.Warn(seen.text, "more", seen.more, "subject", seen.subject, "by", k.by, "error", seen.err)
	}
}

package push

import (
	"strings"
	"time"
)

// Refusal says that a receiver will never take a batch, or part of it.
type Refusal struct {
	Reason string // a word, for counting: out_of_order, duplicate, too_old, too_large, invalid, no_logs
	Err    error
	// Dropped is how many were left out where the others were taken; 0 says that none
	// were taken, and that a part of the batch may be.
	Dropped int
}

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

// Later says when to try again.
type Later struct {
	Err   error
	After time.Duration
}

func (l *Later) Error() string { return l.Err.Error() }
func (l *Later) Unwrap() error { return l.Err }

// Broken says that nothing can be sent there any more.
type Broken struct{ Err error }

func (b *Broken) Error() string { return b.Err.Error() }
func (b *Broken) Unwrap() error { return b.Err }

// The reasons by which a receiver says that it knows a sample, or a newer one of its series.
const (
	outOfOrder = "out_of_order"
	duplicate  = "duplicate"
	tooOld     = "too_old"
	tooLarge   = "too_large"
	invalid    = "invalid"
	noLogs     = "no_logs"
)

// reasonOf finds the reason in what a receiver of samples answered, by the words of
// Prometheus, Mimir, Cortex, Thanos and VictoriaMetrics.
func reasonOf(answer string) string {
	text := strings.ToLower(answer)
	for _, r := range []struct{ words, reason string }{
		{"duplicate sample", duplicate}, {"new-value-for-timestamp", duplicate},
		{"too old", tooOld}, {"too-old", tooOld}, {"out of bounds", tooOld},
		{"out of order", outOfOrder}, {"out-of-order", outOfOrder},
	} {
		if strings.Contains(text, r.words) {
			return r.reason
		}
	}
	return invalid
}

// known says that a sample sent for the second time would be refused so.
func known(reason string) bool {
	return reason == outOfOrder || reason == duplicate || reason == tooOld
}

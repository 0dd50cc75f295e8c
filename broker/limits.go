package broker

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// KeptError lists limits that stay as they are, because the ones asked for
// would delete what is stored.
type KeptError struct{ Limits []string }

func (e *KeptError) Error() string {
	return "limits kept, as lower ones would delete what is stored:\n" + strings.Join(e.Limits, "\n")
}

// check reports every setting that netmon depends on and that cannot be
// changed on an existing stream.
func (a asset) check(have jetstream.StreamConfig) error {
	var diffs []string
	differs := func(setting string, got, want any) {
		diffs = append(diffs, fmt.Sprintf("%s is %v, want %v", setting, got, want))
	}
	if have.Storage != a.want.Storage {
		differs("storage", have.Storage, a.want.Storage)
	}
	if have.Retention != a.want.Retention {
		differs("retention", have.Retention, a.want.Retention)
	}
	if have.Sealed {
		differs("sealed", true, false)
	}
	if have.Mirror != nil {
		differs("mirror", "of "+have.Mirror.Name, "none")
	}
	if have.NoAck {
		differs("no_ack", true, false)
	}
	if have.DenyDelete != a.want.DenyDelete {
		differs("deny_delete", have.DenyDelete, a.want.DenyDelete)
	}
	if have.DenyPurge != a.want.DenyPurge {
		differs("deny_purge", have.DenyPurge, a.want.DenyPurge)
	}
	if have.AllowMsgTTL && !a.bucket {
		differs("allow_msg_ttl", true, false)
	}
	if have.AllowMsgCounter {
		differs("allow_msg_counter", true, false)
	}
	if have.AllowMsgSchedules {
		differs("allow_msg_schedules", true, false)
	}
	if len(diffs) == 0 {
		return nil
	}
	return fmt.Errorf("%s exists, and is not as netmon needs it:\n  %s\nThis cannot be changed. Keep what is in it (nats stream backup %s FOLDER), remove it (nats stream rm %s), and start again",
		a.name, strings.Join(diffs, "\n  "), have.Name, have.Name)
}

// merge is the stream's configuration with ours brought in, and the limits
// that could not be lowered. most is the number of messages on the fullest
// subject; it is asked for only where it matters.
func (a asset) merge(have *jetstream.StreamInfo, most func() uint64) (next jetstream.StreamConfig, kept []string) {
	next = have.Config
	want := a.asked
	next.Description, next.Subjects = want.Description, want.Subjects
	next.Discard, next.AllowDirect, next.AllowRollup = want.Discard, want.AllowDirect, want.AllowRollup
	next.AllowAtomicPublish = next.AllowAtomicPublish || want.AllowAtomicPublish
	next.Replicas = max(next.Replicas, want.Replicas)
	if want.Duplicates > 0 {
		next.Duplicates = want.Duplicates
	}
	if a.bucket {
		next.MaxAge = 0
	}
	// A server compresses what it stores after it loaded the stream again.
	if want.Compression != jetstream.NoCompression {
		next.Compression = want.Compression
	}
	// It is about what comes: what is stored, and larger, stays. Both ways,
	// because agents send results up to this size.
	if want.MaxMsgSize > 0 {
		next.MaxMsgSize = want.MaxMsgSize
	}
	st := have.State
	if lower(want.MaxAge, next.MaxAge) && st.Msgs > 0 && time.Since(st.FirstTime) > want.MaxAge {
		kept = append(kept, fmt.Sprintf("%s: max_age stays %v, not %v: its oldest message is of %s (nats stream edit %s --max-age %v)",
			a.name, ageText(next.MaxAge), want.MaxAge, st.FirstTime.UTC().Format(time.DateTime), next.Name, want.MaxAge))
	} else if want.MaxAge > 0 {
		next.MaxAge = want.MaxAge
	}
	if lower(want.MaxBytes, next.MaxBytes) && next.MaxBytes > 0 && next.MaxBytes <= a.raised {
		want.MaxBytes = next.MaxBytes
	}
	if lower(want.MaxBytes, next.MaxBytes) && st.Bytes > uint64(want.MaxBytes) {
		kept = append(kept, fmt.Sprintf("%s: max_bytes stays %d, not %d: it holds %d (nats stream edit %s --max-bytes %d)",
			a.name, next.MaxBytes, want.MaxBytes, st.Bytes, next.Name, want.MaxBytes))
	} else if want.MaxBytes > 0 {
		next.MaxBytes = want.MaxBytes
	}
	if lower(want.MaxMsgsPerSubject, next.MaxMsgsPerSubject) && st.Msgs > uint64(want.MaxMsgsPerSubject) && most() > uint64(want.MaxMsgsPerSubject) {
		kept = append(kept, fmt.Sprintf("%s: max_msgs_per_subject stays %d, not %d: one subject holds %d messages (nats stream edit %s --max-msgs-per-subject %d)",
			a.name, next.MaxMsgsPerSubject, want.MaxMsgsPerSubject, most(), next.Name, want.MaxMsgsPerSubject))
	} else if want.MaxMsgsPerSubject > 0 {
		next.MaxMsgsPerSubject = want.MaxMsgsPerSubject
	}
	return next, kept
}

// mostPerSubject counts the messages of the fullest subject; when that cannot
// be said, it is as many as can be.
func mostPerSubject(ctx context.Context, s jetstream.Stream) (most uint64) {
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		return math.MaxUint64
	}
	for _, n := range info.State.Subjects {
		most = max(most, n)
	}
	return most
}

// lower says whether want is asked for and is less than have. A limit that is
// not above 0 is none.
func lower[N ~int64](want, have N) bool { return want > 0 && (have <= 0 || want < have) }

func ageText(d time.Duration) string {
	if d <= 0 {
		return "unlimited"
	}
	return d.String()
}

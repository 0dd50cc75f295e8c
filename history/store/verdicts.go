package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"netmon/wire"
)

// verdicts is what was added about verdicts since the last commit, and the newest span of
// each monitor.
type verdicts struct {
	latest map[string]span
	muted  map[string]bool // by a window, now
	added  []added
	judged judged // the newest time without a break
	broken []judged
	dirty  bool // judged is not in the file
}

// span begins a time of one state.
type span struct {
	since int64 // ms
	state wire.VerdictState
	muted bool
	blame wire.BlameClass
}

type added struct {
	monitor string
	span
}

// judged is a time in which somebody judged.
type judged struct{ since, until int64 } // ms

// nobody is the state of a monitor of which nothing is known any more.
const nobody wire.VerdictState = ""

// judgedGap is how far apart two times of judging may be to be one.
const judgedGap = 2 * time.Minute

// AddVerdict adds a verdict on a monitor, in memory. muted says that a window mutes its
// notices now. seq is its sequence in VERDICTS: one that is not over the position is ignored.
func (s *Store) AddVerdict(v *wire.Verdict, muted bool, seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq <= s.at.Verdicts {
		return
	}
	s.at.Verdicts = seq
	s.verdict.mute(v.Monitor, muted)
	next := span{since: v.Since.UnixMilli(), state: v.State, muted: muted}
	if v.Blame != nil {
		next.blame = v.Blame.Class
	}
	s.verdict.begin(v.Monitor, next)
}

// Mute says that a window begins or ceases to mute a monitor.
func (s *Store) Mute(monitor string, muted bool, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verdict.mute(monitor, muted)
	next, known := s.verdict.latest[monitor]
	if !known || next.state == nobody || next.muted == muted {
		return
	}
	next.muted, next.since = muted, max(next.since, at.UnixMilli())
	s.verdict.begin(monitor, next)
}

// Ended says that a monitor was deleted: nothing is known of it from then on.
func (s *Store) Ended(monitor string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.verdict.muted, monitor)
	if last, known := s.verdict.latest[monitor]; known && last.state != nobody {
		s.verdict.begin(monitor, span{since: max(last.since, at.UnixMilli())})
	}
}

// Judged says that somebody judged from one time to another: verdicts hold in these
// times only. Times that touch, overlap or are less than two minutes apart are one.
func (s *Store) Judged(from, to time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, since, until := &s.verdict, from.UnixMilli(), to.UnixMilli()
	if until <= v.judged.until {
		return
	}
	if v.judged.until == 0 || since > v.judged.until+judgedGap.Milliseconds() {
		if v.dirty {
			v.broken = append(v.broken, v.judged)
		}
		v.judged = judged{since: max(since, v.judged.until)}
	}
	v.judged.until, v.dirty = until, true
}

func (v *verdicts) mute(monitor string, muted bool) {
	if muted {
		v.muted[monitor] = true
	} else {
		delete(v.muted, monitor)
	}
}

// begin notes a span, unless it says what the last one says.
func (v *verdicts) begin(monitor string, next span) {
	last, known := v.latest[monitor]
	same := last
	same.since = next.since
	if known && same == next && next.since >= last.since {
		return
	}
	v.latest[monitor] = next
	v.added = append(v.added, added{monitor, next})
}

func (v *verdicts) committed() { v.added, v.broken, v.dirty = nil, nil, false }

func (s *Store) loadVerdicts(ctx context.Context) error {
	v := &s.verdict
	v.latest, v.muted = map[string]span{}, map[string]bool{}
	err := s.each(ctx, `SELECT monitor, since, state, muted, blame FROM latest`, func(rows *sql.Rows) error {
		var name string
		var x span
		err := rows.Scan(&name, &x.since, &x.state, &x.muted, &x.blame)
		v.latest[name] = x
		v.mute(name, x.muted)
		return err
	})
	if err != nil {
		return err
	}
	return s.each(ctx, `SELECT since, until FROM judged ORDER BY since DESC LIMIT 1`, func(rows *sql.Rows) error {
		return rows.Scan(&v.judged.since, &v.judged.until)
	})
}

// write writes what was added. A span replaces those that begin later: a verdict may say
// that the state began before it was known.
func (v *verdicts) write(ctx context.Context, tx *sql.Tx) error {
	for _, a := range v.added {
		for _, step := range []struct {
			text string
			args []any
		}{
			{`DELETE FROM spans WHERE monitor = ? AND since >= ?`, []any{a.monitor, a.since}},
			{`INSERT INTO spans (monitor, since, state, muted, blame) VALUES (?, ?, ?, ?, ?)`, []any{a.monitor, a.since, a.state, a.muted, a.blame}},
			{`INSERT OR REPLACE INTO latest (monitor, since, state, muted, blame) VALUES (?, ?, ?, ?, ?)`, []any{a.monitor, a.since, a.state, a.muted, a.blame}},
		} {
			if _, err := tx.ExecContext(ctx, step.text, step.args...); err != nil {
				return err
			}
		}
	}
	times := v.broken
	if v.dirty {
		times = append(slices.Clone(times), v.judged)
	}
	for _, j := range times {
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO judged (since, until) VALUES (?, ?)`, j.since, j.until); err != nil {
			return err
		}
	}
	return nil
}

// spansOf reads the spans of a monitor that reach into a time, with what is not committed.
func (s *Store) spansOf(ctx context.Context, tx querier, monitor string, from, to int64) ([]span, error) {
	var out []span
	err := eachOf(ctx, tx, `SELECT since, state, muted, blame FROM spans WHERE monitor = ?1 AND since < ?3
		AND since >= coalesce((SELECT max(since) FROM spans WHERE monitor = ?1 AND since <= ?2), 0) ORDER BY since`, func(rows *sql.Rows) error {
		var x span
		err := rows.Scan(&x.since, &x.state, &x.muted, &x.blame)
		out = append(out, x)
		return err
	}, monitor, from, to)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, a := range s.verdict.added {
		if a.monitor == monitor && a.since < to {
			i := slices.IndexFunc(out, func(x span) bool { return x.since >= a.since })
			if i >= 0 {
				out = out[:i]
			}
			out = append(out, a.span)
		}
	}
	return out, nil
}

// judgedIn reads when somebody judged, with what is not committed.
func (s *Store) judgedIn(ctx context.Context, tx querier, from, to int64) ([]judged, error) {
	var out []judged
	err := eachOf(ctx, tx, `SELECT since, until FROM judged WHERE until > ? AND since < ? ORDER BY since`, func(rows *sql.Rows) error {
		var j judged
		err := rows.Scan(&j.since, &j.until)
		out = append(out, j)
		return err
	}, from, to)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	times := slices.Clone(s.verdict.broken)
	if s.verdict.dirty {
		times = append(times, s.verdict.judged)
	}
	for _, j := range times {
		out = slices.DeleteFunc(out, func(x judged) bool { return x.since == j.since })
		if j.until > from && j.since < to {
			out = append(out, j)
		}
	}
	return out, nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"netmon/history"
	"netmon/wire"
)

// steps are the lengths of rows to choose from.
var steps = []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour, 28 * 24 * time.Hour}

const (
	defaultPoints = 500
	roomForRest   = 16 << 10 // bytes of a reply that are not rows
)

// Query answers a request on history.get. An error is the store's; what is wrong with
// the query is in the reply.
func (s *Store) Query(ctx context.Context, q wire.HistoryQuery) (wire.HistoryReply, error) {
	r, _, err := s.QueryCounted(ctx, q)
	return r, err
}

// QueryCounted answers as Query does, and says how much CPU time other goroutines than this
// one took for it.
func (s *Store) QueryCounted(ctx context.Context, q wire.HistoryQuery) (out wire.HistoryReply, beside time.Duration, err error) {
	after, err := parseAfter(q.After)
	if problems := q.Validate(); problems != nil || err != nil {
		p := wire.Problems{}
		p.Add("", problems)
		p.Add("after", err)
		return wire.HistoryReply{Error: &wire.Invalid(p.Err())[0]}, 0, nil
	}
	if q.Limit == 0 {
		q.Limit = wire.MaxHistoryRows
	}
	s.published.RLock()
	defer s.published.RUnlock()
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return wire.HistoryReply{}, 0, s.judgeError("read the history file", err)
	}
	defer tx.Rollback() // it only reads
	r := reading{part: newPart(s, tx), q: q, room: wire.MaxHistoryReply - roomForRest, left: q.Limit}
	r.out.OK = true
	if err := r.answer(ctx, after); err != nil {
		return wire.HistoryReply{}, r.beside, s.judgeError("read the history file", err)
	}
	return r.out, r.beside, nil
}

// place is where a page ends: a series, or a monitor, and a time in it.
type place struct {
	seriesKey
	at int64 // s; ms of a span
}

func (p place) String() string {
	return p.monitor + "." + p.agent + "." + strconv.FormatInt(p.at, 10)
}

func parseAfter(text string) (p place, err error) {
	if text == "" {
		return place{}, nil
	}
	parts := strings.Split(text, ".")
	if len(parts) == 3 {
		p.monitor, p.agent = parts[0], parts[1]
		if p.at, err = strconv.ParseInt(parts[2], 10, 64); err == nil {
			return p, nil
		}
	}
	return place{}, fmt.Errorf("want the next of a reply, got %q", wire.Clip(text, wire.MaxToken))
}

// reading answers one query.
type reading struct {
	part
	q    wire.HistoryQuery
	out  wire.HistoryReply
	room int // bytes
	left int // rows

	beside time.Duration // CPU time of those who helped
}

func (r *reading) answer(ctx context.Context, after place) error {
	r.s.mu.RLock()
	r.out.Through = r.s.at.Stored
	all := make([]seriesKey, 0, len(r.s.series))
	for k := range r.s.series {
		if wanted(r.q.Monitors, k.monitor) && wanted(r.q.Agents, k.agent) {
			all = append(all, k)
		}
	}
	r.s.mu.RUnlock()
	slices.SortFunc(all, seriesKey.compare)
	if r.q.What == wire.HistoryVerdicts {
		return r.verdicts(ctx, after)
	}
	r.steps()
	if err := r.since(ctx, all); err != nil {
		return err
	}
	if err := r.gaps(ctx); err != nil {
		return err
	}
	// One list of series for each series of the reply.
	for len(all) > 0 {
		n := 1
		if r.q.Together {
			n = slices.IndexFunc(all, func(k seriesKey) bool { return k.monitor != all[0].monitor })
			if n < 0 {
				n = len(all)
			}
		}
		of, key := all[:n], all[0]
		all = all[n:]
		if r.q.Together {
			key.agent = ""
		}
		begin := r.q.From
		if c := key.compare(after.seriesKey); c < 0 {
			continue
		} else if c == 0 && r.q.After != "" {
			begin = time.Unix(after.at, 0).UTC()
		}
		next, full, err := r.seriesRows(ctx, key, of, begin)
		if err != nil {
			return fmt.Errorf("%s: %w", key.monitor, err)
		}
		if full && (next.Before(r.q.To) || len(all) > 0) {
			if !next.Before(r.q.To) {
				key = all[0]
				next = r.q.From
				if r.q.Together {
					key.agent = ""
				}
			}
			r.out.Next = place{key, next.Unix()}.String()
			return nil
		}
	}
	return nil
}

func wanted(names []string, name string) bool { return len(names) == 0 || slices.Contains(names, name) }

// steps settles how long a row is, and where the first begins.
func (r *reading) steps() {
	step := r.q.Step.Std()
	if step == 0 {
		points := r.q.Points
		if points == 0 {
			points = defaultPoints
		}
		length := r.q.To.Sub(r.q.From)
		step = steps[len(steps)-1]
		for _, s := range steps {
			if length <= s*time.Duration(points) {
				step = s
				break
			}
		}
		for length > step*time.Duration(points) {
			step += steps[len(steps)-1]
		}
	}
	r.out.Step = wire.Duration(step)
	cut := time.Hour
	if step < time.Hour {
		cut = time.Minute
	}
	r.q.From = r.q.From.UTC().Truncate(cut)
}

// since finds the oldest that is known of these series.
func (r *reading) since(ctx context.Context, all []seriesKey) error {
	first, firstMinute := int64(0), int64(0)
	older := func(known *int64, hour sql.NullInt64) {
		if hour.Valid && (*known == 0 || hour.Int64 < *known) {
			*known = hour.Int64
		}
	}
	hours, err := r.prepare(ctx, `SELECT (SELECT min(id) & 16777215 FROM hours WHERE id >= (?1 << 24) AND id < ((?1 + 1) << 24)), (SELECT min(id) & 16777215 FROM minutes WHERE id >= (?1 << 24) AND id < ((?1 + 1) << 24))`)
	if err != nil {
		return err
	}
	for _, k := range all {
		id, oldest := r.s.oldestPending(k)
		older(&first, oldest)
		older(&firstMinute, oldest)
		if id == 0 {
			continue
		}
		var hour, minutes sql.NullInt64
		if err := hours.QueryRowContext(ctx, id).Scan(&hour, &minutes); err != nil {
			return err
		}
		older(&first, hour)
		older(&firstMinute, minutes)
	}
	if first != 0 {
		r.out.Since = time.Unix(first*hourSeconds, 0).UTC()
	}
	if firstMinute != 0 {
		r.out.Minutes = time.Unix(firstMinute*hourSeconds, 0).UTC()
	}
	return nil
}

// maxGaps is how many gaps a reply names, the newest.
const maxGaps = 100

// gaps reads what is missing.
func (r *reading) gaps(ctx context.Context) error {
	from, to := r.q.From.UnixMilli(), r.q.To.UnixMilli()
	var all []gap
	err := eachOf(ctx, r.tx, `SELECT since, until, results FROM gaps WHERE until > ? AND since < ? AND results > 0 ORDER BY since DESC LIMIT ?`, func(rows *sql.Rows) error {
		var g gap
		err := rows.Scan(&g.since, &g.until, &g.results)
		all = append(all, g)
		return err
	}, from, to, maxGaps)
	if err != nil {
		return err
	}
	slices.Reverse(all)
	r.s.mu.RLock()
	defer r.s.mu.RUnlock()
	for _, g := range r.s.gaps {
		all = noted(all, g)
	}
	for _, g := range all {
		if g.results > 0 && g.until > from && g.since < to {
			r.out.Gaps = append(r.out.Gaps, wire.HistoryGap{From: time.UnixMilli(g.since).UTC(), To: time.UnixMilli(g.until).UTC(), Results: g.results})
		}
	}
	r.out.Gaps = r.out.Gaps[max(0, len(r.out.Gaps)-maxGaps):]
	return nil
}

// pendingHour is an hour that is not closed, for who asks.
type pendingHour struct {
	packed [][]byte // as committed
	added  history.Minutes
}

// pending is what is not in the rows of a series, copied. Nothing of it gets there while
// s.published is held.
func (s *Store) pending(k seriesKey) (id int64, hours map[int64]*pendingHour) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	x := s.series[k]
	if x == nil {
		return 0, nil
	}
	hours = make(map[int64]*pendingHour, len(x.hours)+len(x.open))
	for at, h := range x.open {
		hours[at] = &pendingHour{packed: h.packed}
	}
	for at, d := range x.hours {
		if hours[at] == nil {
			hours[at] = &pendingHour{}
		}
		for i, m := range d.minutes {
			if m != nil {
				hours[at].added[i] = history.Clone(m)
			}
		}
	}
	return x.id, hours
}

// oldestPending is the first hour of what is not in the rows of a series.
func (s *Store) oldestPending(k seriesKey) (id int64, hour sql.NullInt64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	x := s.series[k]
	if x == nil {
		return 0, hour
	}
	note := func(at int64) {
		if !hour.Valid || at < hour.Int64 {
			hour = sql.NullInt64{Int64: at, Valid: true}
		}
	}
	for at := range x.open {
		note(at)
	}
	for at := range x.hours {
		note(at)
	}
	return x.id, hour
}

func (s *Store) kindOf(k seriesKey) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if x := s.series[k]; x != nil {
		return x.kind
	}
	return ""
}

// verdicts appends the spans.
func (r *reading) verdicts(ctx context.Context, after place) error {
	from, to := r.q.From.UnixMilli(), r.q.To.UnixMilli()
	r.s.mu.RLock()
	var monitors []string
	for name := range r.s.verdict.latest {
		if wanted(r.q.Monitors, name) && name >= after.monitor {
			monitors = append(monitors, name)
		}
	}
	r.s.mu.RUnlock()
	slices.Sort(monitors)
	times, err := r.s.judgedIn(ctx, r.tx, from, to)
	if err != nil {
		return err
	}
	for _, name := range monitors {
		spans, err := r.s.spansOf(ctx, r.tx, name, from, to)
		if err != nil {
			return err
		}
		if len(spans) > 0 {
			if first := time.UnixMilli(spans[0].since).UTC(); r.out.Since.IsZero() || first.Before(r.out.Since) {
				r.out.Since = first
			}
		}
		for i, x := range spans {
			until := to
			last := i == len(spans)-1
			if !last {
				until = min(until, spans[i+1].since)
			}
			if x.state == nobody {
				continue
			}
			begins := i == 0 && x.since > from || i > 0 && spans[i-1].state == nobody
			shown := false
			for _, t := range times {
				a, b := max(x.since, t.since, from), min(until, t.until)
				if a >= b {
					continue
				}
				isNew := begins
				begins = false
				if name == after.monitor && a < after.at {
					continue
				}
				if r.left--; r.left < 0 {
					r.out.Next = place{seriesKey{monitor: name}, a}.String()
					return nil
				}
				r.out.Spans = append(r.out.Spans, wire.HistorySpan{Monitor: name, State: x.state, Since: time.UnixMilli(a).UTC(), Until: time.UnixMilli(b).UTC(),
					Open: last && r.s.goesOn(name, x, t), New: isNew, Muted: x.muted, Blame: x.blame})
				shown = true
			}
			if shown && !last && spans[i+1].state == nobody {
				r.out.Spans[len(r.out.Spans)-1].Gone = time.UnixMilli(until).UTC()
			}
		}
	}
	return nil
}

// goesOn says that a span is the newest of its monitor, in the time in which somebody judges now.
func (s *Store) goesOn(monitor string, x span, t judged) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.verdict.latest[monitor] == x && s.verdict.judged.until == t.until
}

package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"netmon/history"
	"netmon/wire"
)

// series is one monitor on one agent, and what was added to it since the last commit.
type series struct {
	seriesKey
	id      int64 // 0: not in the file yet
	kind    string
	tail    history.Tail
	saved   history.Tail     // in the table series; the journal may have a newer one
	renamed bool             // kind is not in the file
	open    map[int64]*hour  // that are not closed, as committed
	hours   map[int64]*delta // what was added since the last commit, by hour
	last    *delta           // the one added to last
	adder   *history.Adder
}

// compare orders by monitor and agent.
func (k seriesKey) compare(o seriesKey) int {
	return cmp.Or(cmp.Compare(k.monitor, o.monitor), cmp.Compare(k.agent, o.agent))
}

// delta is what was added to an hour of a series since the last commit.
type delta struct {
	hour        int64
	first, last uint64 // sequences
	minutes     history.Minutes
}

// agent is what is known of the numbers of an agent's results.
type agent struct {
	full   time.Time // when it was found to have UnsavedMost
	old    bool      // it is said that it sent what is too old
	epochs map[string]*epoch
}

type epoch struct {
	numbers *history.Numbers
	used    int64 // when the last one came, ms
	changed bool
}

// maxEpochs is how many of an agent are remembered: a new one begins when it loses its spool.
const maxEpochs = 4

// load reads what is kept in memory.
func (s *Store) load(ctx context.Context) error {
	var stored int64
	err := s.each(ctx, `SELECT key, value FROM meta`, func(rows *sql.Rows) error {
		var key string
		var value any
		if err := rows.Scan(&key, &value); err != nil {
			return err
		}
		n, _ := value.(int64)
		text, _ := value.(string)
		switch key {
		case "results":
			s.at.Results = uint64(n)
		case "verdicts":
			s.at.Verdicts = uint64(n)
		case "from":
			s.at.from = uint64(n)
		case "stored":
			stored = n
		case "filled":
			s.at.filled = uint64(n)
		case "hoped":
			s.at.hoped = uint64(n)
		case "stream":
			s.at.stream = text
		}
		return nil
	})
	if err != nil {
		return err
	}
	if stored != 0 {
		s.at.Stored = time.UnixMilli(stored).UTC()
	}
	s.committed = s.at.Results
	err = s.each(ctx, `SELECT id, monitor, agent, kind, epoch, run, latency FROM series`, func(rows *sql.Rows) error {
		x := &series{}
		if err := rows.Scan(&x.id, &x.monitor, &x.agent, &x.kind, &x.tail.Epoch, &x.tail.Run, &x.tail.Latency); err != nil {
			return err
		}
		x.saved = x.tail
		s.series[x.seriesKey] = x
		return nil
	})
	if err != nil {
		return err
	}
	var names []string
	err = s.each(ctx, `SELECT id, name FROM phases ORDER BY id`, func(rows *sql.Rows) error {
		var id int
		var name string
		if err := rows.Scan(&id, &name); err != nil {
			return err
		}
		if id != len(names) {
			return fmt.Errorf("%w: phase %d is missing", ErrDamaged, len(names))
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		return err
	}
	s.names, s.named = history.NamesOf(names), len(names)
	err = s.each(ctx, `SELECT agent, epoch, numbers, used FROM seen`, func(rows *sql.Rows) error {
		var name, life, text string
		e := &epoch{}
		if err := rows.Scan(&name, &life, &text, &e.used); err != nil {
			return err
		}
		var err error
		if e.numbers, err = history.ParseNumbers(text); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		s.agent(name).epochs[life] = e
		return nil
	})
	if err != nil {
		return err
	}
	err = s.each(ctx, `SELECT series, hour, revision FROM imported`, func(rows *sql.Rows) error {
		var k hourKey
		var revision uint64
		err := rows.Scan(&k.series, &k.hour, &revision)
		s.skips[k] = revision
		return err
	})
	if err != nil {
		return err
	}
	if err := s.loadGap(ctx); err != nil {
		return err
	}
	if err := s.loadJournal(ctx); err != nil {
		return err
	}
	return s.loadVerdicts(ctx)
}

// each calls do for each row.
func (s *Store) each(ctx context.Context, query string, do func(*sql.Rows) error, args ...any) error {
	return eachOf(ctx, s.write, query, do, args...)
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func eachOf(ctx context.Context, db querier, query string, do func(*sql.Rows) error, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	return eachRow(rows, err, do)
}

// eachRow calls do for each row of what a query returned.
func eachRow(rows *sql.Rows, err error, do func(*sql.Rows) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s *Store) agent(name string) *agent {
	a := s.seen[name]
	if a == nil {
		a = &agent{epochs: map[string]*epoch{}}
		s.seen[name] = a
	}
	return a
}

func (s *Store) adder(kind string) *history.Adder {
	a := s.adders[kind]
	if a == nil {
		a = &history.Adder{}
		if s.options.Figures != nil {
			a.Figures = s.options.Figures(kind)
		}
		if len(a.Figures) > wire.MaxHistoryPhase {
			a.Figures = a.Figures[:wire.MaxHistoryPhase]
		}
		if len(s.adders) < 1000 { // kinds come from results
			s.adders[kind] = a
		}
	}
	return a
}

package main

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"netmon/history"
	"netmon/history/store"
	"netmon/wire"
)

// grow writes hours, and minutes if they are wanted, in the order in which they come: each
// hour of all series, and then the next one. A day of all is packed when the day after it is
// over, as Prune does.
func grow(ctx context.Context, path string, n int, begin time.Time, length time.Duration, minutes bool) error {
	s, err := store.Open(ctx, path, store.Options{})
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(off)&_pragma=journal_mode(off)&_pragma=cache_size(-400000)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	pool := "CREATE TEMP TABLE pool (id INTEGER PRIMARY KEY, p50, p99, min, max, rollup, data)"
	if _, err := db.ExecContext(ctx, pool); err != nil {
		return err
	}
	names, packer, day := &history.Names{}, &history.Packer{}, &history.Day{}
	var days [8][]byte
	for i := range 32 { // 4 hours of 8 levels
		packed, all := historyHour(rand.New(rand.NewPCG(5, uint64(i))), 1+float64(i/4*3))
		data, err := packer.Group(names, names.Pack(packed))
		if err != nil {
			return err
		}
		for hour := i % 4; hour < history.DayHours; hour += 4 {
			if err := day.Set(names, hour, names.AppendRollup(nil, all)); err != nil {
				return err
			}
		}
		if i%4 == 3 {
			if days[i/4], err = day.Pack(names); err != nil {
				return err
			}
		}
		p50, _ := history.Quantile(all.Latency, 0.5)
		p99, _ := history.Quantile(all.Latency, 0.99)
		if _, err := db.ExecContext(ctx, "INSERT INTO pool VALUES (?, ?, ?, ?, ?, ?, ?)", i, int64(p50/1e3), int64(p99/1e3), all.Latency.MinNS/1000, all.Latency.MaxNS/1000, names.AppendRollup(nil, all), data); err != nil {
			return err
		}
	}
	for i, name := range names.All() {
		if _, err := db.ExecContext(ctx, "INSERT INTO phases VALUES (?, ?)", i, name); err != nil {
			return err
		}
	}
	for _, r := range historyResults(n) {
		if _, err := db.ExecContext(ctx, "INSERT INTO series (monitor, agent, kind) VALUES (?, ?, ?)", r.Monitor, r.Agent, r.Kind); err != nil {
			return err
		}
	}
	first := begin.Unix() / 3600
	for h := range int64(length / time.Hour) {
		revision := (h + 1) * 360 * int64(n*historyAgents)
		if _, err := db.ExecContext(ctx, `INSERT INTO hours SELECT (s.id << 24) | ?1, 360, 0, 0, p.p50, p.p99, p.min, p.max, NULL, ?2 + s.id, ?3, 0, p.rollup
			FROM series s JOIN pool p ON p.id = s.id % 8 * 4 + ?1 % 4 ORDER BY s.id`, first+h, revision, 359*n*historyAgents); err != nil {
			return err
		}
		if at := first + h + 1 - 2*history.DayHours; at%history.DayHours == 0 && at >= first {
			if err := packDay(ctx, db, n, at, days); err != nil {
				return err
			}
		}
		if !minutes {
			continue
		}
		if _, err := db.ExecContext(ctx, `INSERT INTO minutes SELECT (s.id << 24) | ?1, p.data FROM series s JOIN pool p ON p.id = s.id % 8 * 4 + ?1 % 4 ORDER BY s.id`, first+h); err != nil {
			return err
		}
	}
	return nil
}

// packDay packs the hours of a day of all series.
func packDay(ctx context.Context, db *sql.DB, n int, first int64, days [8][]byte) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	pack, err := tx.PrepareContext(ctx, `INSERT INTO days VALUES (?, ?)`)
	if err != nil {
		return err
	}
	empty, err := tx.PrepareContext(ctx, `UPDATE hours SET rollup = x'' WHERE id >= ? AND id < ?`)
	if err != nil {
		return err
	}
	for series := range int64(n * historyAgents) {
		id := (series+1)<<24 | first
		if _, err := pack.ExecContext(ctx, id, days[(series+1)%8]); err != nil {
			return err
		}
		if _, err := empty.ExecContext(ctx, id, id+history.DayHours); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// historyHour is an hour of a tcp monitor, of about so many milliseconds, with a wide spread.
func historyHour(rnd *rand.Rand, millis float64) (minutes *history.Minutes, all *wire.Rollup) {
	a, tail, run := history.Adder{Figures: historyFigures("")}, history.Tail{}, uint64(0)
	minutes, all = &history.Minutes{}, &wire.Rollup{}
	for i := range minutes {
		minutes[i] = &wire.Rollup{}
		for range time.Minute / historyEvery {
			run++
			latency := int64(1e6 * millis * math.Exp(0.2*rnd.NormFloat64()))
			a.Add(minutes[i], &wire.Result{Outcome: wire.OK, Run: run, LatencyNS: &latency, Details: fmt.Appendf(nil, `{"connect_ns":%d}`, latency)}, &tail)
		}
		history.Merge(all, minutes[i])
	}
	return minutes, all
}

package store

import (
	"context"
	"database/sql"
	"maps"
	"os"
	"time"

	"netmon/wire"
)

const (
	pruneSeries = 50  // of how many series one Prune deletes what is too old: some milliseconds
	pruneDays   = 300 // and how many days of theirs it packs at most: a file of version 2 has none
)

// Prune deletes a little of what is too old, and packs days that are over; it says whether
// there is more. What it frees the file uses again: it does not shrink, and nothing has to
// be vacuumed.
func (s *Store) Prune(ctx context.Context, now time.Time) (more bool, err error) {
	minutes, hours := now.Add(-wire.HistoryMinutes), now.Add(-wire.HistoryHours)
	if limit := minutes.Unix() / hourSeconds; s.held(limit) {
		if err := s.close(ctx, limit); err != nil {
			return false, err
		}
	}
	packed := map[int64]int64{}
	end := dayOf(now.Add(-packAfter).Unix() / hourSeconds)
	err = s.change(ctx, "delete what is too old", func(tx *sql.Tx) error {
		rows, left := s.rollupsIn(tx), pruneDays
		var ids []int64
		err := eachOf(ctx, tx, `SELECT id FROM series WHERE id > ? ORDER BY id LIMIT ?`, func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		}, s.pruned, pruneSeries)
		if err != nil {
			return err
		}
		for _, id := range ids {
			oldest := dayOf(hours.Unix() / hourSeconds) // whole days, as they are packed
			for _, old := range []struct {
				text  string
				limit int64
			}{
				{`DELETE FROM minutes WHERE id >= (?1 << 24) AND id < ((?1 << 24) | ?2)`, minutes.Unix() / hourSeconds},
				{`DELETE FROM hours WHERE id >= (?1 << 24) AND id < ((?1 << 24) | ?2)`, oldest},
				{`DELETE FROM days WHERE id >= (?1 << 24) AND id < ((?1 << 24) | ?2)`, oldest},
			} {
				if err := rows.exec(ctx, old.text, id, old.limit); err != nil {
					return err
				}
			}
			if s.packed[id] == end {
				continue
			}
			n, err := rows.packDays(ctx, id, end, left)
			if err != nil {
				return err
			}
			if left -= n; left == 0 { // the rest of it is next
				s.pruned, more = id-1, true
				return nil
			}
			packed[id] = end
		}
		if more = len(ids) == pruneSeries; more {
			s.pruned = ids[len(ids)-1]
			return nil
		}
		s.pruned = 0
		// The span that still holds at the limit stays.
		if _, err := tx.ExecContext(ctx, `DELETE FROM spans WHERE since < (SELECT max(since) FROM spans o WHERE o.monitor = spans.monitor AND o.since <= ?)`, hours.UnixMilli()); err != nil {
			return err
		}
		for _, text := range []string{`DELETE FROM judged WHERE until < ?`, `DELETE FROM gaps WHERE until < ?`} {
			if _, err := tx.ExecContext(ctx, text, hours.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		maps.Copy(s.packed, packed)
	}
	return more, err
}

// Stats are sizes and counters, for people.
type Stats struct {
	Path    string
	Bytes   int64 // of the file and its log
	Series  int
	Agents  int
	AsideTo string // where a file that could not be read was put when the store was opened

	// Since the store was opened.
	Results    uint64        // added, each once
	Twice      uint64        // not added: they were there already
	TooOld     uint64        // not added: older than history.Backlog when they were stored
	Unsaved    uint64        // not added: of a monitor that is not saved, on an agent with too many of these
	Moved      uint64        // added at the time they were stored: the agent's clock said a later one
	Late       uint64        // added to an hour that was over when they were stored
	Commits    uint64        // transactions
	CommitTook time.Duration // of the last one
	Pending    int           // minutes of series that are not committed
}

// Stats says how large it is, and what was counted.
func (s *Store) Stats() Stats {
	s.mu.RLock()
	out := s.stats
	out.Series, out.Agents = len(s.series), len(s.seen)
	s.mu.RUnlock()
	out.Path = s.path
	for _, end := range []string{"", "-wal"} {
		if info, err := os.Stat(s.path + end); err == nil {
			out.Bytes += info.Size()
		}
	}
	return out
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"netmon/history/store"
	"netmon/wire"
)

// questionTimes is how often a question is asked: the one in the middle counts.
const questionTimes = 7

// question asks a question, all pages of it, with nothing of the file in the page cache of
// the system, and again with all of it. Encoding the replies as JSON is in it.
func (h *historyReport) question(ctx context.Context, s *store.Store, path, name string, q wire.HistoryQuery, want int) error {
	for _, cold := range []bool{true, false} {
		var took, used []time.Duration
		var rows, pages, size int
		before := freshPeak()
		for range questionTimes {
			if cold {
				dropCache(path)
			}
			began, cpuBefore := time.Now(), cpu()
			rows, pages, size = 0, 0, 0
			for q.After = ""; pages == 0 || q.After != ""; pages++ {
				reply, err := s.Query(ctx, q)
				if err != nil || !reply.OK || len(reply.Series) != 1 {
					return errors.Join(err, fmt.Errorf("%s: got %d series", name, len(reply.Series)))
				}
				rows += len(reply.Series[0].Rows)
				size += len(reply.Encode())
				q.After = reply.Next
			}
			took, used = append(took, time.Since(began)), append(used, cpu()-cpuBefore)
		}
		if rows != want {
			return fmt.Errorf("%s: got %d rows, want %d", name, rows, want)
		}
		what := "warm"
		if cold {
			what = "cold"
		}
		slices.Sort(took)
		slices.Sort(used)
		h.say("%s, %s: %d rows in %d replies of %.1f MB; %.0f ms (%.0f to %.0f in %d times), %.0f ms of CPU (%.0f to %.0f), %.1f MB more at most", name, what, rows, pages, float64(size)/1e6,
			ms(took[len(took)/2]), ms(took[0]), ms(took[len(took)-1]), questionTimes, ms(used[len(used)/2]), ms(used[0]), ms(used[len(used)-1]), float64(peak()-before)/1e6)
	}
	return nil
}

// dropCache has the system forget what it holds of a file: that is cold, here. What the
// process holds itself of it, 2 MB for each connection, is of no use to a question of months.
func dropCache(path string) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	f.Sync()           // what is dirty stays otherwise
	const dontNeed = 4 // POSIX_FADV_DONTNEED
	syscall.Syscall6(syscall.SYS_FADVISE64, f.Fd(), 0, 0, dontNeed, 0, 0)
}

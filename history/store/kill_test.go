package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/need"
)

// The child of TestStore_Kill feeds the file at childFile and says each commit.
const childFile = "NETMON_TEST_HISTORY_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		if err := feedForever(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// killed is five days of a few monitors, every five minutes: hours close meanwhile, and days
// are packed.
func killed() []recorded { return record(10, day.Add(-60*time.Hour), 5*time.Minute, 1440, 3, 2) }

func feedForever(path string) error {
	ctx := context.Background()
	s, err := Open(ctx, path, Options{Figures: figures})
	if err != nil {
		return err
	}
	if aside := s.Stats().AsideTo; aside != "" {
		return errors.New("set aside: " + aside)
	}
	all := killed()
	from := int(s.Position().Results)
	if from == len(all) {
		fmt.Println("committed", from)
	}
	for i := from; i < len(all); i++ {
		s.Add(&all[i].Result, uint64(i+1), all[i].stored)
		if i%17 == 0 || i == len(all)-1 {
			if err := s.Commit(ctx, all[i].stored); err != nil {
				return err
			}
			if _, err := s.Prune(ctx, all[i].stored); err != nil {
				return err
			}
			fmt.Println("committed", i+1)
			if _, err := os.Stdin.Read(make([]byte, 1)); err != nil { // no further than it is let
				return err
			}
		}
	}
	return s.Close()
}

// TestStore_Kill: a feeder that is killed (SIGKILL) again and again in the middle of its
// commits goes on where its position says, and in the end the sums are those of five days of
// results, each once.
func TestStore_Kill(t *testing.T) {
	need.Time(t)
	path := filepath.Join(t.TempDir(), "history.db")
	self, err := os.Executable()
	must(t, err)
	all := killed()
	kills := 0
	for lines := 5; ; lines += 7 {
		c := exec.Command(self)
		c.Env = append(os.Environ(), childFile+"="+path)
		var complaint strings.Builder
		c.Stderr = &complaint
		out, err := c.StdoutPipe()
		must(t, err)
		in, err := c.StdinPipe()
		must(t, err)
		must(t, c.Start())
		_, err = in.Write(make([]byte, lines+2)) // it is killed in one of the next commits
		must(t, err)
		said := bufio.NewScanner(out)
		last := ""
		for n := 0; n < lines && said.Scan(); n++ {
			last = said.Text()
		}
		done := last == fmt.Sprint("committed ", len(all))
		if !done {
			kills++
			must(t, c.Process.Kill())
		}
		for said.Scan() { // what it still said
		}
		if err := c.Wait(); complaint.Len() > 0 || done && err != nil {
			t.Fatalf("%v: %s", err, complaint.String())
		}
		if done {
			break
		}
		if kills > 500 {
			t.Fatal("it never gets to the end")
		}
	}
	s := openAt(t, path)
	must(t, s.Check(t.Context()))
	t.Logf("%d kills, %d results", kills, len(all))
	if kills < 5 {
		t.Errorf("killed %d times only", kills)
	}
	if days, lost := count(t, s, inDays), count(t, s, noPlace); days == 0 || lost > 0 {
		t.Errorf("%d days are packed, %d hours are lost", days, lost)
	}
	same(t, "after all kills", held(t, s, time.Minute, 0), sums(all))
	same(t, "after all kills, by hours", held(t, s, time.Hour, 0), sums(all))
}

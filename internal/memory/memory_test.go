package memory

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

const mib, gib = 1 << 20, 1 << 30

func TestContainerMemory(t *testing.T) {
	for name, c := range map[string]struct {
		groups string            // /proc/self/cgroup
		files  map[string]string // below /sys/fs/cgroup
		want   int64
	}{
		"no control groups":                       {"", nil, 0},
		"version 2 without a limit":               {"0::/a/b\n", map[string]string{"a/b/memory.max": "max\n"}, 0},
		"version 2":                               {"0::/a/b\n", map[string]string{"a/b/memory.max": "536870912\n", "a/memory.max": "max\n"}, 512 * mib},
		"version 2, the one above has less":       {"0::/a/b\n", map[string]string{"a/b/memory.max": "536870912\n", "a/memory.max": "268435456\n"}, 256 * mib},
		"version 2, throttled before":             {"0::/a\n", map[string]string{"a/memory.max": "536870912\n", "a/memory.high": "402653184\n"}, 384 * mib},
		"version 2, seen from inside a container": {"0::/\n", map[string]string{"memory.max": "268435456\n"}, 256 * mib},
		"version 1":                               {"8:pids:/x\n4:cpu,memory:/a/b\n0::/\n", map[string]string{"memory/a/b/memory.limit_in_bytes": "9223372036854771712\n", "memory/a/memory.limit_in_bytes": "1073741824\n"}, gib},
		"version 1 without a limit":               {"4:memory:/a\n", map[string]string{"memory/a/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		"version 1, its path is not to be seen":   {"4:memory:/docker/0123\n", map[string]string{"memory/memory.limit_in_bytes": "1073741824\n"}, gib},
		"nonsense":                                {"x\n0::/a\n", map[string]string{"a/memory.max": "much\n"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			of := filepath.Join(dir, "cgroup")
			write(t, of, c.groups)
			root := filepath.Join(dir, "sys")
			for f, text := range c.files {
				write(t, filepath.Join(root, f), text)
			}
			if got := containerMemory(of, root); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestShare: the smaller of the two bounds it, and neither is none.
func TestShare(t *testing.T) {
	for _, c := range []struct{ host, container, want int64 }{
		{8 * gib, 0, 4 * gib}, {8 * gib, gib, gib * 8 / 10}, {gib, 8 * gib, gib / 2}, {0, 10 * gib, 8 * gib}, {0, 0, 0},
	} {
		if got := share(c.host, c.container); got.Bytes != c.want || (got.Bytes == 0) != (got.Of == "") {
			t.Errorf("host %d, container %d: %+v, want %d", c.host, c.container, got, c.want)
		}
	}
}

// TestFind_TheEnvironmentWins: nothing is set where a person did.
func TestFind_TheEnvironmentWins(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "400MiB")
	l := Find()
	if !l.Own || l.Of != "GOMEMLIMIT=400MiB" {
		t.Errorf("%+v", l)
	}
	before := debug.SetMemoryLimit(-1)
	Keep(t.Context(), l) // returns at once
	if after := debug.SetMemoryLimit(-1); after != before {
		t.Errorf("the limit became %d, was %d", after, before)
	}
}

// TestFollower: what small objects take is given, large ones get more where
// collecting costs too much, and the most that there is stays the most.
func TestFollower(t *testing.T) {
	var f follower
	step := func(u use, most, want int64) {
		t.Helper()
		if got := f.limit(u, most); got != want {
			t.Errorf("%+v, at most %d: %d MiB, want %d", u, most, got/mib, want/mib)
		}
	}
	u := use{small: 20 * mib, other: 10 * mib, cpu: 1}
	step(u, 0, 30*mib+blocks)
	u.small, u.cpu, u.collecting = 120*mib, 2, 0.2
	step(u, 0, 130*mib+blocks)
	u.cpu, u.collecting = 3, 0.7
	step(u, 0, 130*mib+blocks+growth)
	step(u, 0, 130*mib+blocks+growth) // nothing was collected meanwhile
	step(u, 200*mib, 200*mib)
	u.alive = 150 * mib
	f.idle(u)
	step(u, 0, 160*mib+blocks)
	u.alive = 100 * mib
	f.idle(u)
	step(u, 0, 130*mib+blocks)
}

// TestLook: small objects are counted as they are allocated, and large ones are not.
func TestLook(t *testing.T) {
	runtime.GC()
	before := readUse()
	var small [][]byte
	for range 20 * mib / 1024 {
		small = append(small, make([]byte, 1024))
	}
	large := make([]byte, 40*mib)
	runtime.GC() // counts what each processor allocated
	after := readUse()
	if grown := after.small - before.small; grown < 18*mib || grown > 30*mib {
		t.Errorf("small objects grew by %d MiB, want about 20", grown/mib)
	}
	if after.heap-before.heap < 50*mib || after.alive < 50*mib || after.cycles <= before.cycles || after.cpu <= 0 {
		t.Errorf("%+v, before %+v", after, before)
	}
	runtime.KeepAlive(small)
	runtime.KeepAlive(large)
}

// TestIdleness: an idle process gives back what it holds, and stops when
// there is no more, and one that works is left alone.
func TestIdleness(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	var i idleness
	u := use{alive: 20 * mib, heap: 90 * mib, cycles: 7}
	given := 0
	for range 400 { // 100 s
		if i.collect(now, u) {
			given++
			u.cycles++
		}
		now = now.Add(every)
	}
	if given != rounds {
		t.Errorf("collected %d times, want %d", given, rounds)
	}
	u.heap += worth / 2
	for n := range 400 {
		if u.cycles++; i.collect(now, u) {
			t.Fatalf("collected while it works, at look %d", n)
		}
		now = now.Add(every)
	}
	for n := range 400 {
		if i.collect(now, u) {
			t.Fatalf("collected for nothing, at look %d", n)
		}
		now = now.Add(every)
	}
}

// TestKeep: a limit is there while it runs, and what was before comes back.
func TestKeep(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); Keep(ctx, Limit{Bytes: 8 * gib}) }()
	for debug.SetMemoryLimit(-1) == before {
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("no limit is set")
		}
	}
	cancel()
	<-ended
	if after := debug.SetMemoryLimit(-1); after != before {
		t.Errorf("the limit stays %d, was %d", after, before)
	}
}

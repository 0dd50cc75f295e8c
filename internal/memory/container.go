package memory

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// unlimited is above what any host has: version 1 writes such a number where
// there is no limit.
const unlimited = 1 << 60

// containerMemory is the least limit of the control groups that a process is
// in, and of those above them; 0 is none. of is its /proc/PID/cgroup, root is
// where control groups are mounted. What cannot be read is not a limit: from inside
// a container, its own group is often all that can be seen, at the root.
func containerMemory(of, root string) int64 {
	list, err := os.ReadFile(of)
	if err != nil {
		return 0
	}
	least := int64(math.MaxInt64)
	for s := bufio.NewScanner(bytes.NewReader(list)); s.Scan(); {
		parts := strings.SplitN(s.Text(), ":", 3) // number, controllers, path: cgroups(7)
		if len(parts) < 3 {
			continue
		}
		switch {
		case parts[0] == "0" && parts[1] == "": // version 2
			least = min(least, leastAbove(root, parts[2], "memory.max", "memory.high"))
			least = min(least, leastAbove(filepath.Join(root, "unified"), parts[2], "memory.max", "memory.high"))
		case slices.Contains(strings.Split(parts[1], ","), "memory"): // version 1
			least = min(least, leastAbove(filepath.Join(root, "memory"), parts[2], "memory.limit_in_bytes"))
		}
	}
	if least >= unlimited {
		return 0
	}
	return least
}

// leastAbove is the least number in the files of a group and of those above it.
func leastAbove(root, group string, files ...string) int64 {
	least := int64(math.MaxInt64)
	for dir := filepath.Clean("/" + group); ; dir = filepath.Dir(dir) {
		for _, f := range files {
			data, err := os.ReadFile(filepath.Join(root, dir, f)) // #nosec G703 -- the path is the kernel's
			if err != nil {
				continue
			}
			if n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64); err == nil && n > 0 { // else "max"
				least = min(least, n)
			}
		}
		if dir == "/" {
			return least
		}
	}
}

package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"netmon/agent/policyfile"
	"netmon/console"
	"netmon/internal/hostclock"
	"netmon/internal/userdirs"
	"netmon/probes"
)

func examineProgram(_ context.Context, o Options) []Finding {
	return []Finding{{"netmon", OK, fmt.Sprintf("%s, %s, %s/%s", o.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH), ""}}
}

// examineKinds lists the kinds that this process may not measure.
func examineKinds(_ context.Context, o Options) []Finding {
	var list []Finding
	env := &probes.Env{}
	defer env.Close()
	for _, k := range o.Kinds {
		if err := k.Ready(env); err != nil {
			what, cure, _ := strings.Cut(err.Error(), ": ")
			if cure == "" {
				what, cure = "this process may not measure it", err.Error()
			}
			list = append(list, Finding{k.Name, Problem, what, cure})
		}
	}
	if len(list) == 0 {
		return []Finding{{"kinds", OK, "this process may measure " + o.Kinds.Names(), ""}}
	}
	return list
}

// examinePolicy reads the policy that an agent of this user would go by.
func examinePolicy(_ context.Context, o Options) []Finding {
	p, file, err := policyfile.Find("", o.Kinds)
	switch {
	case err != nil:
		return []Finding{{"policy", Problem, fmt.Sprintf("an agent would not start here: %v", err), "correct it: netmon policy lists each mistake"}}
	case file == "":
		return []Finding{{"policy", OK, "no file: agents deny cloud metadata and link-local addresses, allow the rest, and send secrets nowhere", ""}}
	}
	return []Finding{{"policy", OK, file + ": " + console.PolicyText(p.Summary()), ""}}
}

func examineClock(context.Context, Options) []Finding {
	synchronised, maxError, ok := hostclock.LocalClock()
	switch {
	case !ok:
		return []Finding{{"clock", Unknown, "this kernel does not say whether the clock is synchronised", ""}}
	case !synchronised:
		return []Finding{{"clock", Warning, "this host's clock is not synchronised, as far as the kernel knows",
			"run chrony, ntpd or systemd-timesyncd; latencies and intervals are right anyway, times of day may not be"}}
	}
	return []Finding{{"clock", OK, fmt.Sprintf("synchronised, off by %s at most according to the kernel", console.Short(maxError)), ""}}
}

// enoughFiles is what an agent with a thousand connections at once needs, with room.
const enoughFiles = 4096

func examineFiles(context.Context, Options) []Finding {
	n, ok := fileLimit()
	switch {
	case !ok:
		return []Finding{{"files", Unknown, "this system does not say how many files a process may open", ""}}
	case n < enoughFiles:
		return []Finding{{"files", Warning, fmt.Sprintf("this process may open %d files at once", n),
			fmt.Sprintf("for many monitors: ulimit -n %d, or LimitNOFILE=%d in the systemd unit", 16*enoughFiles, 16*enoughFiles)}}
	}
	return []Finding{{"files", OK, fmt.Sprintf("this process may open %d files at once", n), ""}}
}

// examineState tries to write where an agent would, and leaves nothing there.
func examineState(context.Context, Options) []Finding {
	dir := userdirs.State()
	if dir == "" {
		return []Finding{{"state", Problem, "neither HOME nor XDG_STATE_HOME is set: this user has no folder for netmon", "set one of them, or give folders by --state and --store"}}
	}
	at := dir
	for { // a folder that is not there yet is made in its nearest parent
		if _, err := os.Stat(at); err == nil || !errors.Is(err, os.ErrNotExist) || filepath.Dir(at) == at {
			break
		}
		at = filepath.Dir(at)
	}
	f, err := os.CreateTemp(at, ".netmon-*")
	if err != nil {
		return []Finding{{"state", Problem, fmt.Sprintf("%s cannot be written: %v", dir, err),
			"let this user write there, or give another folder by --state and --store, or XDG_STATE_HOME"}}
	}
	_, err = f.Write([]byte("x"))
	err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	if err != nil {
		return []Finding{{"state", Problem, fmt.Sprintf("%s cannot be written: %v", dir, err), "free space on its disk"}}
	}
	return []Finding{{"state", OK, dir + " can be written", ""}}
}

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"netmon/internal/race"
	"netmon/probes"
	"netmon/probes/kinds"
)

// fastExit keeps what the race detector built into netmon from holding each
// process for a second at its end, in case a report is still to come: a command
// waits for its goroutines.
const fastExit = "atexit_sleep_ms=20"

func TestMain(m *testing.M) {
	setUmask()
	os.Setenv("GORACE", fastExit)                                          // of the processes that tests start
	if strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") != "netmon" { // which is one of them
		atOnce(4)
	}
	testscript.Main(m, map[string]func(){
		"netmon": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			code := execute(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)
			stop()
			os.Exit(code)
		},
	})
}

// atOnce has so many tests run beside each other, unless the command line says how
// many: scripts mostly wait, also where there are two cores.
func atOnce(n int) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		flag.Set("test.parallel", strconv.Itoa(n))
	}
}

// TestScripts runs testdata/script: what a person types, what is printed, and
// the exit code. With the race detector, where each command is a process that takes
// half a second to begin, those run in which much happens at once.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if race.Enabled {
		files, err = filepath.Glob("testdata/script/[bc]*.txtar")
		files = append(files, "testdata/script/access.txtar", "testdata/script/incidents.txtar", "testdata/script/verdicts.txtar")
	}
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() { // those that start a mesh take seconds
		files = slices.DeleteFunc(files, func(file string) bool {
			text, err := os.ReadFile(file)
			return err != nil || regexp.MustCompile(`(?m)^(secure)?mesh`).Match(text)
		})
	}
	testscript.Run(t, testscript.Params{
		Files:               files,
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE") == "1",
		Setup: func(e *testscript.Env) error {
			e.Setenv("XDG_STATE_HOME", e.WorkDir+"/state")
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir+"/config")
			e.Setenv("GORACE", fastExit)
			e.Setenv("KINDS", kinds.All().Names())          // a further kind changes no script
			e.Setenv("NETMON_BROKER", "nats://127.0.0.1:1") // nobody is there
			return nil
		},
		Condition: func(cond string) (bool, error) {
			k, ok := kinds.All().Find(cond) // whether this process may measure a kind
			if !ok {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			env := &probes.Env{}
			defer env.Close()
			return k.Ready(env) == nil, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits, "mesh": mesh, "securemesh": securemesh, "until": until, "untilsays": untilsays, "mode": mode},
	})
}

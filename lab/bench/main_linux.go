package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options of one invocation.
type options struct {
	kinds    []string
	monitors []int
	seconds  int
	against  []string
	netmon   string // the binary; built when ""
	jsonTo   string // a file
	profile  string // a file; then the agent is this program's own
	consoles int
	agents   int
	access   bool // the broker has identities, over TLS
	measure  string

	storeSize int64         // bytes of results that are read
	settle    time.Duration // in which the broker gives back what reading took
	storeAt   string        // folder of the broker that has them; "" is one that goes
}

// measurement is what -measure takes.
type measurement struct {
	name, doc string
	run       func(context.Context, *options, *report) error
}

var measurements = []measurement{
	{"table", "cost and punctuality of each kind, with the bare operation and peers beside it", table},
	{"starts", "one apply of many monitors, and an agent restarted with them", starts},
	{"truth", "reported latency against the packets on loopback", truth},
	{"consoles", "from the end of a probe to its line on a console, and what consoles cost", consoles},
	{"fleet", "a thousand agents on one broker, which restarts", fleet},
	{"soak", "whether anything grows", soak},
	{"reading", "what the broker pays while stored results are read", reading},
	{"judge", "what the leading controller takes to judge 10,000 results a second, and how soon its verdicts are there", judging},
	{"history", "what it takes to feed the file of history, to keep it, and to read it; -monitors times 3 agents", remembering},
	{"web", "what netmon web takes: the first page, 200 who look, and how soon a verdict is on a page; -monitors 1000", pages},
	{"status", "what netmon web --status-listen takes for a request: the page, not modified, JSON, a badge; -monitors 100", statusPages},
	{"export", "what netmon export --listen takes for a scrape, and what a real Prometheus makes of it; -monitors 1000", scrapes},
	{"check", "what must hold on any machine: fails on what is no noise", check},
}

// helpers are what bench starts itself as; each is a process of its own.
var helpers = map[string]func(args []string) error{
	"targets": serveTargets,
	"fleet":   runFleet,
	"floor":   runFloor,
	"timer":   runTimer,
	"agent":   runAgent,
	"capture": runCapture,
	"hog":     runHog,
	"results": sendResults,
}

func main() {
	if len(os.Args) > 1 {
		if helper, ok := helpers[os.Args[1]]; ok {
			exit(helper(os.Args[2:]))
		}
	}
	var o options
	kinds := flag.String("kinds", "icmp,dns,udp,ntp,tcp,http", "kinds to measure")
	monitors := flag.String("monitors", "1000", "numbers of monitors, each every second (ntp: every 4 s)")
	against := flag.String("against", "", "peers to measure over the same targets: "+strings.Join(slices.Sorted(maps.Keys(peers)), ", "))
	flag.IntVar(&o.seconds, "seconds", 15, "length of each measurement")
	flag.StringVar(&o.netmon, "netmon", "", "netmon `binary`; default: built from this source")
	flag.StringVar(&o.jsonTo, "json", "", "write the report as JSON to this `file`, too")
	flag.StringVar(&o.profile, "profile", "", "write a CPU profile of the agent to this `file`")
	flag.BoolVar(&o.access, "access", false, "the broker has identities, over TLS, and the agent joins it; not with fleet")
	flag.IntVar(&o.consoles, "consoles", 10, "consoles of -measure consoles")
	flag.IntVar(&o.agents, "agents", 1000, "agents of -measure fleet")
	mib := flag.Int64("store-size", 4096, "`MiB` of results of -measure reading")
	flag.DurationVar(&o.settle, "settle", readSettle, "time in which -measure reading lets the broker give back memory")
	flag.StringVar(&o.storeAt, "store", "", "`folder` in which -measure reading keeps its broker, and finds it the next time")
	var names []string
	for _, m := range measurements {
		names = append(names, m.name+" ("+m.doc+")")
	}
	flag.StringVar(&o.measure, "measure", "table", "what to measure: "+strings.Join(names, "; "))
	flag.Parse()
	o.storeSize = *mib << 20
	exit(start(&o, *kinds, *monitors, *against))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func start(o *options, kinds, monitors, against string) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected %q: see -help", flag.Args())
	}
	for k := range strings.SplitSeq(kinds, ",") {
		if !slices.Contains(kindNames(), k) {
			return fmt.Errorf("-kinds: unknown kind %q: one of %s", k, strings.Join(kindNames(), ", "))
		}
		o.kinds = append(o.kinds, k)
	}
	for m := range strings.SplitSeq(monitors, ",") {
		n, err := strconv.Atoi(m)
		if err != nil || n < 1 || n > maxTargets {
			return fmt.Errorf("-monitors: want 1 to %d, got %q", maxTargets, m)
		}
		o.monitors = append(o.monitors, n)
	}
	if against != "" {
		for p := range strings.SplitSeq(against, ",") {
			if err := checkPeer(p); err != nil {
				return fmt.Errorf("-against: %w", err)
			}
			o.against = append(o.against, p)
		}
	}
	if o.seconds < 2 {
		return fmt.Errorf("-seconds: want at least 2, got %d", o.seconds)
	}
	i := slices.IndexFunc(measurements, func(m measurement) bool { return m.name == o.measure })
	if i < 0 {
		return fmt.Errorf("-measure: unknown %q: see -help", o.measure)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	inside, err := ownNetwork(ctx)
	if err != nil || !inside {
		return err
	}
	dir, err := os.MkdirTemp("", "netmon-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.netmon == "" {
		if o.netmon, err = build(ctx, dir); err != nil {
			return err
		}
	}
	r := &report{Command: "go run ./lab/bench " + strings.Join(os.Args[1:], " "), Machine: machine()}
	err = measurements[i].run(ctx, o, r)
	r.markdown(os.Stdout)
	if o.jsonTo != "" {
		data, jerr := json.MarshalIndent(r, "", " ")
		err = errors.Join(err, jerr, os.WriteFile(o.jsonTo, append(data, '\n'), 0o644))
	}
	return err
}

// note tells the person at the terminal what happens.
func note(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().Format("15:04:05")}, args...)...)
}

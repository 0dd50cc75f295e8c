// Command fault breaks the lab on purpose, one subcommand for each way, and
// says what to expect of netmon:
//
//	go run ./lab/fault                what there is
//	go run ./lab/fault cut paris      and so on
//
// It works on the containers of one docker-compose project, by their labels,
// whichever docker-compose started them. Only slow needs root on this host.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l := &lab{project: project(), out: os.Stdout}
	if err := l.run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fault:", err)
		var wrong *usageError
		if errors.As(err, &wrong) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// project is the lab's name, as docker-compose takes it from .env.
func project() string {
	if p := os.Getenv("COMPOSE_PROJECT_NAME"); p != "" {
		return p
	}
	return "netmon-lab"
}

type lab struct {
	project string
	out     io.Writer
}

// fault is one subcommand.
type fault struct {
	name, arg string
	what      string // it does
	expect    string // what netmon says then
	do        func(l *lab, ctx context.Context, arg string) error
}

func faults() []fault {
	return []fault{
		{"cut", "CITY", "cut an agent's line to the broker",
			"get agents: the city is offline after 30 s. It keeps measuring; after heal its results come, with the time that they waited (late_ns), none lost.",
			(*lab).cut},
		{"slow", "CITY", "slow an agent's lines, +100 ms and 20 % loss, until Ctrl-C (root)",
			"that city only: ping 100 ms and one in five no_answer, web and mail slower, some fail. The results themselves still arrive.",
			(*lab).slow},
		{"heal", "CITY", "connect a line that was cut",
			"the city is online within seconds; what it measured meanwhile comes first, in order.",
			(*lab).heal},
		{"kill", "SERVICE", "kill -9 of a service: nats, nats2, paris, console",
			"nats: consoles and agents report that they lost the broker, agents keep measuring. One of three servers: the others continue. A city: offline after 30 s. console: agents keep running what they run.",
			(*lab).kill},
		{"start", "SERVICE", "start what was killed",
			"everything resumes by itself; no result that was measured is lost or stored twice.",
			(*lab).start},
		{"freeze", "SERVICE", "freeze a service, as a hung host does: console, paris",
			"console: nobody else notices. A city: offline after 30 s.",
			(*lab).freeze},
		{"thaw", "SERVICE", "let it continue",
			"a console shows what it missed, without a gap; an agent counts the runs that it could not make as skipped.",
			(*lab).thaw},
		{"break", "TARGET", "break a service that is watched: http, certificate, dns, ntp, udp, tcp", "", (*lab).breakTarget},
		{"mend", "TARGET", "mend it, or all", "its monitors are ok again within their interval.", (*lab).mendTarget},
		{"ready", "", "wait until every city has delivered a result of every monitor", "", (*lab).ready},
	}
}

type usageError struct{ error }

func (l *lab) run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return l.list()
	}
	for _, f := range faults() {
		if f.name != args[0] {
			continue
		}
		if want := min(len(f.arg), 1); len(args)-1 != want {
			return &usageError{fmt.Errorf("want: fault %s %s", f.name, f.arg)}
		}
		arg := ""
		if f.arg != "" {
			arg = args[1]
		}
		if f.expect != "" {
			fmt.Fprintf(l.out, "%s %s: %s\nexpect: %s\n", f.name, arg, f.what, f.expect)
		}
		return f.do(l, ctx, arg)
	}
	return &usageError{fmt.Errorf("unknown fault %q: fault, without more, lists them", args[0])}
}

func (l *lab) list() error {
	w := tabwriter.NewWriter(l.out, 0, 0, 2, ' ', 0)
	for _, f := range faults() {
		fmt.Fprintf(w, "fault %s %s\t%s\n", f.name, f.arg, f.what)
	}
	return w.Flush()
}

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/console/prompt"
	"netmon/console/words"
)

// sessionKey is where an App's Metadata holds the session of its prompt.
const sessionKey = "session"

// session is one prompt's connection, which its commands share.
type session struct {
	cl    *console.Client
	url   string
	shown string // url without what is nobody's business
	live  *prompt.Live
}

// newSession connects a prompt. What becomes of the connection is told at once.
func newSession(connect func(...nats.Option) (*nats.Conn, error), url string) (*session, error) {
	s := &session{url: url, shown: bare(url), live: prompt.NewLive()}
	cl, err := console.Connect(connect,
		nats.DisconnectErrHandler(func(*nats.Conn, error) { s.live.Lost() }),
		nats.ReconnectHandler(func(*nats.Conn) { s.live.Back() }))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: is `netmon up` or `netmon broker` running there? (--broker, NETMON_BROKER)", s.shown, err)
	}
	s.cl = cl
	return s, nil
}

// bare leaves users and passwords out of a broker's URLs.
func bare(urls string) string {
	parts := strings.Split(urls, ",")
	for i, u := range parts {
		scheme, rest, ok := strings.Cut(u, "://")
		if at := strings.LastIndexByte(rest, '@'); ok && at >= 0 {
			parts[i] = scheme + "://" + rest[at+1:]
		}
	}
	return strings.Join(parts, ",")
}

// with runs do on the shared connection, or says at once that it is away.
func (s *session) with(ctx context.Context, do func(context.Context, *console.Client) error) error {
	if !s.cl.Connected() {
		return fmt.Errorf("%s: %w: the connection is lost and is being made again; nothing was done: try again when the prompt shows ●", s.shown, console.ErrUnreachable)
	}
	return do(ctx, s.cl)
}

// run carries out one command line in a new App: one that is run twice keeps
// values of the run before.
func (s *session) run(ctx context.Context, args []string, out, errs io.Writer) int {
	app := newApp(strings.NewReader(""), out, errs)
	if !slices.ContainsFunc(args, elsewhere) {
		if app.Metadata == nil {
			app.Metadata = map[string]any{}
		}
		app.Metadata[sessionKey] = s
	}
	return runApp(ctx, app, append([]string{"netmon"}, args...), errs)
}

// elsewhere says that an argument chooses another broker than the session's.
func elsewhere(arg string) bool {
	return slices.Contains([]string{"broker", "context"}, flagOf(arg)) && strings.HasPrefix(arg, "-")
}

// follow keeps the session's picture of the mesh, and the stream of results,
// until the function that it returns is called.
func (s *session) follow(ctx context.Context, stream *prompt.Stream) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { s.live.Run(ctx, s.cl) })
	wg.Go(func() { stream.Run(ctx, s.cl) })
	return func() {
		cancel()
		wg.Wait()
	}
}

// options are what the prompt needs of this program.
func (s *session) options() prompt.Options {
	return prompt.Options{
		Broker:   strings.TrimPrefix(s.shown, "nats://"),
		Commands: commandTree(newApp(nil, io.Discard, io.Discard).Commands),
		Run:      s.run,
		World:    flowWorld,
		Live:     s.live,
		Full:     []string{"dash"},
		Take: func(args []string, in io.Reader, out io.Writer) int {
			if !slices.ContainsFunc(args, elsewhere) {
				args = append(args, "--broker", s.url)
			}
			return run(context.Background(), append([]string{"netmon"}, args...), in, out, out)
		},
		History: stateDir("history"),
	}
}

// farewell says what leaving leaves behind.
func (s *session) farewell() string {
	snap := s.live.Snapshot()
	if len(snap.Monitors) == 0 {
		return "nothing was stopped\ncome back with: netmon console" + s.brokerArg()
	}
	return fmt.Sprintf("what runs goes on running: %s, %s\ncome back with: netmon console%s",
		prompt.Count(len(snap.Monitors), "monitor"), prompt.Count(snap.Online(), "agent"), s.brokerArg())
}

func (s *session) brokerArg() string {
	if s.url == console.DefaultBroker {
		return ""
	}
	return " --broker " + words.Quote(s.shown)
}

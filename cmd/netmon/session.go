package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/draft"
	"netmon/console/flow"
	"netmon/console/prompt"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/internal/userdirs"
	"netmon/probes/kinds"
)

// session is the connection of one prompt, which its commands share. It can move to
// another broker.
type session struct {
	waits bool // for a broker that is not there yet: a person sees that

	mu    sync.Mutex // guards the rest
	at    endpoint.Broker
	cl    *console.Client
	model *console.Model // of cl
	moved chan struct{}  // closed when cl is another one
}

// promptModel is what a prompt has to know: of states how many there are.
func promptModel(cl *console.Client) *console.Model {
	return cl.Model(console.ModelOptions{Parts: console.PartStates | console.PartIncidents | console.PartSettings, Totals: true})
}

// newSession connects a prompt.
func newSession(at endpoint.Broker, waits bool) (*session, error) {
	s := &session{waits: waits}
	if err := s.move(at); err != nil {
		return nil, err
	}
	return s, nil
}

// sessionOn makes one of a connection that is there, which it does not follow.
func sessionOn(at endpoint.Broker, cl *console.Client) *session {
	return &session{at: at, cl: cl, model: promptModel(cl), moved: make(chan struct{})}
}

// move brings the prompt to another broker. Where that fails, it stays.
func (s *session) move(to endpoint.Broker) error {
	cl, err := console.ConnectAs(to.Who, to.Connect)
	if errors.Is(err, console.ErrUnreachable) && s.waits && !letIn(err) {
		cl, err = console.ConnectAs(to.Who, to.Connect, nats.RetryOnFailedConnect(true))
	}
	if err != nil {
		return fmt.Errorf("%s: %w: is `netmon up` or `netmon broker` running there? (--broker, NETMON_BROKER)", to.URL, err)
	}
	s.mu.Lock()
	old, moved := s.cl, s.moved
	s.at, s.cl, s.model, s.moved = to, cl, promptModel(cl), make(chan struct{})
	s.mu.Unlock()
	if old != nil {
		close(moved)
		old.Close()
	}
	return nil
}

// letIn says that a broker is there, and did not let us in: to ask again would
// not help.
func letIn(err error) bool {
	return errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrAuthRevoked)
}

// snapshot is what is known now of the mesh where the prompt is.
func (s *session) snapshot() prompt.Snapshot {
	s.mu.Lock()
	at, model := s.at, s.model
	s.mu.Unlock()
	return prompt.SnapshotOf(model, at.Shown(), at.URL)
}

// load asks for what there is now, where nothing is followed.
func (s *session) load(ctx context.Context) (prompt.Snapshot, error) {
	at, cl, _ := s.now()
	model := promptModel(cl)
	err := model.Load(ctx)
	return prompt.SnapshotOf(model, at.Shown(), at.URL), err
}

// now is where the prompt is, and what tells that it is elsewhere.
func (s *session) now() (endpoint.Broker, *console.Client, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at, s.cl, s.moved
}

func (s *session) close() {
	_, cl, _ := s.now()
	cl.Close()
}

// with runs do on the shared connection, or says at once that it is away.
func (s *session) with(ctx context.Context, do func(context.Context, *console.Client) error) error {
	at, cl, _ := s.now()
	if !cl.Connected() {
		return fmt.Errorf("%s: %w: nothing was done: try again when the prompt shows ●", at.URL, console.ErrUnreachable)
	}
	return do(ctx, cl)
}

// execute executes one command line in a new App: an App keeps the flags' values of a
// run before.
func (s *session) execute(ctx context.Context, args []string, out, errs io.Writer) int {
	return s.executeIn(ctx, newApp(strings.NewReader(""), out, errs), nil, args)
}

func (s *session) executeIn(ctx context.Context, app *cli.App, said io.Writer, args []string) int {
	i := &invocation{said: said}
	if !slices.ContainsFunc(args, elsewhere) || args[0] == "context" {
		i.session = s
	}
	return executeApp(ctx, i, app, append([]string{"netmon"}, args...))
}

// elsewhere says that an argument chooses another broker than the session's.
func elsewhere(arg string) bool {
	return slices.Contains([]string{"broker", "context", "creds"}, cmdline.FlagOf(arg)) && strings.HasPrefix(arg, "-")
}

// follow keeps the session's picture of the mesh, and the stream of results,
// until the function that it returns is called.
func (s *session) follow(ctx context.Context, stream *prompt.Stream) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() {
		for ctx.Err() == nil {
			s.mu.Lock()
			cl, model, moved := s.cl, s.model, s.moved
			s.mu.Unlock()
			here, leave := context.WithCancel(ctx)
			var wg sync.WaitGroup
			wg.Go(func() { model.Run(here) })
			wg.Go(func() { stream.Run(here, cl) })
			select {
			case <-ctx.Done():
			case <-moved:
			}
			leave()
			wg.Wait()
			if ctx.Err() == nil {
				stream.SetMode(stream.Mode()) // what waits is of the broker before
			}
		}
	})
	return func() {
		cancel()
		all.Wait()
	}
}

// options are what the prompt needs of this program.
func (s *session) options() prompt.Options {
	return prompt.Options{
		Commands: append(promptTree(newApp(nil, io.Discard, io.Discard).Commands), shorthandsOfPrompt()...),
		Execute:  s.execute,
		World:    worldOf,
		Look:     s.snapshot,
		Ask:      s.ask,
		Full:     []string{"dash", "edit"},
		Take: func(ctx context.Context, args []string, in io.Reader, out, said io.Writer) int {
			return s.executeIn(ctx, newApp(in, out, said), said, args)
		},
		History: userdirs.State("history"),
	}
}

func worldOf(s prompt.Snapshot) flow.World {
	return draft.World(kinds.All(), s.Monitors, s.Agents, s.Address)
}

// farewell says what runs on after the prompt, and how to come back.
func (s *session) farewell() string {
	at, _, _ := s.now()
	snap := s.snapshot()
	if len(snap.Monitors) == 0 {
		return "come back with: netmon console" + at.Args()
	}
	return fmt.Sprintf("still running: %s, %s\ncome back with: netmon console%s",
		prompt.Count(len(snap.Monitors), "monitor"), prompt.Count(snap.Online(), "agent"), at.Args())
}

package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"netmon/broker/access"
)

// Broker is an embedded NATS server with its store.
type Broker struct {
	log   *slog.Logger
	often *repeats // of what servers log
	store string   // "" when the server keeps nothing on disk
	lock  *storeLock

	ballast  *ballast
	reloaded chan struct{} // says to AdjustLimit that the streams were loaded again

	brought Brought // from other accounts of the store
	plain   bool    // results were loaded as a stream that is not compressed; of Run, once it began

	// restarting is held while one server makes way for the next, so that
	// Close does not come between them.
	restarting sync.Mutex

	mu     sync.Mutex      // guards the rest
	opts   *server.Options // what each new server starts with: the server changes its own copy
	srv    *server.Server
	closed bool
}

// Start starts a server and returns when it takes connections. Its errors say
// what to do next. Cancelling ctx gives up the start; it has no say afterwards.
func Start(ctx context.Context, o Options) (*Broker, error) {
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	opts, warnings, err := o.server()
	if err != nil {
		return nil, err
	}
	if !o.Insecure {
		if err := refuseOpen(opts); err != nil {
			return nil, err
		}
	}
	for _, w := range warnings {
		log.Warn("nats-server configuration: " + w)
	}
	b := &Broker{log: log, often: newRepeats(log), opts: opts, reloaded: make(chan struct{}, 1)}
	if opts.JetStream {
		b.store = opts.StoreDir
		if b.lock, err = lockStore(b.store); err != nil {
			return nil, err
		}
		if err := Whole(b.store); err != nil && !o.Restoring {
			b.often.close()
			b.lock.release()
			return nil, err
		}
		b.ballast = newBallast(b.store)
	}
	// The server opens its store before it listens, and a big store takes a
	// while: look first whether there is any point.
	err = tryListen(ctx, opts)
	if err == nil && o.Config == "" {
		err = followAccount(b.store, o.Access)
	}
	if err == nil && o.Config == "" { // of others' servers the accounts are theirs
		b.brought, err = bringAlong(b.store, accountOf(o.Access), o.BringAlong, time.Now())
	}
	if err == nil && o.Config == "" { // it may have been started with a larger results size before
		there := promised(b.store)
		opts.JetStreamMaxStore = max(opts.JetStreamMaxStore, there+there/8)
	}
	if err == nil {
		b.srv, err = startServer(ctx, opts, log, b.often)
	}
	if err == nil {
		err = b.adoptStored(o.Access)
	}
	if err != nil {
		if b.srv != nil {
			b.srv.Shutdown()
			b.srv.WaitForShutdown()
		}
		b.often.close()
		b.lock.release()
		return nil, explainStart(err, opts)
	}
	if addr, ok := b.srv.Addr().(*net.TCPAddr); ok {
		b.options().Port = addr.Port // the same again after a restart
	}
	there, compressed := resultsIn(b.srv)
	b.plain = there && !compressed
	return b, nil
}

// startServer starts one server with a copy of opts.
func startServer(ctx context.Context, opts *server.Options, log *slog.Logger, often *repeats) (*server.Server, error) {
	srv, err := server.NewServer(opts.Clone())
	if err != nil {
		return nil, err
	}
	l := newServerLog(log, often)
	srv.SetLoggerV2(l, opts.Debug, opts.Trace, opts.TraceVerbose)
	started := make(chan struct{})
	go func() {
		defer close(started)
		srv.Start()
	}()
	err = awaitReady(ctx, srv, l, started)
	if err != nil {
		// nats-server is not made to be shut down while it starts: its own
		// counters race. It starts in milliseconds, or in the time that a large
		// store takes to read.
		<-started
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, err
	}
	return srv, nil
}

// awaitReady waits until srv takes connections. The server reports most
// troubles only by its log.
func awaitReady(ctx context.Context, srv *server.Server, l *serverLog, started <-chan struct{}) error {
	fatal := func() error { return errors.New(l.lastFatal()) }
	select {
	case <-started:
	case <-l.fatal:
		return fatal()
	case <-ctx.Done():
		return fmt.Errorf("start the broker: %w", context.Cause(ctx))
	}
	// What listens besides the client port starts by itself: a cluster's
	// routes, leaf nodes, websockets.
	const patience = 10 * time.Second
	for begun := time.Now(); ; {
		select {
		case <-l.fatal:
			return fatal()
		case <-ctx.Done():
			return fmt.Errorf("start the broker: %w", context.Cause(ctx))
		default:
		}
		if srv.ReadyForConnections(100 * time.Millisecond) {
			return nil
		}
		if time.Since(begun) > patience {
			return fmt.Errorf("start the broker: it does not take connections after %v; its last error: %q", patience, l.lastError())
		}
	}
}

// URL is where others connect to, such as nats://127.0.0.1:4222. It is "" when
// the broker is in this process only.
func (b *Broker) URL() string { return clientURL(b.options()) }

// Openings lists what other hosts may use of it without saying who they are.
func (b *Broker) Openings() []Opening { return Openings(b.options()) }

// Store is the folder in which the broker keeps its data, "" when it keeps none.
func (b *Broker) Store() string { return b.store }

// Connect connects from inside this process. The connection comes back by
// itself after a restart of the server, and ends for good with Close.
func (b *Broker) Connect(opts ...nats.Option) (*nats.Conn, error) {
	all := []nats.Option{nats.MaxReconnects(-1), nats.ReconnectWait(100 * time.Millisecond), nats.ReconnectJitter(50*time.Millisecond, 50*time.Millisecond)}
	all = append(all, opts...)
	all = append(all, nats.InProcessServer(inProcess{b}))
	nc, err := nats.Connect("", all...)
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded broker: %w", err)
	}
	return nc, nil
}

// UpdateAccounts brings accounts that changed into the server: whoever was
// revoked is cut off at once. A server that is down reads them when it starts.
func (b *Broker) UpdateAccounts(_ context.Context, accounts []access.Account) error {
	srv := b.server()
	if srv == nil {
		return access.Remember(b.options(), accounts)
	}
	return access.Update(srv, accounts)
}

// options are what each new server starts with.
func (b *Broker) options() *server.Options {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.opts
}

// inProcess dials whichever server runs now.
type inProcess struct{ b *Broker }

func (p inProcess) InProcessConn() (net.Conn, error) {
	srv := p.b.server()
	if srv == nil {
		return nil, errors.New("the broker is stopped")
	}
	c, err := srv.InProcessConn()
	if err != nil {
		return nil, err
	}
	return newPipe(c), nil
}

// server is the one that runs now, or nil.
func (b *Broker) server() *server.Server {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.srv
}

// Close stops the server, waits for its end and releases the store.
// It may be called more than once.
func (b *Broker) Close() { b.stop(false) }

// stop ends the server. With lameDuck, the clients of a cluster are first sent
// to its other servers.
func (b *Broker) stop(lameDuck bool) {
	b.restarting.Lock()
	defer b.restarting.Unlock()
	b.mu.Lock()
	srv, done := b.srv, b.closed
	b.srv, b.closed = nil, true
	b.mu.Unlock()
	if done {
		return
	}
	if srv != nil {
		if lameDuck {
			srv.LameDuckShutdown()
		}
		srv.Shutdown()
		srv.WaitForShutdown()
	}
	b.often.close()
	b.lock.release()
}

// tryListen finds out early and exactly what is wrong with the addresses.
func tryListen(ctx context.Context, o *server.Options) error {
	try := func(host string, port int) error {
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, fmt.Sprint(max(port, 0))))
		if err != nil {
			return err
		}
		return l.Close()
	}
	if !o.DontListen {
		port := o.Port
		if port == 0 {
			port = server.DEFAULT_PORT
		}
		if err := try(o.Host, port); err != nil {
			return err
		}
	}
	if o.HTTPPort > 0 {
		return try(o.HTTPHost, o.HTTPPort)
	}
	return nil
}

// makeStore makes the folder and reports in words why it cannot be used.
func makeStore(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("store %s: %w: give a store folder that you may write", dir, err)
	}
	return nil
}

package host

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/nats-io/nats.go"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/console/shellwords"
	"netmon/internal/endpoint"
	"netmon/internal/exit"
	"netmon/internal/userdirs"
)

// BrokerOptions are those of a broker, and of what goes with it in this process.
type BrokerOptions struct {
	broker.Options           // Access is what Start makes of the rest
	AskAll         bool      // who they are, also where only this host reaches the broker
	NoController   bool      // in this process
	OwnAgent       string    // the id of the agent in this process, "" for none
	Talk           io.Writer // what people should know
}

// Broker is the broker of this process, which may know who is who, and what the
// other parts of the process need of it.
type Broker struct {
	*broker.Broker
	Controller func(...nats.Option) (*nats.Conn, error) // connects as the controller
	authority  *access.Authority                        // nil: it has no identities
	forget     func()                                   // takes back the note of it for commands on this host
	hosts      []string                                 // further addresses by which others may join
	log        *slog.Logger
}

// Start starts a broker, after it has decided whether it has identities, and
// notes it for commands on this host. Its other parts run in [Broker.Serve].
// The error of a broker that would be open to whoever comes is wrong use.
func Start(ctx context.Context, o BrokerOptions) (*Broker, error) {
	if o.Config == "" {
		var err error
		if o.Access, err = openAccess(o); err != nil {
			return nil, err
		}
	}
	b, err := start(ctx, o)
	if err != nil && o.Access != nil {
		o.Access.Close()
	}
	return b, err
}

func start(ctx context.Context, o BrokerOptions) (*Broker, error) {
	if o.Access != nil && o.NoController {
		return nil, exit.Usage("--no-controller: without a controller no agent learns whom to obey, and this broker has identities: leave it out, or add --insecure")
	}
	nb, err := broker.Start(ctx, o.Options)
	if err != nil {
		return nil, refusal(err)
	}
	warnOpen(o.Talk, nb, o.Config == "")
	b, err := Around(nb, o.Access, o.Log)
	if err == nil {
		err = b.note(o)
	}
	if err != nil {
		nb.Close()
		return nil, err
	}
	b.printBrought(ctx, o.Talk, o.OwnAgent)
	return b, nil
}

// Around prepares this process for a broker that runs already; a is its authority,
// nil for none.
func Around(nb *broker.Broker, a *access.Authority, log *slog.Logger) (*Broker, error) {
	b := &Broker{Broker: nb, Controller: nb.Connect, authority: a, forget: func() {}, log: log}
	if a == nil {
		return b, nil
	}
	credential, err := a.Built(access.Controller, "controller")
	if err != nil {
		return nil, err
	}
	b.Controller = as(nb.Connect, credential)
	return b, nil
}

// note lets commands on this host find the broker, until it is closed.
func (b *Broker) note(o BrokerOptions) error {
	if b.authority == nil {
		if o.Config == "" && o.Store != "" && endpoint.SameFolder(o.Store, userdirs.State("broker")) {
			b.forget = endpoint.Note(endpoint.Local{URL: b.URL(), Store: o.Store}, o.Log)
		}
		return nil
	}
	b.hosts = otherHosts(o.Listen, o.Advertise, b.URL(), endpoint.OwnAddresses())
	local, err := localURL(o.Listen, b.URL())
	if err == nil {
		err = b.authority.WriteAdmin(b.authority.Admin(), local)
	}
	if err == nil {
		b.forget = endpoint.Note(endpoint.Local{URL: local, Store: o.Store, Admin: b.authority.Admin()}, o.Log)
	}
	return err
}

// Close ends what Start began, unless [Broker.Serve] did.
func (b *Broker) Close() {
	b.forget()
	b.Broker.Close()
	if b.authority != nil {
		b.authority.Close()
	}
}

// Serving is what of a broker's process can be chosen.
type Serving struct {
	Limits  *broker.Limits // of what its controller keeps; nil: there is no controller
	Kept    func()         // when not nil, called once the streams are there
	Answers func()         // when not nil, called once what people save gets through, perhaps again later

	Notifier *NotifierOptions // nil: there is no notifier
	History  History          // that its controller keeps; Folder is beside the streams unless it says otherwise
	Files    *Files           // that its controller keeps what is saved by; nil: none
}

// Serve runs the broker, its controller, what lets people in and its notifier, until ctx
// ends and all of them have ended: the notifier first, since it needs the others to say
// what it sent.
func (b *Broker) Serve(ctx context.Context, s Serving) error {
	var parts sync.WaitGroup
	defer parts.Wait()
	notified := make(chan struct{})
	notifying, stopNotifier := context.WithCancel(ctx)
	ctx, stop := outlive(ctx, notified)
	defer stop()
	defer stopNotifier()
	parts.Go(func() {
		defer close(notified)
		if s.Notifier != nil {
			joined, err := b.Notifier()
			runOwnNotifier(notifying, *s.Notifier, joined, err)
		}
	})
	kept := make(chan struct{}) // the audit's stream, too
	var limits broker.Limits    // none of ours without a controller
	if s.Limits == nil {
		close(kept)
	} else {
		limits = *s.Limits
		parts.Go(func() {
			b.control(ctx, limits, s, sync.OnceFunc(func() {
				close(kept)
				if s.Kept != nil {
					s.Kept()
				}
			}))
		})
	}
	parts.Go(func() { b.Answer(ctx, kept, s.Answers) })
	parts.Go(func() { keepMemory(ctx, b.log) })
	parts.Go(func() { b.AdjustLimit(ctx, b.Controller, limits) })
	return b.Run(ctx)
}

// Control is the controller of the mesh until ctx ends. ready is called once the
// streams are there, perhaps again later.
func (b *Broker) Control(ctx context.Context, limits broker.Limits, ready func()) {
	b.control(ctx, limits, Serving{History: History{Folder: broker.HistoryFolder(b.Store())}}, ready)
}

func (b *Broker) control(ctx context.Context, limits broker.Limits, s Serving, ready func()) {
	c := controls{connect: b.Controller, limits: limits, space: b.Space, ready: ready, history: s.History, files: s.Files, log: b.log}
	if b.authority != nil {
		c.access = accessOf(b.authority)
	}
	var err error
	if c.saver, err = saverOf(b.authority, b.Connect, endpoint.HostPort(b.URL())); err != nil {
		b.log.Error("controller", "error", err)
		return
	}
	c.run(ctx)
}

// PrintAccess says how to let others in, from this host.
func (b *Broker) PrintAccess(w io.Writer) {
	if b.authority == nil {
		return
	}
	by := ""
	// What a command would find here: a context in use, or the environment, goes first.
	if e, err := endpoint.Choose("", "", nil); err != nil || !endpoint.SameFolder(e.Identity, b.authority.Admin()) {
		by = " --creds " + shellwords.Quote(b.authority.Admin())
	}
	fmt.Fprintf(w, "  let an agent in:   netmon token new agent --id NAME%s\n", by)
	fmt.Fprintf(w, "  let a person in:   netmon token new console --name NAME --role operator%s\n", by)
}

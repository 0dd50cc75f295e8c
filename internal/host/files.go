package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker/access"
	"netmon/console"
	"netmon/console/folder"
	"netmon/console/monitorfile"
	"netmon/internal/private"
	"netmon/internal/safeyaml"
	"netmon/wire"
)

// Files are those that the leading controller keeps what is saved by (docs/adr/0081).
type Files struct {
	Paths  []string // files and folders
	Prune  bool     // what the controller saved last, and is in no file, is deleted
	Checks console.Checks
	Agents []string // of this host: they alone reach the broker at a loopback address

	every, settle time.Duration // of tests; 0: the usual ones
}

// saver is how what the files want is saved.
type saver struct {
	connect func(...nats.Option) (*nats.Conn, error)
	who     console.Person
	address string // HOST:PORT of the broker, in the place of ${broker}
}

// saverOf saves as the controller over connect, which does not say yet who we are. a is nil
// where the mesh has no identities: then whoever connects may write any author.
func saverOf(a *access.Authority, connect func(...nats.Option) (*nats.Conn, error), address string) (saver, error) {
	s := saver{connect: connect, who: console.Person{Name: access.FilesAuthor}, address: address}
	if a == nil {
		return s, nil
	}
	credential, signer, err := a.Files()
	s.connect = as(connect, append(credential, nats.IgnoreAuthErrorAbort()))
	s.who.Signer, s.who.Operators = signer, a.Operators()
	return s, err
}

// lead is the duty of the leading controller: it keeps what is saved as the files have it
// until ctx ends, and says how far it is under [wire.FilesKey], over nc.
func (f Files) lead(by saver, nc *nats.Conn, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		s := newKeptFiles(f.shown())
		var telling sync.WaitGroup
		defer telling.Wait()
		telling.Go(func() { s.tell(ctx, nc, log) })
		if err := folder.Run(ctx, f.options(by, s, log)); err != nil {
			return err
		}
		return ctx.Err()
	}
}

// shown are the paths as text.
func (f Files) shown() string { return console.ShortList(f.Paths, 3) }

// refuse says that everybody on this host could change the files: whoever writes them
// decides what is measured, in the controller's name.
func (f Files) refuse() error {
	var errs []error
	for _, path := range f.Paths {
		errs = append(errs, private.Err(private.Shared(path)))
	}
	return errors.Join(errs...)
}

func (f Files) options(by saver, s *keptFiles, log *slog.Logger) folder.Options {
	o := folder.Options{Paths: f.Paths, Checks: f.Checks, Prune: f.Prune, Within: true, Every: f.every, Settle: f.settle,
		Refuse: f.refuse,
		Connect: func(context.Context) (*console.Client, func(), error) {
			cl, err := console.ConnectAs(by.who, by.connect)
			if err != nil {
				return nil, nil, err
			}
			return cl, cl.Close, nil
		},
		Plan: func(ctx context.Context, cl *console.Client, wanted console.Wanted) (console.Plan, error) {
			return cl.Ops(f.Checks).PlanOwned(ctx, wanted.Here(by.address, f.Agents...), f.Prune, access.FilesAuthor)
		},
		Saved: func(x folder.Saved) { log.Info("files: " + x.String()) },
		Warn:  func(text string) { log.Warn("files: " + text) },
		Wrong: func(err error) {
			s.wrong(err)
			if errors.Is(err, monitorfile.ErrEmpty) {
				log.Warn("files: what is saved stays as it is", "reason", err)
				return
			}
			for _, text := range mistakeTexts(err) {
				log.Error("files: nothing changes until all are right", "mistake", text)
			}
		},
		Trouble: func(err error) {
			s.trouble(err)
			if err != nil {
				log.Error("files: what they want cannot be saved: trying again", "error", err)
				return
			}
			log.Info("files: what they want can be saved again")
		},
		Kept: func(of console.Wanted) {
			s.kept(of)
			log.Info("files: all is saved as they have it", "files", f.shown(), "holds", of.Count())
		},
	}
	return o
}

// mistakeTexts are a line for each mistake, the first ones where there are many.
func mistakeTexts(err error) (list []string) {
	const most = 100
	for _, one := range leaves(err) {
		if len(list) >= most {
			return append(list, "and more")
		}
		if m, ok := one.(*safeyaml.Mistake); ok {
			list = append(list, fmt.Sprintf("%s:%d: %s", m.Path, m.Line, m.Short()))
			continue
		}
		list = append(list, strings.Split(one.Error(), "\n")...)
	}
	return list
}

// leaves are the errors that one joins.
func leaves(err error) (list []error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, one := range joined.Unwrap() {
		list = append(list, leaves(one)...)
	}
	return list
}

// publicText is the first mistake for everybody who reads the mesh: file, line, and what is
// wrong with the field. Of what is no field, and may be anything, it shows nothing.
func publicText(err error) string {
	first := leaves(err)[0]
	if m, ok := first.(*safeyaml.Mistake); ok && m.Field == "" {
		what, _, _ := strings.Cut(m.What.Error(), ", got ")
		return fmt.Sprintf("%s:%d: %s", m.Path, m.Line, what)
	}
	return mistakeTexts(first)[0]
}

// keptFiles is how far the files are saved, for who asks.
type keptFiles struct {
	mu      sync.Mutex // guards is
	is      wire.KeptFiles
	changed chan struct{} // has room for one
}

func newKeptFiles(folder string) *keptFiles {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &keptFiles{is: wire.KeptFiles{Folder: folder, Host: host, Since: time.Now().UTC(), Problem: "they are being read"}, changed: make(chan struct{}, 1)}
}

func (s *keptFiles) set(change func(*wire.KeptFiles)) {
	s.mu.Lock()
	change(&s.is)
	s.is.Since = time.Now().UTC()
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *keptFiles) wrong(err error) {
	n := len(leaves(err))
	if errors.Is(err, monitorfile.ErrEmpty) { // it is still to come, as a ConfigMap may be
		n = 0
	}
	s.set(func(k *wire.KeptFiles) { k.Mistakes, k.Problem = n, wire.Clip(publicText(err), wire.MaxText) })
}

func (s *keptFiles) trouble(err error) {
	s.set(func(k *wire.KeptFiles) {
		switch {
		case err != nil:
			k.Problem = wire.Clip(err.Error(), wire.MaxText)
		case k.Mistakes == 0:
			k.Problem = ""
		}
	})
}

func (s *keptFiles) kept(of console.Wanted) {
	s.set(func(k *wire.KeptFiles) {
		k.Monitors, k.Settings, k.Mistakes, k.Problem = len(of.Monitors), len(of.Settings), 0, ""
	})
}

// tell writes it down whenever it changes, and before it would be gone, until ctx ends.
func (s *keptFiles) tell(ctx context.Context, nc *nats.Conn, log *slog.Logger) {
	for failed := 0; ; {
		switch err := s.write(ctx, nc); {
		case err == nil:
			failed = 0
		case ctx.Err() == nil:
			if failed++; failed == 3 { // a broker that starts over answers before
				log.Warn("files: nobody hears how far they are saved: trying again", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
		case <-time.After(wire.LeaseTTL / 3):
		}
	}
}

func (s *keptFiles) write(ctx context.Context, nc *nats.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, wire.LeaseTTL/3)
	defer cancel()
	s.mu.Lock()
	data, err := json.Marshal(s.is)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	_, err = js.Publish(ctx, "$KV."+wire.ControlBucket+"."+wire.FilesKey, data)
	return err
}

package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

const (
	// consumersMost is how many consumers one identity may have at once: some ten
	// screens' worth.
	consumersMost = 64
	// streamMost is how many consumers a stream may have before all but admins are
	// refused further ones. The server refuses everybody beyond 1,000
	// (DefaultMaxConsumers), so that many identities together could keep out the one
	// who can remove them.
	streamMost = 800
	// abandoned is how long after it was made a consumer that nobody reads by makes
	// place for a further one of its owner: programs that read for a moment, as
	// earlier ones, leave theirs behind.
	abandoned = 2 * time.Second
	// lookAgain is how often at most the server is asked again where there is no room.
	lookAgain = time.Second
	// ownerKey is where a consumer's metadata says whose it is.
	ownerKey = "netmon.owner"
)

// held names a consumer.
type held struct{ stream, name string }

// consumers knows which consumers there are. The server has the last word: they
// end by themselves, and consoles delete them without asking here.
type consumers struct {
	nc *nats.Conn
	js jetstream.JetStream

	mu     sync.Mutex               // guards what follows
	of     map[string]map[held]bool // by owner, "" for those that no console made; nil until the server was asked
	unread map[string][]held        // by owner, oldest first: those that nobody read by when the server was asked
	asked  map[asker]int            // requests that room let pass, and that are not done
	looked time.Time                // when that was
}

// asker is who asks for a consumer, of which stream.
type asker struct{ owner, stream string }

func newConsumers(nc *nats.Conn, js jetstream.JetStream) *consumers {
	return &consumers{nc: nc, js: js, asked: map[asker]int{}}
}

// reserve says whether an owner may have one more consumer, or this one again. Where
// it may, done is to be called once, with the name of the one that was made, or "".
func (cs *consumers) reserve(ctx context.Context, owner string, role wire.Role, c held) (done func(name string), err error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if err := cs.find(ctx, owner, role, c); err != nil {
		return nil, err
	}
	a := asker{owner, c.stream}
	cs.asked[a]++
	return func(name string) {
		cs.mu.Lock()
		defer cs.mu.Unlock()
		if cs.asked[a]--; cs.asked[a] == 0 {
			delete(cs.asked, a)
		}
		if name != "" {
			cs.note(owner, held{c.stream, name})
		}
	}, nil
}

// find finds room. It needs mu.
func (cs *consumers) find(ctx context.Context, owner string, role wire.Role, c held) error {
	if cs.of == nil {
		if err := cs.refresh(ctx); err != nil {
			return err
		}
	}
	if cs.of[owner][c] {
		return nil
	}
	full := cs.full(owner, role, c.stream)
	if full != nil && time.Since(cs.looked) >= lookAgain {
		if err := cs.refresh(ctx); err != nil {
			return err
		}
		if err := cs.dropUnused(ctx, owner); err != nil {
			return err
		}
		full = cs.full(owner, role, c.stream)
	}
	if full != nil || c.name == "" {
		return full
	}
	// To change another's would be to have what it reads.
	switch info, err := cs.info(ctx, c); {
	case err != nil:
		return err
	case info != nil && info.Config.Metadata[ownerKey] != owner:
		return fmt.Errorf("name: the consumer %q is not yours", c.name)
	}
	return nil
}

// full says why there is no room for one more. It needs mu.
func (cs *consumers) full(owner string, role wire.Role, stream string) error {
	n, all := len(cs.of[owner]), 0
	for a, count := range cs.asked {
		if a.owner == owner {
			n += count
		}
		if a.stream == stream {
			all += count
		}
	}
	if n >= consumersMost {
		return fmt.Errorf("%s has %d consumers, which is the limit for one identity: stop some of the programs that read, "+
			"or try again in a moment, when unused ones are gone. An admin lists and removes them: netmon access consumers rm %s", owner, n, owner)
	}
	for _, some := range cs.of {
		for c := range some {
			if c.stream == stream {
				all++
			}
		}
	}
	if all >= streamMost && role != wire.RoleAdmin {
		return fmt.Errorf("the stream %s has %d consumers, which is the limit beside those of admins, who list and remove them: netmon access consumers", stream, all)
	}
	return nil
}

// refresh asks the server which there are. It needs mu.
func (cs *consumers) refresh(ctx context.Context) error {
	all, err := cs.list(ctx)
	if err != nil {
		return fmt.Errorf("cannot count the consumers: try again: %w", err)
	}
	cs.of, cs.unread, cs.looked = map[string]map[held]bool{}, map[string][]held{}, time.Now()
	slices.SortFunc(all, func(a, b *jetstream.ConsumerInfo) int { return a.Created.Compare(b.Created) })
	for _, info := range all {
		owner, c := info.Config.Metadata[ownerKey], held{info.Stream, info.Name}
		cs.note(owner, c)
		if info.NumWaiting == 0 && !info.PushBound && info.TimeStamp.Sub(info.Created) > abandoned {
			cs.unread[owner] = append(cs.unread[owner], c)
		}
	}
	return nil
}

// dropUnused removes consumers of an owner that nobody reads by, until half of what
// it may have is free or none are left. It needs mu.
func (cs *consumers) dropUnused(ctx context.Context, owner string) error {
	if owner == "" {
		return nil
	}
	for _, c := range cs.unread[owner] {
		if len(cs.of[owner]) <= consumersMost/2 {
			break
		}
		if err := cs.js.DeleteConsumer(ctx, c.stream, c.name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return err
		}
		delete(cs.of[owner], c)
	}
	return nil
}

// note needs mu.
func (cs *consumers) note(owner string, c held) {
	if cs.of[owner] == nil {
		cs.of[owner] = map[held]bool{}
	}
	cs.of[owner][c] = true
}

// listen hears from the server which ones ended, however they did. Should that get
// lost, look finds out.
func (cs *consumers) listen() (*nats.Subscription, error) {
	const ended = "$JS.EVENT.ADVISORY.CONSUMER.DELETED."
	return cs.nc.Subscribe(ended+"*.*", func(m *nats.Msg) {
		stream, name, _ := strings.Cut(strings.TrimPrefix(m.Subject, ended), ".")
		cs.gone(held{stream, name})
	})
}

func (cs *consumers) gone(c held) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, all := range cs.of {
		delete(all, c)
	}
}

// info asks the server after a consumer; nil says that there is none.
func (cs *consumers) info(ctx context.Context, c held) (*jetstream.ConsumerInfo, error) {
	m, err := cs.nc.RequestWithContext(ctx, "$JS.API.CONSUMER.INFO."+c.stream+"."+c.name, nil)
	if err != nil {
		return nil, err
	}
	var r struct {
		jetstream.ConsumerInfo
		Error *jetstream.APIError `json:"error"`
	}
	switch err := json.Unmarshal(m.Data, &r); {
	case err != nil:
		return nil, err
	case r.Error != nil && r.Error.Code == 404:
		return nil, nil
	case r.Error != nil:
		return nil, r.Error
	}
	return &r.ConsumerInfo, nil
}

// list asks the server for all consumers of the streams that consoles read.
func (cs *consumers) list(ctx context.Context) (all []*jetstream.ConsumerInfo, err error) {
	for _, name := range append([]string{wire.AuditStream}, readable...) {
		stream, err := cs.js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		l := stream.ListConsumers(ctx)
		for info := range l.Info() {
			all = append(all, info)
		}
		if err := l.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
			return nil, err
		}
	}
	return all, nil
}

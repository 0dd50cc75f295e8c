package access

import (
	"cmp"
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
	// lookAgain is how often at most the server is asked anew where there is no room.
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
	looked time.Time                // when it was asked
}

func newConsumers(nc *nats.Conn, js jetstream.JetStream) *consumers {
	return &consumers{nc: nc, js: js}
}

// room says whether an owner may have one more consumer, or this one again.
// Requests come one by one; see Serve.
func (cs *consumers) room(ctx context.Context, owner string, role wire.Role, c held) error {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.of == nil {
		if err := cs.look(ctx); err != nil {
			return err
		}
	}
	if cs.of[owner][c] {
		return nil
	}
	full := cs.full(owner, role, c.stream)
	if full != nil && time.Since(cs.looked) >= lookAgain {
		if err := cs.look(ctx); err != nil {
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
	if n := len(cs.of[owner]); n >= consumersMost {
		return fmt.Errorf("%s has %d consumers, which is as many as one identity may have at once: end some of the programs that read, wait until "+
			"those go that nobody reads by (%v), or let an admin remove them: netmon access consumers rm %s", owner, n, consumerLife, owner)
	}
	n := 0
	for _, all := range cs.of {
		for c := range all {
			if c.stream == stream {
				n++
			}
		}
	}
	if n >= streamMost && role != wire.RoleAdmin {
		return fmt.Errorf("the stream %s has %d consumers, which is as many as it may have beside those of admins, who see and remove them: netmon access consumers", stream, n)
	}
	return nil
}

// look asks the server which there are. It needs mu.
func (cs *consumers) look(ctx context.Context) error {
	all, err := cs.list(ctx)
	if err != nil {
		return fmt.Errorf("the consumers that there are cannot be counted: try again: %w", err)
	}
	cs.of, cs.looked = map[string]map[held]bool{}, time.Now()
	for _, c := range all {
		cs.note(c.Owner, held{c.Stream, c.Name})
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

func (cs *consumers) made(owner string, c held) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.note(owner, c)
}

func (cs *consumers) gone(owner string, c held) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.of[owner], c)
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
func (cs *consumers) list(ctx context.Context) (all []wire.Consumer, err error) {
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
			all = append(all, consumerLine(info.Config.Metadata[ownerKey], info))
		}
		if err := l.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b wire.Consumer) int { return strings.Compare(after(a), after(b)) })
	return all, nil
}

// after is where a list goes on.
func after(c wire.Consumer) string { return c.Owner + " " + c.Stream + " " + c.Name }

func consumerLine(owner string, info *jetstream.ConsumerInfo) wire.Consumer {
	filter := cmp.Or(info.Config.FilterSubject, strings.Join(info.Config.FilterSubjects, " "))
	if len(filter) > filterMost {
		filter = filter[:filterMost] + "..."
	}
	return wire.Consumer{Owner: owner, Stream: info.Stream, Name: info.Name, Made: info.Created.UTC(), Filter: filter, Pending: info.NumPending}
}

// filterMost bounds what one line of a list says of what is read.
const filterMost = 200

// page is the part of a list that fits in one answer.
func (cs *consumers) page(ctx context.Context, owner, from string) (page []wire.Consumer, next string, err error) {
	all, err := cs.list(ctx)
	if err != nil {
		return nil, "", err
	}
	page = []wire.Consumer{}
	for _, c := range all {
		switch {
		case c.Owner == "", owner != "" && c.Owner != owner, after(c) <= from:
		case len(page) == listMost:
			return page, after(page[len(page)-1]), nil
		default:
			page = append(page, c)
		}
	}
	return page, "", nil
}

// remove ends one consumer of an owner, or, without a name, all.
func (cs *consumers) remove(ctx context.Context, owner, name string) (removed []wire.Consumer, err error) {
	all, err := cs.list(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if c.Owner == "" || c.Owner != owner || name != "" && c.Name != name {
			continue
		}
		if err := cs.js.DeleteConsumer(ctx, c.Stream, c.Name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return removed, err
		}
		cs.gone(owner, held{c.Stream, c.Name})
		removed = append(removed, c)
	}
	if len(removed) == 0 {
		return nil, fmt.Errorf("%s has no such consumer: netmon access consumers shows those that there are", cmp.Or(owner, "nobody"))
	}
	return removed, nil
}

// adminConsumers answers an admin who asks about them.
func (s *service) adminConsumers(ctx context.Context, m *nats.Msg, by string, q wire.AccessCommand) {
	var r wire.AccessReply
	var err error
	if q.Op == wire.AccessConsumers {
		r.Consumers, r.Next, err = s.consumers.page(ctx, q.Name, q.After)
	} else {
		r.Consumers, err = s.consumers.remove(ctx, q.Name, q.Consumer)
		s.note(ctx, wire.Audit{Where: whereAccess, By: by, Did: string(q.Op), What: []string{q.Name}, Detail: q.Consumer}, err)
	}
	s.answer(m, r, err)
}

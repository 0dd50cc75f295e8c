package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// filterMost bounds what one line of a list says of what is read.
const filterMost = 200

// after is where a list continues.
func after(c wire.Consumer) string { return c.Owner + " " + c.Stream + " " + c.Name }

// ofConsoles are the consumers that consoles made, in order.
func (cs *consumers) ofConsoles(ctx context.Context) (lines []wire.Consumer, err error) {
	all, err := cs.list(ctx)
	if err != nil {
		return nil, err
	}
	for _, info := range all {
		owner := info.Config.Metadata[ownerKey]
		if owner == "" {
			continue
		}
		filter := cmp.Or(info.Config.FilterSubject, strings.Join(info.Config.FilterSubjects, " "))
		if len(filter) > filterMost {
			filter = filter[:filterMost] + "..."
		}
		lines = append(lines, wire.Consumer{Owner: owner, Stream: info.Stream, Name: info.Name, Made: info.Created.UTC(), Filter: filter, Pending: info.NumPending})
	}
	slices.SortFunc(lines, func(a, b wire.Consumer) int { return strings.Compare(after(a), after(b)) })
	return lines, nil
}

// page is the part of a list that fits in one answer.
func (cs *consumers) page(ctx context.Context, owner, from string) (page []wire.Consumer, next string, err error) {
	all, err := cs.ofConsoles(ctx)
	if err != nil {
		return nil, "", err
	}
	page = []wire.Consumer{}
	for _, c := range all {
		switch {
		case owner != "" && c.Owner != owner, after(c) <= from:
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
	all, err := cs.ofConsoles(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if c.Owner != owner || name != "" && c.Name != name {
			continue
		}
		if err := cs.js.DeleteConsumer(ctx, c.Stream, c.Name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return removed, err
		}
		cs.gone(held{c.Stream, c.Name})
		removed = append(removed, c)
	}
	if len(removed) == 0 {
		return nil, fmt.Errorf("%q has no such consumer: netmon access consumers lists them", owner)
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
		s.note(wire.Audit{Where: whereAccess, By: by, Did: string(q.Op), What: []string{q.Name}, Detail: q.Consumer}, err)
	}
	s.answer(m, r, err)
}

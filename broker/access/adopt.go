package access

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// Adopt accepts what was saved before anybody had to sign, once in the life of
// a mesh: by an older netmon, or before the mesh asked who people are. It is
// written again exactly as it is, with the authority's word beside it.
func (a *Authority) Adopt(ctx context.Context, js jetstream.JetStream) error {
	if a.book.isAdopted() {
		return nil
	}
	stream, err := js.Stream(ctx, "KV_"+wire.MonitorsBucket)
	if err != nil {
		return err
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter("$KV."+wire.MonitorsBucket+".>"))
	if err != nil {
		return err
	}
	n := 0
	for subject := range info.State.Subjects {
		m, err := stream.GetLastMsgForSubject(ctx, subject)
		if err != nil {
			return fmt.Errorf("%s: %w", subject, err)
		}
		if m.Header.Get(wire.AcceptedHeader) != "" || m.Header.Get(headerOperation) != "" {
			continue
		}
		again := nats.NewMsg(subject)
		again.Data = m.Data
		accepted, err := a.accept(wire.Member{}, subject, "", "", m.Data)
		if err != nil {
			return err
		}
		again.Header.Set(wire.AcceptedHeader, accepted)
		if _, err := js.PublishMsg(ctx, again, jetstream.WithExpectLastSequencePerSubject(m.Sequence)); err != nil {
			return fmt.Errorf("%s: %w", subject, err)
		}
		n++
	}
	if n > 0 {
		a.log.Info("what was saved before anybody had to sign was taken over as it is", "monitors", n)
	}
	return a.book.adopt()
}

func (b *book) isAdopted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.adopted
}

// adopt notes that it was done, for good.
func (b *book) adopt() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.adopted = true
	err := b.change(func(map[string]*entry) error { return nil })
	b.adopted = err == nil
	return err
}

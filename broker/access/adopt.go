package access

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/wire"
)

// Adopt accepts what was saved before anybody had to sign, once in the life of
// a mesh: by an older netmon, or before the mesh asked who people are. It is
// written again exactly as it is, with the authority's word beside it. It does
// so once more after [Authority.AdoptAgain].
func (a *Authority) Adopt(ctx context.Context, js jetstream.JetStream) error {
	a.again.Lock()
	defer a.again.Unlock()
	if a.book.isAdopted() && a.again.done == nil {
		return nil
	}
	n, err := a.adoptAll(ctx, js, "KV_"+wire.MonitorsBucket, "$KV."+wire.MonitorsBucket+".>")
	if err != nil {
		return err
	}
	sets, err := a.adoptAll(ctx, js, configsStream, configsMeta+">")
	if err != nil {
		return err
	}
	if n+sets > 0 {
		a.log.Info("what was saved before anybody had to sign was taken over as it is", "monitors", n, "configurations", sets)
	}
	if err := a.book.adopt(); err != nil || a.again.done == nil {
		return err
	}
	if err := a.again.done(); err != nil {
		return err
	}
	a.again.done = nil
	return nil
}

// adoptAll accepts the last message of each subject of a stream.
func (a *Authority) adoptAll(ctx context.Context, js jetstream.JetStream, name, subjects string) (n int, err error) {
	stream, err := retry.Stream(ctx, js, name)
	if err != nil {
		return 0, err
	}
	info, err := retry.Info(ctx, js, stream, jetstream.WithSubjectFilter(subjects))
	if err != nil {
		return 0, err
	}
	for subject := range info.State.Subjects {
		m, err := retry.Last(ctx, js, stream, subject)
		if err != nil {
			return n, fmt.Errorf("%s: %w", subject, err)
		}
		if m.Header.Get(headerOperation) != "" || a.counts(m) {
			continue
		}
		again := nats.NewMsg(subject)
		again.Data = m.Data
		accepted, err := a.accept(wire.Member{}, subject, "", "", m.Data)
		if err != nil {
			return n, err
		}
		again.Header.Set(wire.AcceptedHeader, accepted)
		if v := m.Header.Get(headerRollup); v != "" {
			again.Header.Set(headerRollup, v)
		}
		if _, err := retry.Replace(ctx, js, name, again, m.Sequence); err != nil {
			return n, fmt.Errorf("%s: %w", subject, err)
		}
		n++
	}
	return n, nil
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
	err := b.write(b.entries)
	b.adopted = err == nil
	return err
}

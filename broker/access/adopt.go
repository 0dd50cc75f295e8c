package access

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/identity"
	"netmon/internal/retry"
	"netmon/wire"
)

// Adopt accepts what was saved before anybody had to sign, once in the life of
// a mesh: by an older netmon, or before the mesh had identities. It is
// written again exactly as it is, with the authority's word beside it. It does
// so once more after [Authority.AdoptAgain].
func (a *Authority) Adopt(ctx context.Context, js jetstream.JetStream) error {
	a.again.Lock()
	defer a.again.Unlock()
	if err := a.acceptAnew(ctx, js); err != nil {
		return err
	}
	if a.registry.isAdopted() && a.again.done == nil {
		return nil
	}
	n, sets, err := eachSaved(func(name, subjects string) (int, error) { return a.adoptAll(ctx, js, name, subjects) })
	if err != nil {
		return err
	}
	if n+sets > 0 {
		a.log.Info("accepted what was saved before signatures were required, as it is", "monitors_and_settings", n, "configurations", sets)
	}
	if err := a.registry.adopt(); err != nil || a.again.done == nil {
		return err
	}
	if err := a.again.done(); err != nil {
		return err
	}
	a.again.done = nil
	return nil
}

// eachSaved does something for all that people save: by stream, and the subjects there
// that say what is saved. It counts keys, and configurations.
func eachSaved(do func(stream, subjects string) (int, error)) (keys, sets int, err error) {
	for _, b := range savings() {
		n, err := do(b.stream(), b.subject(">"))
		if err != nil {
			return keys, sets, err
		}
		keys += n
	}
	sets, err = do(configsStream, configsMeta+">")
	return keys, sets, err
}

// adoptAll accepts the last message of each subject of a stream.
func (a *Authority) adoptAll(ctx context.Context, js jetstream.JetStream, name, subjects string) (n int, err error) {
	return eachLast(ctx, js, name, subjects, []string{headerRollup}, func(m *jetstream.RawStreamMsg) (string, error) {
		if a.counts(m) {
			return "", nil
		}
		return a.accept(wire.Member{}, m.Subject, "", "", m.Data)
	})
}

// eachLast writes the last message of each subject of a stream once more, as it
// is, with these of its headers and the word that accept gives for it; "" leaves it
// alone. Deletions are left: nothing follows from them where they are the last.
func eachLast(ctx context.Context, js jetstream.JetStream, name, subjects string, headers []string, accept func(*jetstream.RawStreamMsg) (string, error)) (n int, err error) {
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
		if m.Header.Get(headerOperation) != "" {
			continue
		}
		accepted, err := accept(m)
		if err != nil {
			return n, err
		}
		if accepted == "" {
			continue
		}
		again := nats.NewMsg(subject)
		again.Data = m.Data
		again.Header.Set(wire.AcceptedHeader, accepted)
		for _, name := range headers {
			if v := m.Header.Get(name); v != "" {
				again.Header.Set(name, v)
			}
		}
		if _, err := retry.Replace(ctx, js, name, again, m.Sequence); err != nil {
			return n, fmt.Errorf("%s: %w", subject, err)
		}
		n++
	}
	return n, nil
}

// acceptAnew gives what the previous authority had accepted the word of the one in
// force, beside the signature of its author, which stays as it is. Then the word of the
// previous one no longer counts. What it had not accepted counts for nothing, as before.
func (a *Authority) acceptAnew(ctx context.Context, js jetstream.JetStream) error {
	before := a.rotation.before()
	if before == "" || a.rotation.stage() != stageSwitched {
		return nil
	}
	now, past := identity.NewOperators(string(a.certs().authority)), identity.NewOperators(before)
	again := func(m *jetstream.RawStreamMsg) (string, error) {
		proof, had := m.Header.Get(wire.ProofHeader), m.Header.Get(wire.AcceptedHeader)
		if now.Accepted(had, m.Subject, "", proof, m.Data) == nil || past.Accepted(had, m.Subject, "", proof, m.Data) != nil {
			return "", nil
		}
		var acc wire.Accepted
		if err := json.Unmarshal([]byte(had), &acc); err != nil {
			return "", err
		}
		return a.acceptAs(acc, m.Subject, "", proof, m.Data)
	}
	headers := []string{headerRollup, wire.ProofHeader}
	n, sets, err := eachSaved(func(name, subjects string) (int, error) { return eachLast(ctx, js, name, subjects, headers, again) })
	if err != nil {
		return err
	}
	if err := a.rotation.accepted(); err != nil {
		return err
	}
	a.countSaved()
	a.log.Info("accepted again what the previous authority had accepted", "monitors_and_settings", n, "configurations", sets)
	return nil
}

func (b *registry) isAdopted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.adopted
}

// adopt notes that it was done, for good.
func (b *registry) adopt() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.adopted = true
	err := b.write(b.entries)
	b.adopted = err == nil
	return err
}

package console

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"netmon/wire"
)

// SaveSilence mutes notices for a while. A silence without an id is given one; one
// without From begins now, by the broker's clock, and one without Until ends lasts
// after it began.
func (o *Ops) SaveSilence(ctx context.Context, s wire.Silence, lasts time.Duration) (SettingOutcome, error) {
	out := SettingOutcome{Verb: SilenceFor, SettingChange: SettingChange{Is: &s}}
	store, err := o.c.Settings(ctx)
	if err != nil {
		return out, err
	}
	now := store.Now()
	if s.ID == "" {
		s.ID = strings.ToLower(rand.Text()[:8])
	}
	if s.From.IsZero() {
		s.From = now
	}
	if s.Until.IsZero() {
		s.Until = s.From.Add(lasts)
	}
	s.From, s.Until = s.From.UTC().Truncate(time.Second), s.Until.UTC().Truncate(time.Second)
	if err := s.Validate(); err != nil {
		return out, &InvalidError{err}
	}
	if !s.Until.After(now) {
		return out, &InvalidError{&wire.FieldError{Path: "until", Err: fmt.Errorf("want a time in the future, got %q", s.Until.Format(time.RFC3339))}}
	}
	if out.Revision, err = store.Save(ctx, &s, "silenced"); err != nil {
		return out, err
	}
	store.tidySilences(ctx, now)
	return out, nil
}

// EndSilence ends a silence now. One that has not begun is deleted.
func (o *Ops) EndSilence(ctx context.Context, id string) (SettingOutcome, error) {
	out := SettingOutcome{Verb: EndOfSilence}
	store, err := o.c.Settings(ctx)
	if err != nil {
		return out, err
	}
	x, err := store.Get(ctx, wire.SortSilence, id)
	if err != nil {
		return out, err
	}
	out.Was = x
	is := *x.(*wire.Silence)
	now := store.Now().UTC().Truncate(time.Second)
	switch {
	case !now.Before(is.Until):
		out.Is, out.Same = x, true
		return out, nil
	case !is.From.Before(now):
		out.Revision, err = store.Delete(ctx, wire.SortSilence, id, x.About().Revision)
		return out, err
	}
	is.Until, out.Is = now, &is
	out.Revision, err = store.Save(ctx, &is, "ended")
	return out, err
}

// Ack says that somebody takes care of an incident.
func (o *Ops) Ack(ctx context.Context, incident, text string) (SettingOutcome, error) {
	ack := wire.Acknowledgement{Incident: incident, Text: text}
	out := SettingOutcome{Verb: Acknowledge, SettingChange: SettingChange{Is: &ack}}
	if err := ack.Validate(); err != nil {
		return out, &InvalidError{err}
	}
	store, err := o.c.Settings(ctx)
	if err != nil {
		return out, err
	}
	switch was, err := store.Get(ctx, wire.SortAck, incident); {
	case err == nil:
		out.Was, ack.Revision = was, was.About().Revision
		if a := was.(*wire.Acknowledgement); a.Text == text && a.Author == o.c.author {
			out.Is, out.Same = was, true
			return out, nil
		}
	case !errors.Is(err, ErrNoSetting):
		return out, err
	}
	ack.At = store.Now().UTC().Truncate(time.Second)
	if out.Revision, err = store.Save(ctx, &ack, "acknowledged"); err != nil {
		return out, err
	}
	store.tidyAcks(ctx, ack.At)
	return out, nil
}

// Unack takes an acknowledgement back: its incident is notified as before.
func (o *Ops) Unack(ctx context.Context, incident string) (SettingOutcome, error) {
	out, err := o.RemoveSetting(ctx, wire.SortAck, incident, DeleteOptions{})
	if errors.Is(err, ErrNoSetting) {
		err = fmt.Errorf("incident %s is not acknowledged: its acknowledgement %w", incident, ErrNoSetting)
	}
	return out, err
}

package controller

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/wire"
)

const (
	noticeRetry = 500 * time.Millisecond // of what could not be done
	noticeAgain = 2 * wire.NoticeRepeats // then what nobody says a word of is published again
	noticeLook  = time.Minute            // between two checks whether consumers are there
	noticeAck   = time.Minute            // that a notifier has for a notice, or to say that it continues
	noticesMost = 1000                   // that a notifier has at once; those that wait count, too
)

// noticeQueue puts notices into the stream of notices, and keeps one consumer for each
// channel there. It is for one goroutine.
type noticeQueue struct {
	js  jetstream.JetStream
	log *slog.Logger

	open     map[noticeOf]*openNotice // that are not known to be delivered
	ready    map[string]bool          // channels whose consumer is there
	channels map[string]bool          // that are saved
	gone     map[string]bool          // that are not, and have a consumer yet
	looked   time.Time                // when it was looked for consumers last, by our clock
	failed   time.Time                // when something could not be done last, by our clock
	reported bool                     // that it cannot
}

// noticeOf names the notices of a channel about an incident.
type noticeOf struct{ channel, incident string }

// openNotice is a notice that is not known to be delivered.
type openNotice struct {
	notice wire.Notice
	again  time.Time // when it is published, again; zero: now. By our clock
}

func newNoticeQueue(js jetstream.JetStream, log *slog.Logger) *noticeQueue {
	return &noticeQueue{js: js, log: log, open: map[noticeOf]*openNotice{}, ready: map[string]bool{}, channels: map[string]bool{}, gone: map[string]bool{}}
}

// want notes a notice to be published. It replaces the previous one.
func (q *noticeQueue) want(n wire.Notice) {
	q.open[noticeOf{n.Channel, n.Incident}] = &openNotice{notice: n}
}

// heard reports what became of a notice.
func (q *noticeQueue) heard(d *wire.Delivery) {
	of := noticeOf{d.Channel, d.Incident}
	o := q.open[of]
	switch {
	case o == nil || d.N < o.notice.N:
	case d.Outcome == wire.Retrying:
		o.again = time.Now().Add(noticeAgain + max(0, d.Next.Sub(d.At)))
	default:
		delete(q.open, of)
	}
}

// channel takes a channel that is saved, noChannel of one that is deleted.
func (q *noticeQueue) channel(name string) {
	q.channels[name] = true
	delete(q.gone, name)
}

func (q *noticeQueue) noChannel(name string) {
	delete(q.channels, name)
	delete(q.ready, name)
	q.gone[name] = true
	for of := range q.open {
		if of.channel == name {
			delete(q.open, of)
		}
	}
}

// pause is how long there is nothing to do.
func (q *noticeQueue) pause() time.Duration {
	wait := keepMost
	if len(q.channels) > len(q.ready) || len(q.gone) > 0 {
		wait = 0
	}
	for _, o := range q.open {
		wait = min(wait, time.Until(o.again))
	}
	if wait <= 0 && !q.failed.IsZero() {
		wait = noticeRetry - time.Since(q.failed)
	}
	return max(0, wait)
}

// publish does what is to do. What cannot be done is tried again later: only the end of
// ctx is an error.
func (q *noticeQueue) publish(ctx context.Context) error {
	if !q.failed.IsZero() && time.Since(q.failed) < noticeRetry {
		return nil
	}
	err := q.consumers(ctx)
	if err == nil {
		err = q.send(ctx)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	q.failed = time.Time{}
	if err != nil {
		q.failed = time.Now()
		if !q.reported {
			q.log.Warn("notices wait for the broker", "error", err)
		}
	}
	q.reported = err != nil
	return nil
}

// send publishes what is due. Its key is known to the broker for a while: what is
// there already is not there twice.
func (q *noticeQueue) send(ctx context.Context) error {
	type sent struct {
		o   *openNotice
		ack jetstream.PubAckFuture
	}
	var all []sent
	var errs []error
	for _, of := range slices.SortedFunc(maps.Keys(q.open), noticeOf.compare) {
		o := q.open[of]
		if time.Now().Before(o.again) {
			continue
		}
		m, err := noticeMessage(&o.notice)
		if err != nil {
			q.log.Error("could not publish a notice", "channel", of.channel, "incident", of.incident, "error", err)
			delete(q.open, of)
			continue
		}
		ack, err := q.js.PublishMsgAsync(m)
		if err != nil {
			errs = append(errs, err)
			break
		}
		if all = append(all, sent{o, ack}); len(all) == publishAtOnce {
			break // the rest follows at once
		}
	}
	late, cancel := context.WithTimeout(ctx, 2*publishWithin)
	defer cancel()
	for _, s := range all {
		select {
		case <-s.ack.Ok():
			s.o.again = time.Now().Add(noticeAgain)
		case err := <-s.ack.Err():
			errs = append(errs, err)
		case <-late.Done():
			errs = append(errs, late.Err())
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%d of %d: %w", len(errs), len(all), errs[0])
	}
	return nil
}

// consumers has a durable consumer for each channel, made before notices are handled,
// and none for others. A notifier only reads by it: it may make none itself.
func (q *noticeQueue) consumers(ctx context.Context) error {
	if time.Since(q.looked) > noticeLook { // somebody may have deleted one
		clear(q.ready)
		q.looked = time.Now()
	}
	if len(q.ready) == len(q.channels) && len(q.gone) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*publishWithin)
	defer cancel()
	s, err := q.js.Stream(ctx, wire.NoticesStream)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(q.channels)) {
		if q.ready[name] {
			continue
		}
		if _, err := s.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{Durable: name, FilterSubject: "notices." + name + ".*", AckPolicy: jetstream.AckExplicitPolicy,
			AckWait: noticeAck, MaxAckPending: noticesMost, MaxDeliver: -1}); err != nil {
			return fmt.Errorf("consumer of channel %s: %w", name, err)
		}
		q.ready[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(q.gone)) {
		if err := s.Purge(ctx, jetstream.WithPurgeSubject("notices."+name+".*")); err != nil {
			return fmt.Errorf("notices of channel %s, which is deleted: %w", name, err)
		}
		if err := s.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("consumer of channel %s, which is deleted: %w", name, err)
		}
		delete(q.gone, name)
	}
	return nil
}

// load finds the consumers of channels that are no longer saved.
func (q *noticeQueue) load(ctx context.Context) error {
	s, err := retry.Stream(ctx, q.js, wire.NoticesStream)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", wire.NoticesStream, err)
	}
	names := s.ConsumerNames(ctx)
	for name := range names.Name() {
		if !q.channels[name] && wire.CheckToken(name) == nil {
			q.gone[name] = true
		}
	}
	return names.Err()
}

// noticeMessage is a notice as it is published.
func noticeMessage(n *wire.Notice) (*nats.Msg, error) {
	subject, err := wire.NoticeSubject(n.Channel, n.Incident)
	if err != nil {
		return nil, err
	}
	m := nats.NewMsg(subject)
	m.Header.Set(jetstream.MsgIDHeader, n.Key())
	m.Data, err = json.Marshal(n)
	return m, err
}

func (a noticeOf) compare(b noticeOf) int {
	return cmp.Or(strings.Compare(a.incident, b.incident), strings.Compare(a.channel, b.channel))
}

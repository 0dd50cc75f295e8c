package notify

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// Bounds of what one channel is working on: incidents that are being sent, and those whose
// notices wait here for that.
const (
	maxSending = 4
	maxHeld    = 64
)

// sending sends by one channel, while this notifier holds its lease.
type sending struct {
	*worker
	held  context.Context // ends when the lease is lost, or the time to end is over
	slots chan struct{}   // one for each that is being sent
	free  chan struct{}   // has room for one: a job has ended
	jobs  sync.WaitGroup

	mu       sync.Mutex // guards what follows
	consumer jetstream.Consumer
	waiting  map[string]*job
	until    time.Time // the other side wants no message before
	status   wire.ChannelStatus
	changed  chan struct{}        // has room for one: the status has
	tests    []time.Time          // when tests were sent
	missed   map[string]time.Time // since when incidents of notices are not there
}

// job is one incident: the notice that is being sent, and a newer one.
type job struct {
	now, next jetstream.Msg // nil: none
}

func newSending(r *worker, held context.Context) *sending {
	return &sending{worker: r, held: held, slots: make(chan struct{}, maxSending), free: make(chan struct{}, 1), waiting: map[string]*job{}, missed: map[string]time.Time{},
		status: wire.ChannelStatus{Channel: r.name, Ready: true, Revision: r.revision}, changed: make(chan struct{}, 1)}
}

// run sends until the worker is stopped or the lease is lost.
func (s *sending) run() error {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	defer context.AfterFunc(s.held, cancel)()
	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel()
	defer s.jobs.Wait() // before its keepers end
	keep, end := context.WithCancel(s.held)
	defer end()
	if err := s.listen(ctx, &parts); err != nil {
		return err
	}
	parts.Go(func() { s.reportStatus(ctx) })
	if caller, ok := s.channel.sender.(Caller); ok {
		s.callWhileWell(ctx, caller)
		return nil
	}
	if err := s.bind(ctx); err != nil {
		return err
	}
	parts.Go(func() { s.keepAlive(keep) })
	if again, ok := s.channel.sender.(Resender); ok {
		parts.Go(func() { s.resend(ctx, again) })
	}
	s.fetchLoop(ctx)
	s.jobs.Wait()
	end()
	return nil
}

// bind waits for the channel's consumer, which the leading controller makes.
func (s *sending) bind(ctx context.Context) error {
	c, err := wait(ctx, s.connection, "the consumer of the channel "+s.name, func(ctx context.Context) (jetstream.Consumer, error) {
		return s.js.Consumer(ctx, wire.NoticesStream, s.name)
	})
	if err == nil {
		s.mu.Lock()
		s.consumer = c
		s.mu.Unlock()
	}
	return err
}

func (s *sending) bound() jetstream.Consumer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.consumer
}

// fetchLoop fetches notices until ctx ends.
func (s *sending) fetchLoop(ctx context.Context) {
	for ctx.Err() == nil {
		room := s.awaitCapacity(ctx)
		if room == 0 {
			return
		}
		err := s.fetch(ctx, room)
		if err == nil || ctx.Err() != nil {
			continue
		}
		s.o.Log.Debug("fetch notices", "channel", s.name, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(s.timings.pause):
		}
		if errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, nats.ErrNoResponders) {
			s.bind(ctx) // until it is there
		}
	}
}

// awaitCapacity waits until there is room for notices, and says for how many; 0 when ctx ended.
func (s *sending) awaitCapacity(ctx context.Context) int {
	for {
		s.mu.Lock()
		room := maxHeld - len(s.waiting)
		s.mu.Unlock()
		if ctx.Err() != nil {
			return 0
		}
		if room > 0 {
			return room
		}
		select {
		case <-ctx.Done():
		case <-s.free:
		}
	}
}

func (s *sending) fetch(ctx context.Context, most int) error {
	bounded, cancel := context.WithTimeout(ctx, s.timings.fetch)
	defer cancel()
	batch, err := s.bound().Fetch(most, jetstream.FetchContext(bounded))
	if err != nil {
		return err
	}
	for {
		select {
		case m, ok := <-batch.Messages():
			if !ok {
				if err := batch.Error(); err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout) {
					return err
				}
				return nil
			}
			s.accept(m)
		case <-ctx.Done():
			return nil
		}
	}
}

// accept has a notice sent, after what is being sent of the same incident.
func (s *sending) accept(m jetstream.Msg) {
	n, err := wire.DecodeNotice(m.Subject(), m.Data())
	if err != nil {
		s.o.Log.Warn("a notice that cannot be read is dropped", "channel", s.name, "error", err)
		m.Term()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.waiting[n.Incident]; j != nil {
		j.next = m // the one that it replaces is gone from the stream
		return
	}
	j := &job{now: m}
	s.waiting[n.Incident] = j
	s.jobs.Go(func() { s.work(n.Incident, j) })
}

// work sends notices of one incident, one after the other, until there is none.
func (s *sending) work(incident string, j *job) {
	for more := true; more; more = s.following(incident, j) {
		select {
		case s.slots <- struct{}{}:
			if s.ctx.Err() == nil {
				s.handle(j.now)
			} else {
				j.now.Nak() // for who has the channel next
			}
			<-s.slots
		case <-s.ctx.Done():
			j.now.Nak()
		case <-s.held.Done():
			j.now.Nak()
		}
	}
}

// following has the job continue with the notice that came meanwhile, or ends it where
// there is none.
func (s *sending) following(incident string, j *job) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.next != nil {
		j.now, j.next = j.next, nil
		return true
	}
	delete(s.waiting, incident)
	select {
	case s.free <- struct{}{}:
	default:
	}
	return false
}

// keepAlive has the broker not deliver again what it is working on.
func (s *sending) keepAlive(ctx context.Context) {
	every := s.bound().CachedInfo().Config.AckWait / 4
	if every <= 0 {
		every = 7 * time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		var all []jetstream.Msg
		for _, j := range s.waiting {
			for _, m := range []jetstream.Msg{j.now, j.next} {
				if m != nil {
					all = append(all, m)
				}
			}
		}
		s.mu.Unlock()
		for _, m := range all {
			m.InProgress()
		}
	}
}

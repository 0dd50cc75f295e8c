package notify

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

// count notes what became of a try, for the status.
func (s *sending) count(d wire.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch d.Outcome {
	case wire.Sent:
		s.status.Sent++
		s.status.LastSent, s.status.Ready, s.status.Problem = d.At, true, d.Error
	case wire.Retrying, wire.Undelivered:
		s.status.Failed++
		s.status.LastFail, s.status.Ready, s.status.Problem = d.At, false, d.Error
		s.o.Log.Warn("not sent", "channel", s.name, "incident", d.Incident, "outcome", d.Outcome, "attempts", d.Attempts, "error", d.Error)
	}
	s.touch()
}

// touch has the status published soon. The caller holds mu.
func (s *sending) touch() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// holdBack has nothing sent before a time: the other side asked for that.
func (s *sending) holdBack(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until.After(s.until) {
		s.until = until
	}
}

func (s *sending) pausedUntil() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.until
}

// setProblem notes what is wrong beside notices, nil for nothing.
func (s *sending) setProblem(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := ""
	if err != nil {
		text = problemText(err)
	}
	if s.status.Problem == text && s.status.Ready == (err == nil) {
		return
	}
	s.status.Problem, s.status.Ready = text, err == nil
	s.touch()
}

// reportStatus says how the channel is, again and again and when that changes, until ctx
// ends.
func (s *sending) reportStatus(ctx context.Context) {
	tick := time.NewTicker(s.timings.status)
	defer tick.Stop()
	for {
		s.publishStatus(s.statusNow(ctx))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.changed:
			select { // many changes at once are published once
			case <-ctx.Done():
				return
			case <-time.After(s.timings.status / 20):
			}
		}
	}
}

func (s *sending) statusNow(ctx context.Context) wire.ChannelStatus {
	backlog := 0
	if consumer := s.bound(); consumer != nil {
		bounded, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if info, err := consumer.Info(bounded); err == nil {
			backlog = int(info.NumPending) + info.NumAckPending
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.status
	st.Backlog = max(backlog, len(s.waiting))
	return st
}

// publishStatus publishes a status. One that is lost is published again soon.
func (c *connection) publishStatus(st wire.ChannelStatus) {
	st.By, st.At, st.Problem = c.o.Host, time.Now().UTC(), wire.ClipJSON(st.Problem, wire.MaxText)
	subject, err := wire.ChannelSubject(st.Channel)
	if err != nil {
		return
	}
	data, err := json.Marshal(st)
	if err != nil {
		return
	}
	m := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{"Nats-Rollup": {"sub"}}}
	if err := c.nc.PublishMsg(m); err != nil {
		c.o.Log.Debug("publish a channel's status", "channel", st.Channel, "error", err)
	}
}

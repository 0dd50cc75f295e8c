package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/timetext"
	"netmon/wire"
)

// ChannelState says in a word whether a channel can be notified.
type ChannelState string

const (
	ChannelReady    ChannelState = "ready"     // as far as its notifier knows
	ChannelNotReady ChannelState = "not ready" // Problem says why
	ChannelNobody   ChannelState = "nobody"    // no notifier has it: nothing is sent
	ChannelPaused   ChannelState = "paused"    // it gets no notices
	ChannelDeleted  ChannelState = "deleted"   // it is not saved, and there is still something to send
)

// ChannelHealth is a channel, and how its notifier is.
type ChannelHealth struct {
	Channel  string       `json:"channel"`
	Kind     string       `json:"kind,omitempty"`
	State    ChannelState `json:"state"` // ready, not ready, nobody, paused or deleted
	Fallback string       `json:"fallback,omitempty"`
	By       string       `json:"by,omitempty"` // the notifier's host; of nobody, who had it last
	Seen     time.Time    `json:"seen,omitzero"`
	Problem  string       `json:"problem,omitempty"`
	Backlog  int          `json:"backlog"` // notices that wait
	LastSent time.Time    `json:"last_sent,omitzero"`
	LastFail time.Time    `json:"last_fail,omitzero"`
	Sent     uint64       `json:"sent"`             // since the notifier began
	Failed   uint64       `json:"failed,omitempty"` // attempts since the notifier began
	Revision uint64       `json:"revision,omitempty"`
	Edition  uint64       `json:"edition,omitempty"` // what people see as its revision
}

// Works says that it gets the notices that there are, or is not meant to be.
func (h *ChannelHealth) Works() bool { return h.State == ChannelReady || h.State == ChannelPaused }

// Channels are the saved channels and how each is, and those that are deleted while
// there is still something to send, by name.
func (c *Client) Channels(ctx context.Context) ([]ChannelHealth, error) {
	saved, err := c.ListSettings(ctx, wire.SortChannel)
	if err != nil && len(saved) == 0 { // one that cannot be read is nobody's channel
		return nil, err
	}
	m := c.Model(ModelOptions{Parts: PartIncidents})
	if err := m.Load(ctx); err != nil {
		return nil, err
	}
	if l := m.Incidents(); l.Why != "" {
		return nil, errors.New(l.Why)
	}
	return channelHealth(saved, m.Channels(), time.Now()), nil
}

func channelHealth(saved []wire.Setting, seen []ChannelSeen, now time.Time) []ChannelHealth {
	of := map[string]*ChannelSeen{}
	for i := range seen {
		of[seen[i].Channel] = &seen[i]
	}
	var out []ChannelHealth
	for _, s := range saved {
		ch, ok := s.(*wire.Channel)
		if !ok {
			continue
		}
		h := healthOf(ch.Name, of[ch.Name], now)
		h.Kind, h.Fallback, h.Revision, h.Edition = ch.Kind, ch.Fallback, ch.Revision, ch.Edition
		if ch.Paused {
			h.State = ChannelPaused
		}
		delete(of, ch.Name)
		out = append(out, h)
	}
	for name, s := range of {
		if h := healthOf(name, s, now); h.Backlog > 0 && h.State != ChannelNobody {
			h.State = ChannelDeleted
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b ChannelHealth) int { return strings.Compare(a.Channel, b.Channel) })
	return out
}

func healthOf(name string, s *ChannelSeen, now time.Time) ChannelHealth {
	h := ChannelHealth{Channel: name, State: ChannelNobody}
	if s == nil {
		return h
	}
	h.By, h.Seen, h.Problem, h.Backlog, h.LastSent, h.LastFail, h.Sent, h.Failed = s.By, s.Seen, s.Problem, s.Backlog, s.LastSent, s.LastFail, s.Sent, s.Failed
	switch {
	case s.Silent(now):
	case s.Ready:
		h.State = ChannelReady
	default:
		h.State = ChannelNotReady
	}
	return h
}

// NobodyNotifies is what to do about channels that no notifier has.
const NobodyNotifies = "run a notifier: netmon up, netmon broker and netmon controller have one, or start netmon notifier; it sends only for channels whose secrets it can read"

// StateText is how the channel is, and why, in one sentence.
func (h *ChannelHealth) StateText(now time.Time) string {
	text := string(h.State)
	switch {
	case h.State == ChannelNobody && h.By == "":
		text = "NOBODY sends for it"
	case h.State == ChannelNobody:
		text = fmt.Sprintf("NOBODY sends for it: %s was heard last %s", h.By, timetext.Moment(h.Seen, now))
	}
	if h.Problem != "" && h.State != ChannelPaused {
		text += ": " + brief(h.Problem)
	}
	return Printable(text)
}

// testPatience is how long a notifier may take to try a channel.
const testPatience = 90 * time.Second

// TestChannel has the notifier of a channel send a notice that says that it is a test,
// and returns what came of it.
func (c *Client) TestChannel(ctx context.Context, channel string) (wire.NotifyReply, error) {
	subject, err := wire.NotifySubject(channel)
	if err != nil {
		return wire.NotifyReply{}, err
	}
	data, err := json.Marshal(wire.NotifyCommand{Op: "test", By: c.author})
	if err != nil {
		return wire.NotifyReply{}, err
	}
	waits, cancel := context.WithTimeout(ctx, testPatience)
	defer cancel()
	msg, err := c.request(waits, &nats.Msg{Subject: subject, Data: data})
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return wire.NotifyReply{}, c.untested(ctx, channel)
	case err != nil && ctx.Err() != nil:
		return wire.NotifyReply{}, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return wire.NotifyReply{}, fmt.Errorf("try %s: its notifier did not answer within %v", channel, testPatience)
	case err != nil:
		return wire.NotifyReply{}, fmt.Errorf("try %s: %w", channel, err)
	}
	var reply wire.NotifyReply
	if len(msg.Data) > wire.MaxVerdict {
		return reply, fmt.Errorf("try %s: the answer is %d bytes long: want at most %d", channel, len(msg.Data), wire.MaxVerdict)
	}
	if err := json.Unmarshal(msg.Data, &reply); err != nil {
		return reply, fmt.Errorf("try %s: decode the answer: %w", channel, err)
	}
	return reply, nil
}

// untested says why nobody answers for a channel.
func (c *Client) untested(ctx context.Context, channel string) error {
	list, err := c.Channels(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, h := range list {
		if h.Channel == channel && h.State == ChannelPaused {
			return fmt.Errorf("%s is paused: it gets no notices", channel)
		}
		if h.Channel == channel && h.State == ChannelNotReady {
			return fmt.Errorf("%s is %s, by %s: correct it there", channel, h.StateText(time.Now()), h.By)
		}
		if h.Channel == channel {
			return fmt.Errorf("nobody sends for %s: %s", channel, NobodyNotifies)
		}
		names = append(names, h.Channel)
	}
	if len(names) == 0 {
		return &notThere{fmt.Sprintf("no channel is called %s, and none is saved: netmon docs alerts shows how to add one", quoted(channel))}
	}
	return &notThere{fmt.Sprintf("no channel %s is saved: want one of %s", quoted(channel), ShortList(names, 8))}
}

// TestText is what came of trying a channel, in one line.
func TestText(r wire.NotifyReply) string {
	text := fmt.Sprintf("%s: sent by %s in %s", r.Channel, r.By, Short(time.Duration(r.TookNS)))
	if r.Outcome != wire.Sent {
		text = fmt.Sprintf("%s: %s by %s after %s", r.Channel, failedWord(r.Outcome), r.By, Short(time.Duration(r.TookNS)))
	}
	if r.Error != "" {
		text += ": " + r.Error
	}
	if r.Answer != "" {
		text += "; the answer: " + r.Answer
	}
	return Printable(text)
}

func failedWord(o wire.SendOutcome) string {
	switch o {
	case wire.Retrying:
		return "not accepted for now, tried"
	case wire.Undelivered:
		return "refused, tried"
	}
	return string(o)
}

package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// samples is how many messages are read at each look.
const samples = 32

// theBroker is who suspends, in the audit: no identity's name has a blank.
const theBroker = "the broker"

// watchShares suspends agents that store more than their share, and lets them in
// again when their time is over, until ctx ends.
//
// It reads, a few times a second, how many results the stream got, and who sent
// some of them, chosen at random. The subject names the sender, and the server
// lets nobody publish under another name. Counting what comes in over each
// connection would be exact, but who floods may leave such counts behind: by a
// new connection, by becoming somebody else on the same one, by subjects, which
// they leave out. And it works with any server, or a cluster of them, alike.
func (s *service) watchShares(ctx context.Context) {
	w := &shareWatch{service: s, shares: newShares(s.Share), said: map[string]bool{}}
	failed := false
	for ctx.Err() == nil {
		try, cancel := context.WithTimeout(ctx, 5*time.Second)
		w.letIn(try)
		err := w.checkShares(try)
		cancel()
		if ctx.Err() == nil && err != nil && !failed {
			s.a.log.Warn("cannot count what agents store; trying again", "error", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
		case <-time.After(w.shares.every()):
		}
	}
}

type shareWatch struct {
	*service
	shares *shares
	seen   uint64          // number of the last result that was counted
	looked bool            // seen is known
	said   map[string]bool // agents of which the log says that they cannot be suspended, or let in
}

// checkShares counts what was stored since the last look, and suspends.
func (w *shareWatch) checkShares(ctx context.Context) error {
	w.letting.Lock()
	w.forgive()
	w.letting.Unlock()
	stream, err := w.js.Stream(ctx, wire.ResultsStream)
	if err != nil {
		return err
	}
	info := stream.CachedInfo()
	w.shares.limit(sharedBy(info.Config))
	last := info.State.LastSeq
	if !w.looked || last < w.seen { // what is there already is nobody's current doing
		w.seen, w.looked = last, true
	}
	if last == w.seen || !w.shares.worth(last-w.seen, grantOf(wire.RoleAgent).payload) {
		return nil
	}
	// Those that were pushed out already were as those that follow them.
	after := min(max(w.seen, info.State.FirstSeq-1), last-1)
	of, err := w.read(ctx, choose(after, last, samples, rand.Uint64N)) // #nosec G404 -- seeded by the system
	if err != nil {
		return err
	}
	w.shares.add(time.Now(), estimate(last-w.seen, of))
	w.seen = last
	w.judge()
	return nil
}

// sharedBy is what agents have shares of, bytes: what results should take on disk, where
// a broker raised the limit above that. A thief sends what does not compress.
func sharedBy(config jetstream.StreamConfig) int64 {
	if n, err := strconv.ParseInt(config.Metadata[wire.SizeKey], 10, 64); err == nil && n > 0 && n < config.MaxBytes {
		return n
	}
	return config.MaxBytes
}

// judge warns those that used up half of their share, and suspends those above
// it. Whom an admin lets in while the stream is read has all of it again: the
// two wait for each other.
func (w *shareWatch) judge() {
	w.letting.Lock()
	w.forgive()
	over, half := w.shares.over()
	for _, u := range half {
		w.a.log.Warn("an agent has used half of what it may store at once; above its share it is suspended", "agent", u.agent, "stored", w.words(u))
	}
	var done []wire.Audit
	for _, u := range over {
		done = append(done, w.suspend(u)...)
	}
	w.letting.Unlock()
	for _, e := range done { // once all are shut out: the audit may make us wait
		w.note(e, nil)
	}
}

// forgive gives those all of their share again whom an admin let in. It is called
// with letting locked.
func (w *shareWatch) forgive() {
	for _, agent := range w.forgiven {
		w.shares.forgive(agent, time.Now())
	}
	w.forgiven = nil
}

// read fetches messages by their numbers, or those that follow them. It asks the
// API: direct gets wait behind all that the stream is about to store.
func (w *shareWatch) read(ctx context.Context, numbers []uint64) ([]sample, error) {
	inbox := w.nc.NewInbox()
	sub, err := w.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer sub.Unsubscribe()
	for _, n := range numbers {
		if err := w.nc.PublishRequest("$JS.API.STREAM.MSG.GET."+wire.ResultsStream, inbox, fmt.Appendf(nil, `{"seq":%d,"next_by_subj":">"}`, n)); err != nil {
			return nil, err
		}
	}
	out := make([]sample, 0, len(numbers))
	for range numbers {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil, fmt.Errorf("read what was stored: %w", err)
		}
		one, err := decodeSample(m.Data)
		if err == nil {
			out = append(out, one)
		}
	}
	if len(out) == 0 { // all were pushed out meanwhile
		return nil, fmt.Errorf("read what was stored: %w", jetstream.ErrMsgNotFound)
	}
	return out, nil
}

// decodeSample reads whose a stored message is, and how many bytes it takes.
func decodeSample(data []byte) (sample, error) {
	var r struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Subject string          `json:"subject"`
			Header  json.RawMessage `json:"hdrs"` // both base64
			Data    json.RawMessage `json:"data"`
		} `json:"message"`
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return sample{}, err
	}
	if r.Error != nil {
		return sample{}, r.Error
	}
	m := r.Message
	_, rest, _ := strings.Cut(m.Subject, ".")
	agent, _, found := strings.Cut(rest, ".")
	if !found {
		return sample{}, fmt.Errorf("a result on %q", m.Subject)
	}
	const record = 34 // bytes of nats-server's own for each
	return sample{agent, int64(record + len(m.Subject) + (len(m.Header)+len(m.Data))*3/4)}, nil
}

// suspend shuts an agent out for a while, and returns what the audit is to know.
func (w *shareWatch) suspend(u use) []wire.Audit {
	why := w.words(u)
	id, done, err := w.a.registry.suspend(u.agent, why, w.shares.pause(u), w.shares.Whole)
	if err == nil && !done {
		if w.a.registry.joined(u.agent) {
			return nil // it is suspended already, and what came in before is being stored
		}
		err = errors.New("it did not join by a token, or was revoked")
	}
	if err != nil {
		if !w.said[u.agent] {
			w.said[u.agent] = true
			w.a.log.Error("could not suspend an agent above its share", "agent", u.agent, "stored", why, "error", err)
		}
		return nil
	}
	delete(w.said, u.agent)
	w.update(accountOf(wire.RoleAgent))
	w.a.log.Error("suspended an agent above its share", "agent", u.agent, "stored", why, "until", id.Until)
	return []wire.Audit{{Where: whereAccess, By: theBroker, Did: "suspend", What: []string{u.agent}, Detail: why + ", until " + id.Until.Format(time.RFC3339)}}
}

// words says what an agent stored, and what its share is.
func (w *shareWatch) words(u use) string {
	in := u.at.Sub(u.since)
	in = max(in.Round(time.Second), time.Second)
	return fmt.Sprintf("it stored about %s in %v; it may store %s at once and %s a second",
		sizeText(u.stored), in, sizeText(w.shares.burst()), sizeText(w.shares.rate()))
}

func sizeText(bytes float64) string {
	units := []string{"B", "KiB", "MiB", "GiB"}
	i := 0
	for ; bytes >= 1000 && i < len(units)-1; i++ {
		bytes /= 1024
	}
	return fmt.Sprintf("%.3g %s", bytes, units[i])
}

// letIn ends the suspensions whose time is over.
func (w *shareWatch) letIn(ctx context.Context) {
	for _, name := range w.a.registry.due() {
		id, err := w.a.registry.resume(name, false)
		if err != nil { // an admin was faster, or the disk is full: it is due again
			if !w.said[name] {
				w.said[name] = true
				w.a.log.Warn("a suspension is over, but the agent could not be let in", "agent", name, "error", err)
			}
			continue
		}
		delete(w.said, name)
		w.update(accountOf(id.Role))
		w.a.log.Info("a suspension is over", "agent", name)
		w.note(wire.Audit{Where: whereAccess, By: theBroker, Did: "resume", What: []string{name}, Detail: "its time is over"}, nil)
	}
}

// resume lets an agent in again, as an admin says. It must not be suspended again
// for what it stored before.
func (s *service) resume(agent string) (wire.Identity, error) {
	s.letting.Lock()
	defer s.letting.Unlock()
	id, err := s.a.registry.resume(agent, true)
	if err == nil {
		s.forgiven = append(s.forgiven, agent)
	}
	return id, err
}

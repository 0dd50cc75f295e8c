package access

import (
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

const (
	// claimPatience is how long other agents of an id have to answer. It is within
	// what the agent waits beyond its own round trip.
	claimPatience = 400 * time.Millisecond
	// claimAnswerMost is the most that an agent says of itself: a heartbeat and a little.
	claimAnswerMost = 80 << 10
	claimMost       = 4 << 10 // of a claim, which holds some 100 bytes
	// askClaim reaches all agents of one id. AGENTS maps it to their commands: it
	// is a subject of its own since agents may answer it several times.
	askClaim = "ask.*"
)

// claims asks, for agents, who else takes commands under their id: one claim at
// a time for an id, and one inbox for all, so that an agent that asks without
// end costs nothing but its messages.
type claims struct {
	nc    *nats.Conn
	log   *slog.Logger
	inbox string // answers come below it, by the claim's own word

	mu      sync.Mutex // guards what follows
	byID    map[string]*claim
	byInbox map[string]*claim
}

// claim is one that is under way.
type claim struct {
	id, inbox string
	asker     *nats.Msg
	instance  string // of the agent that asks
	oldest    *wire.Alive
	answer    []byte // of the oldest other agent; nil while there is none
	timer     *time.Timer
}

func newClaims(nc *nats.Conn, log *slog.Logger) *claims {
	return &claims{nc: nc, log: log, inbox: nc.NewInbox(), byID: map[string]*claim{}, byInbox: map[string]*claim{}}
}

// listen takes the answers of agents.
func (cs *claims) listen() (*nats.Subscription, error) {
	return cs.nc.Subscribe(cs.inbox+".*", cs.heard)
}

// handle asks for an agent who else has its id. The answer is that of the one
// that was started first, or one without Info: there is nobody. The subject says
// who asks: an agent may publish its own alone.
func (cs *claims) handle(m *nats.Msg) {
	id := strings.TrimPrefix(m.Subject, "access.claim.")
	var q wire.Command
	if len(m.Data) > claimMost || wire.CheckToken(id) != nil || json.Unmarshal(m.Data, &q) != nil {
		cs.reply(m, wire.Refuse(id, wire.Error{Code: wire.CodeInvalid, Message: "not a question about who has this id"}))
		return
	}
	question, err := json.Marshal(wire.Command{Op: wire.OpInfo, Instance: q.Instance})
	if err != nil {
		return
	}
	c := &claim{id: id, inbox: cs.inbox + "." + rand.Text(), asker: m, instance: q.Instance}
	if !cs.begin(c) {
		cs.reply(m, wire.Refuse(id, wire.Error{Code: wire.CodeBusy, Message: "the broker is already asking who has this id, for another agent with the same key"}))
		return
	}
	if err := cs.nc.PublishRequest(strings.TrimSuffix(askClaim, "*")+id, c.inbox, question); err != nil {
		cs.log.Warn("access: ask who else has the id", "id", id, "error", err)
	}
}

// begin notes a claim, unless one is under way for the id.
func (cs *claims) begin(c *claim) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.byID[c.id] != nil {
		return false
	}
	cs.byID[c.id], cs.byInbox[c.inbox] = c, c
	c.timer = time.AfterFunc(claimPatience, func() { cs.end(c.inbox) })
	return true
}

// heard notes what an agent answers. Nobody but the agents that were asked can
// publish here.
func (cs *claims) heard(m *nats.Msg) {
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" { // nobody
		cs.end(m.Subject)
		return
	}
	if len(m.Data) > claimAnswerMost {
		return
	}
	r, err := wire.DecodeReply(m.Data)
	if err != nil || r.Info == nil {
		return
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.byInbox[m.Subject]
	if c == nil || r.Info.Instance == c.instance || c.oldest != nil && !older(r.Info, c.oldest) {
		return
	}
	c.oldest, c.answer = r.Info, m.Data
}

// older is how agents decide which of two keeps the id.
func older(a, b *wire.Alive) bool {
	return a.Started.Before(b.Started) || a.Started.Equal(b.Started) && a.Instance < b.Instance
}

// end answers a claim with what was heard.
func (cs *claims) end(inbox string) {
	cs.mu.Lock()
	c := cs.byInbox[inbox]
	if c != nil {
		c.timer.Stop()
		delete(cs.byInbox, c.inbox)
		delete(cs.byID, c.id)
	}
	cs.mu.Unlock()
	switch {
	case c == nil: // it ended before
	case c.answer != nil:
		if err := c.asker.Respond(c.answer); err != nil {
			cs.log.Warn("access: answer about an id", "id", c.id, "error", err)
		}
	default:
		cs.reply(c.asker, wire.Reply{OK: true})
	}
}

// stop forgets what is under way.
func (cs *claims) stop() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, c := range cs.byID {
		c.timer.Stop()
	}
	clear(cs.byID)
	clear(cs.byInbox)
}

func (cs *claims) reply(m *nats.Msg, r wire.Reply) {
	data, err := json.Marshal(r)
	if err == nil {
		err = m.Respond(data)
	}
	if err != nil {
		cs.log.Warn("access: answer about an id", "error", err)
	}
}

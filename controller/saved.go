package controller

import (
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"netmon/internal/tail"
	"netmon/wire"
)

// The stream under the bucket of saved monitors, by NATS's own naming (its ADR-8).
const (
	monitorsStream  = "KV_" + wire.MonitorsBucket
	monitorsPrefix  = "$KV." + wire.MonitorsBucket + "."
	headerOperation = "KV-Operation"
)

// followSaved applies changes of what is saved until ctx ends.
func (c *Controller) followSaved(saved *tail.Tail) error {
	for {
		m, meta, err := saved.Next()
		if err != nil {
			return err
		}
		if c.applySaved(m, meta) {
			c.wakeAll()
		}
	}
}

// applySaved notes one message of the bucket and says whether anything should
// run differently. What the mesh did not let in changes nothing: neither a
// monitor nor the deletion of one.
func (c *Controller) applySaved(m *nats.Msg, meta *nats.MsgMetadata) (changed bool) {
	revision := meta.Sequence.Stream
	name, operation := strings.TrimPrefix(m.Subject, monitorsPrefix), m.Header.Get(headerOperation)
	var err error
	if c.access.CheckSaved != nil {
		err = c.access.CheckSaved(m.Subject, operation, m.Header.Get(wire.AcceptedHeader), m.Header.Get(wire.ProofHeader), m.Data)
	}
	var s wire.Saved
	if err == nil && operation == "" {
		s, err = wire.DecodeSaved(m.Data, revision)
	}
	if err == nil && operation == "" && s.Name != name {
		err = fmt.Errorf("it is named %q", s.Name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revision = max(c.revision, revision)
	_, known := c.desired[name]
	if err == nil && operation == "" && !known && len(c.desired) >= wire.MaxMonitors {
		err = fmt.Errorf("%d monitors are saved, which is the limit", wire.MaxMonitors)
	}
	switch {
	case operation != "" && !known: // nothing to delete
		return false
	case err != nil:
		c.log.Error("a saved monitor is not usable: what ran before keeps running", "key", name, "revision", revision, "error", err)
		return false
	case operation != "":
		delete(c.desired, name)
		c.feed.add(fact{at: meta.Timestamp, number: revision, deleted: name})
		c.kept.add(monitorFact(nil, name))
	default:
		c.placeLocked(&s)
		c.desired[name] = s
		c.feed.add(fact{at: meta.Timestamp, number: revision, saved: &s})
		c.kept.add(monitorFact(&s, name))
	}
	return true
}

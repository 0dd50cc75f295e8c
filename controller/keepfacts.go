package controller

import (
	"context"
	"strings"

	"github.com/nats-io/nats.go"

	"netmon/internal/tail"
	"netmon/wire"
)

// The stream under the bucket of settings, by NATS's own naming.
const (
	settingsStream = "KV_" + wire.AlertingBucket
	settingsPrefix = "$KV." + wire.AlertingBucket + "."
)

// follow hands over what comes of a stream until ctx ends. Each message is a fact, also
// one that cannot be read: how far it was read is behind it.
func (g *keeping) follow(ctx context.Context, t *tail.Tail, of func(*nats.Msg, *nats.MsgMetadata) input) error {
	var list []input
	for {
		m, meta, err := t.Next()
		if err != nil {
			return err
		}
		list = append(list, of(m, meta))
		if len(list) < feedChunk && t.More() {
			continue
		}
		select {
		case g.facts <- list:
		case <-ctx.Done():
			return ctx.Err()
		}
		list = nil
	}
}

// read reads what was there when a tail was opened.
func read(t *tail.Tail, of func(*nats.Msg, *nats.MsgMetadata) input) (list []input, err error) {
	for left := t.Left(); left > 0; left-- {
		m, meta, err := t.Next()
		if err != nil {
			return nil, err
		}
		list = append(list, of(m, meta))
		if meta.NumPending == 0 { // one that was pushed out meanwhile does not come
			break
		}
	}
	return list, nil
}

// factOf is a message of a stream, with what to do about it.
func factOf(m *nats.Msg, meta *nats.MsgMetadata, from origin, tell func(*keeping)) input {
	return input{at: meta.Timestamp, from: from, number: meta.Sequence.Stream, size: m.Size() + messageOver, apply: tell}
}

// verdictFact is a verdict on a monitor, an agent or the mesh.
func (g *keeping) verdictFact(m *nats.Msg, meta *nats.MsgMetadata) input {
	v, err := decodeVerdict(m.Subject, m.Data)
	if err != nil {
		g.log.Error("cannot read a verdict: it changes no incident", "subject", m.Subject, "error", err)
		return factOf(m, meta, fromVerdicts, nil)
	}
	if v.Monitor != nil { // it is kept, and no incident is about these
		v.Monitor.Evidence, v.Monitor.Cross, v.Monitor.Quorum = nil, nil, wire.VerdictQuorum{}
	}
	return factOf(m, meta, fromVerdicts, func(g *keeping) {
		switch {
		case v.Monitor != nil:
			g.k.Verdict(*v.Monitor)
		case v.Agent != nil:
			g.k.Agent(*v.Agent)
		default:
			g.k.Mesh(*v.Mesh)
		}
	})
}

// incidentFact is what comes on the stream of incidents: of interest is what others
// write there, troubles and what became of notices.
func (g *keeping) incidentFact(m *nats.Msg, meta *nats.MsgMetadata) input {
	what, _, _ := strings.Cut(m.Subject, ".")
	switch what {
	case "troubles":
		t, err := wire.DecodeTrouble(m.Subject, m.Data)
		if err != nil {
			g.log.Error("cannot read a trouble: it changes no incident", "subject", m.Subject, "error", err)
			break
		}
		number := meta.Sequence.Stream
		return factOf(m, meta, fromIncidents, func(g *keeping) {
			g.old.trouble(t, m.Subject, number, m.Data, g.old.bytes)
			g.k.Trouble(t)
		})
	case "deliveries":
		d, err := wire.DecodeDelivery(m.Subject, m.Data)
		if err != nil {
			g.log.Error("cannot read what became of a notice", "subject", m.Subject, "error", err)
			break
		}
		return factOf(m, meta, fromIncidents, func(g *keeping) {
			g.notices.heard(&d)
			g.k.Delivery(d)
		})
	}
	return factOf(m, meta, fromIncidents, nil)
}

// settingFact is a setting that is saved or deleted. What the mesh did not let in
// changes nothing.
func (c *Controller) settingFact(m *nats.Msg, meta *nats.MsgMetadata) input {
	key, operation, revision := strings.TrimPrefix(m.Subject, settingsPrefix), m.Header.Get(headerOperation), meta.Sequence.Stream
	sort, name, err := wire.ParseSettingKey(key)
	if err == nil && c.access.CheckSaved != nil {
		err = c.access.CheckSaved(m.Subject, operation, m.Header.Get(wire.AcceptedHeader), m.Header.Get(wire.ProofHeader), m.Data)
	}
	var s wire.Setting
	if err == nil && operation == "" {
		s, err = wire.DecodeSetting(key, m.Data, revision)
	}
	switch {
	case err != nil:
		c.log.Error("a saved setting is not usable: the previous one stays in force", "key", wire.Clip(key, 2*wire.MaxToken), "revision", revision, "error", err)
		return factOf(m, meta, fromSettings, nil)
	case operation != "":
		return factOf(m, meta, fromSettings, func(g *keeping) { g.removeSetting(sort, name) })
	}
	return factOf(m, meta, fromSettings, func(g *keeping) { g.setting(s) })
}

// setting and removeSetting apply what is saved, and have a consumer for each channel.
func (g *keeping) setting(s wire.Setting) {
	key := settingOf{s.Sort(), s.SettingName()}
	if _, known := g.settings[key]; !known && len(g.settings) >= wire.MaxSettings {
		g.log.Error("a setting is ignored: there are too many", "most", wire.MaxSettings, "sort", key.sort, "name", key.name)
		return
	}
	g.settings[key] = endOf(s)
	if key.sort == wire.SortChannel {
		g.notices.channel(key.name)
	}
	g.k.Setting(s)
}

func (g *keeping) removeSetting(sort wire.Sort, name string) {
	delete(g.settings, settingOf{sort, name})
	if sort == wire.SortChannel {
		g.notices.noChannel(name)
	}
	g.k.RemoveSetting(sort, name)
}

// monitorFact is a monitor that is saved, or the deletion of one.
func monitorFact(saved *wire.Saved, name string) input {
	return input{apply: func(g *keeping) {
		if saved != nil {
			g.k.Monitor(*saved)
		} else {
			g.k.RemoveMonitor(name)
		}
	}}
}

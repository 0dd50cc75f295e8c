package controller

import (
	"errors"
	"fmt"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// verdict is one of the three kinds, as it goes onto its subject.
type verdict struct {
	subject string
	judge.Change
	n      uint64
	at     time.Time
	since  time.Time
	state  string
	reason string // the incident
}

// verdictOf is what is published of a change.
func verdictOf(c judge.Change) (v verdict, err error) {
	v.Change = c
	switch {
	case c.Monitor != nil:
		v.subject, err = wire.VerdictSubject(c.Monitor.Monitor)
		v.n, v.at, v.since, v.state, v.reason = c.Monitor.N, c.Monitor.At, c.Monitor.Since, string(c.Monitor.State), c.Monitor.Incident
	case c.Agent != nil:
		v.subject, err = wire.AgentVerdictSubject(c.Agent.Agent)
		v.n, v.at, v.since, v.state, v.reason = c.Agent.N, c.Agent.At, c.Agent.Since, string(c.Agent.Status), c.Agent.Incident
	case c.Mesh != nil:
		v.subject = wire.MeshVerdictSubject
		v.n, v.at, v.since, v.state = c.Mesh.N, c.Mesh.At, c.Mesh.Since, fmt.Sprint(c.Mesh.Frozen)
	default:
		err = errors.New("a change without content")
	}
	return v, err
}

// decodeVerdict reads what is published on a subject of verdicts.
func decodeVerdict(subject string, data []byte) (verdict, error) {
	var c judge.Change
	switch {
	case wire.IsMonitorVerdict(subject):
		v, err := wire.DecodeVerdict(subject, data)
		if err != nil {
			return verdict{}, err
		}
		c.Monitor = &v
	case wire.IsAgentVerdict(subject):
		v, err := wire.DecodeAgentVerdict(subject, data)
		if err != nil {
			return verdict{}, err
		}
		c.Agent = &v
	default:
		v, err := wire.DecodeMeshVerdict(subject, data)
		if err != nil {
			return verdict{}, err
		}
		c.Mesh = &v
	}
	return verdictOf(c)
}

// number sets which one of its subject it is: the judge's own count may have started over.
func (v *verdict) number(n uint64) {
	v.n = n
	v.restate()
}

// decidedAt sets when it was decided.
func (v *verdict) decidedAt(at time.Time) {
	v.at = at
	v.restate()
}

// restate has what is published say n and at. What the judge gave stays as it is.
func (v *verdict) restate() {
	switch {
	case v.Monitor != nil:
		c := *v.Monitor
		c.N, c.At, v.Monitor = v.n, v.at, &c
	case v.Agent != nil:
		c := *v.Agent
		c.N, c.At, v.Agent = v.n, v.at, &c
	case v.Mesh != nil:
		c := *v.Mesh
		c.N, c.At, v.Mesh = v.n, v.at, &c
	}
}

func (v *verdict) body() any {
	switch {
	case v.Monitor != nil:
		return v.Monitor
	case v.Agent != nil:
		return v.Agent
	}
	return v.Mesh
}

// same says that two verdicts say the same; with loose, although one does not know
// since when.
func (v verdict) same(w verdict, loose bool) bool {
	return v.state == w.state && (loose || v.since.Equal(w.since) && v.reason == w.reason)
}

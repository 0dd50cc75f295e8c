package feed

import (
	"context"
	"encoding/json"
	"strings"

	"netmon/internal/tail"
	"netmon/wire"
)

func verdictSubjects() []string { return []string{"verdicts.*", wire.JudgeHead} }

// verdict is one message of the stream VERDICTS: a verdict on a monitor, or the times that
// were judged, in order.
type verdict struct {
	seq     uint64
	pending uint64 // that are stored behind it
	monitor *wire.Verdict
	judged  []wire.Judged
}

// readVerdicts hands over verdicts until ctx ends.
func (g *feeding) readVerdicts(ctx context.Context, t *tail.Tail) error {
	created := t.Stream().Created
	var chunk []verdict
	for {
		m, meta, err := t.Next()
		if err != nil {
			return err
		}
		if !t.Stream().Created.Equal(created) {
			return errAnew
		}
		if v, ok := decodeVerdict(m.Subject, m.Data); ok {
			v.seq, v.pending = meta.Sequence.Stream, meta.NumPending
			chunk = append(chunk, v)
		}
		if len(chunk) == 0 || len(chunk) < chunkMost && t.More() {
			continue
		}
		select {
		case g.verdicts <- chunk:
		case <-ctx.Done():
			return ctx.Err()
		}
		chunk = nil
	}
}

// decodeVerdict reads a message; ok is false where it cannot be read.
func decodeVerdict(subject string, data []byte) (v verdict, ok bool) {
	if subject == wire.JudgeHead {
		var head struct {
			Position struct {
				Judged []wire.Judged `json:"judged"`
			} `json:"position"`
		}
		err := json.Unmarshal(data, &head)
		v.judged = head.Position.Judged
		return v, err == nil && len(head.Position.Judged) > 0
	}
	if strings.Count(subject, ".") != 1 {
		return v, false
	}
	m, err := wire.DecodeVerdict(subject, data)
	v.monitor = &m
	return v, err == nil
}

// addVerdicts adds what was read, and in which times it holds.
func (g *feeding) addVerdicts(chunk []verdict) {
	g.behind = chunk[len(chunk)-1].pending
	for _, v := range chunk {
		if v.monitor != nil {
			g.advance(v.monitor.At)
			g.file.AddVerdict(v.monitor, g.windows.Muted(v.monitor.Monitor), v.seq)
		}
		for _, s := range v.judged {
			if s.To.After(g.judged) {
				g.file.Judged(s.From, s.To)
				g.judged = s.To
			}
		}
	}
}

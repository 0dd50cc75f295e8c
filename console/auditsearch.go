package console

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/tail"
	"netmon/wire"
)

// Bounds of one search of the audit: so many lines are read at a time, and looked at in all.
const (
	auditBlock = 500
	auditLook  = 5000
)

// AuditSearch asks for lines of the audit, the newest first.
type AuditSearch struct {
	Before uint64 // only lines before the one of this number; 0: from the newest on
	Most   int    // so many lines
	Text   string // words that a line must all have, in whatever case
}

// AuditEntry is a line of the audit with its number.
type AuditEntry struct {
	wire.Audit
	Seq uint64
}

// AuditPage is what a search found.
type AuditPage struct {
	Lines  []AuditEntry // the newest first
	Looked int          // lines that were looked at
	Older  uint64       // Before of the search that continues; 0 where there is nothing before
}

// SearchAudit reads who changed what from the newest line backwards. It never holds more
// than one block of lines and what it found, however long the audit is.
func (c *Client) SearchAudit(ctx context.Context, q AuditSearch) (p AuditPage, err error) {
	stream, err := c.open(ctx, wire.AuditStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return p, &notThere{"the broker of this mesh keeps no audit: update it"}
	}
	if err != nil {
		return p, noMesh("read the audit", err)
	}
	info, err := c.info(ctx, stream)
	if err != nil {
		return p, noMesh("read the audit", err)
	}
	words := strings.Fields(strings.ToLower(q.Text))
	before, first := info.State.LastSeq+1, info.State.FirstSeq
	if q.Before > 0 {
		before = min(before, q.Before)
	}
	for before > first && info.State.Msgs > 0 {
		from := first
		if before-first > auditBlock {
			from = before - auditBlock
		}
		block, err := c.auditBlock(ctx, from, before)
		if err != nil {
			return p, err
		}
		for _, e := range slices.Backward(block) {
			p.Looked++
			if !auditHas(&e.Audit, words) {
				continue
			}
			if len(p.Lines) == q.Most {
				p.Older = e.Seq + 1
				return p, nil
			}
			p.Lines = append(p.Lines, e)
		}
		if before = from; p.Looked >= auditLook && before > first {
			p.Older = before
			break
		}
	}
	return p, nil
}

// auditBlock are the lines with numbers in [from, before), the oldest first.
func (c *Client) auditBlock(ctx context.Context, from, before uint64) (list []AuditEntry, err error) {
	ctx, done := c.denials.during(ctx)
	defer done()
	t, err := tail.Open(ctx, c.js, wire.AuditStream, tail.From{After: from - 1})
	if err != nil {
		return nil, noMesh("read the audit", denied(ctx, err))
	}
	defer t.Stop()
	for left := t.Left(); left > 0; left-- {
		m, meta, err := t.Next()
		if ctx.Err() != nil {
			return nil, denied(ctx, ctx.Err())
		}
		if err != nil {
			return nil, noMesh("read the audit", err)
		}
		if meta.Sequence.Stream >= before {
			break
		}
		e, err := wire.DecodeAudit(m.Subject, m.Data)
		if err != nil { // somebody else's message
			e = wire.Audit{At: meta.Timestamp.UTC(), Where: "unknown", Error: err.Error()}
		}
		list = append(list, AuditEntry{e, meta.Sequence.Stream})
		if meta.Sequence.Stream == before-1 {
			break
		}
	}
	return list, nil
}

func auditHas(e *wire.Audit, words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := strings.ToLower(strings.Join(append([]string{AuthorText(e.By), e.Where, e.Did, e.Detail, e.Error}, e.What...), " "))
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

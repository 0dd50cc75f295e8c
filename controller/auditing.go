package controller

import (
	"context"
	"fmt"
	"strings"
	"time"

	"netmon/internal/retry"
	"netmon/internal/tail"
	"netmon/wire"
)

// auditAccess is where the broker says who may come in.
const auditAccess = "access"

// auditedDeeds are the lines of the audit that people are notified of, by what was done, where
// it was: who may come in, and whom agents obey. What else is changed (monitors,
// channels, runs) is what people do all day, and is in the audit.
var auditedDeeds = map[string]string{
	"token":            "made a token for",
	"join":             "let in",
	"revoke":           "shut out",
	"suspend":          "suspended",
	"resume":           "let in again",
	"authority-rotate": "began to change the authority",
	"authority-abort":  "gave up the change of the authority",
	"authority-switch": "changed the authority",
}

// auditTrouble is what people read about a line of the audit, which is number n of its
// stream and was stored at a moment.
func auditTrouble(a *wire.Audit, n uint64, at time.Time) (t wire.Trouble, ok bool) {
	did, ok := auditedDeeds[a.Did]
	if !ok || !a.OK || a.Where != auditAccess {
		return t, false
	}
	names := strings.Join(a.What, ", ")
	why := a.By + " " + did + " " + names
	switch a.Did {
	case "join":
		why = names + " joined"
	case "authority-rotate", "authority-abort", "authority-switch":
		why = a.By + " " + did
	}
	if a.Detail != "" {
		why += " (" + a.Detail + ")"
	}
	t = wire.Trouble{About: wire.AboutAudit, Name: fmt.Sprintf("%s-%d", wire.MakeToken(a.Did), n), Wrong: true, Since: at.UTC(), At: at.UTC(), N: 1,
		Why: wire.Clip(why, wire.MaxReason), Severity: wire.SeverityAudit, Evidence: fmt.Sprint(n)}
	t.Incident = t.ID()
	return t, true
}

// openAudit has the lines of the audit that matter written down as troubles. At the
// first start what was done before counts for nothing.
func (g *keeping) openAudit(ctx context.Context, c *Controller) (func() error, error) {
	s, err := retry.Stream(ctx, g.js, wire.AuditStream)
	if err != nil {
		return nil, err
	}
	info := s.CachedInfo()
	if !g.at.AuditOf.Equal(info.Created) || g.at.Audit > info.State.LastSeq {
		g.at.Audit, g.at.AuditOf = info.State.LastSeq, info.Created
	}
	t, err := tail.Open(ctx, g.js, wire.AuditStream, tail.From{After: g.at.Audit})
	if err != nil {
		return nil, err
	}
	return func() error {
		defer t.Stop()
		for {
			m, meta, err := t.Next()
			if err != nil {
				return err
			}
			if a, err := wire.DecodeAudit(m.Subject, m.Data); err != nil {
				g.log.Error("a line of the audit cannot be read", "error", err)
			} else if t, ok := auditTrouble(&a, meta.Sequence.Stream, meta.Timestamp); ok {
				if err := c.troubles.write(ctx, t); err != nil {
					return err
				}
			}
			select {
			case g.facts <- []input{factOf(m, meta, fromAudit, nil)}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}, nil
}

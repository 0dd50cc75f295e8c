package notify

import (
	"context"
	"net/url"
	"time"

	"netmon/wire"
)

// PagerDuty sends events to a service of PagerDuty. The incident's id is the key of the
// alert there, so that what is sent again changes it, and its end resolves it.
// https://developer.pagerduty.com/docs/events-api-v2
type PagerDuty struct {
	Key    Secret `json:"key" help:"the integration key of an Events API v2 integration"`
	Region string `json:"region,omitempty" enum:"us,eu" help:"us or eu: where the account is"`
	Server Text   `json:"server,omitempty" help:"where the API is; default: by region"`
}

func pagerdutyKind() Kind {
	return newKind("pagerduty", "triggers, acknowledges and resolves alerts of PagerDuty", PagerDuty{Region: "us"})
}

// Sizes that PagerDuty documents: characters, and bytes for the whole event of 512 KB.
const (
	pagerdutySummary = 1024
	pagerdutyText    = 128 << 10
	pagerdutyKey     = 255
)

func (d *PagerDuty) Validate() error {
	var p wire.Problems
	p.Add("key", wantSecret(d.Key))
	p.Add("region", oneOf(d.Region, "us", "eu"))
	if d.Server != "" {
		p.Add("", checkURL("server", d.Server, "https", "http"))
	}
	return p.Err()
}

// To is the API.
func (d *PagerDuty) To() []Text {
	switch {
	case d.Server != "":
		return []Text{d.Server}
	case d.Region == "eu":
		return []Text{"https://events.eu.pagerduty.com"}
	}
	return []Text{"https://events.pagerduty.com"}
}

type pagerdutyEvent struct {
	Key       string            `json:"routing_key"`
	Action    string            `json:"event_action"`
	Dedup     string            `json:"dedup_key"`
	Payload   *pagerdutyPayload `json:"payload,omitempty"`
	Client    string            `json:"client,omitempty"`
	ClientURL string            `json:"client_url,omitempty"`
}

type pagerdutyPayload struct {
	Summary  string           `json:"summary"`
	Source   string           `json:"source"`
	Severity string           `json:"severity"`
	Time     time.Time        `json:"timestamp"`
	Group    string           `json:"group"`
	Class    string           `json:"class"`
	Details  pagerdutyDetails `json:"custom_details"`
}

type pagerdutyDetails struct {
	Text     string `json:"text"`
	Incident string `json:"incident"`
	Reason   string `json:"reason"`
	Cause    string `json:"cause,omitempty"`
	Blame    string `json:"blame,omitempty"`
	Notice   string `json:"notice"` // its key
}

// What Receipt.Thread remembers of the alert: that it is there, or that it is
// acknowledged there, too.
const (
	pagerTriggered    = "told"
	pagerAcknowledged = "acknowledged"
)

// Send triggers, acknowledges or resolves. An acknowledgement of what PagerDuty does not
// know yet comes after a trigger.
func (d *PagerDuty) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	u, err := env.URL(d.To()[0])
	if err != nil {
		return Receipt{}, err
	}
	key, err := For(env, d.Key, u)
	if err != nil {
		return Receipt{}, err
	}
	event := pagerdutyEvent{Key: key, Dedup: shortKey(m.Incident.ID, pagerdutyKey)}
	if m.over() {
		return pagerdutyCall(ctx, env, u, event.as("resolve"), pagerTriggered)
	}
	receipt := Receipt{}
	if m.Notice.Reason != wire.ReasonAcknowledged || m.Thread == "" {
		trigger := event.as("trigger")
		trigger.Payload, trigger.Client, trigger.ClientURL = pagerdutyPayloadOf(m), "netmon", m.Link
		if receipt, err = pagerdutyCall(ctx, env, u, trigger, pagerTriggered); err != nil {
			return Receipt{}, err
		}
	}
	if m.acknowledged() && (m.Notice.Reason == wire.ReasonAcknowledged || m.Thread != pagerAcknowledged) {
		return pagerdutyCall(ctx, env, u, event.as("acknowledge"), pagerAcknowledged)
	}
	if m.acknowledged() {
		receipt.Thread = pagerAcknowledged
	}
	if m.Test() {
		receipt.Answer += "; resolve the test there"
	}
	return receipt, nil
}

func (e pagerdutyEvent) as(action string) pagerdutyEvent {
	e.Action = action
	return e
}

func pagerdutyCall(ctx context.Context, env *Env, u *url.URL, e pagerdutyEvent, thread string) (Receipt, error) {
	a, err := env.PostJSON(ctx, u.JoinPath("v2", "enqueue"), nil, e)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Answer: a.String(), Thread: thread}, nil
}

func pagerdutyPayloadOf(m *Message) *pagerdutyPayload {
	return &pagerdutyPayload{
		Summary: Cut(m.Title, pagerdutySummary), Source: m.what(), Severity: m.level().String(), Time: m.Incident.Opened.UTC(),
		Group: m.Mesh, Class: string(m.Incident.Severity),
		Details: pagerdutyDetails{
			Text: m.Fit(pagerdutyText, jsonLen), Incident: m.Incident.ID, Reason: string(m.Notice.Reason),
			Cause: causeText(&m.Incident), Blame: blame(m), Notice: m.Key(),
		},
	}
}

// blame is whose fault it is, in one line; "" where nobody said.
func blame(m *Message) string {
	b := m.Incident.Blame
	if b == nil {
		return ""
	}
	if b.Why == "" {
		return string(b.Class)
	}
	return Cut(Line(string(b.Class)+": "+b.Why), wire.MaxText)
}

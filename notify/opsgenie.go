package notify

import (
	"context"
	"net/http"
	"net/url"

	"netmon/wire"
)

// Opsgenie creates, acknowledges and closes alerts of Opsgenie, under the incident's id
// as alias. Atlassian shuts Opsgenie down in April 2027; Jira Service Management takes
// the same calls at another server.
// https://docs.opsgenie.com/docs/alert-api
type Opsgenie struct {
	Key    Secret `json:"key" help:"of an API integration"`
	Region string `json:"region,omitempty" enum:"us,eu" help:"us or eu: where the account is"`
	Teams  List   `json:"teams,omitempty" help:"names of teams that are notified; default: those of the integration"`
	Tags   List   `json:"tags,omitempty" help:"tags of the alert"`
	Server Text   `json:"server,omitempty" help:"where the API is; default: by region"`
}

func opsgenieKind() Kind {
	return newKind("opsgenie", "creates, acknowledges and closes alerts of Opsgenie", Opsgenie{Region: "us"})
}

// Sizes that Opsgenie documents, in characters.
const (
	opsgenieMessage = 130
	opsgenieText    = 15000
	opsgenieNote    = 25000
	opsgenieAlias   = 512
	opsgenieSource  = 100
	opsgenieEntity  = 512
	opsgenieTags    = 20
	opsgenieTag     = 50
	opsgenieTeams   = 50
)

func (o *Opsgenie) Validate() error {
	var p wire.Problems
	p.Add("key", wantSecret(o.Key))
	p.Add("region", oneOf(o.Region, "us", "eu"))
	if len(o.Teams) > opsgenieTeams {
		p.Addf("teams", "want at most %d, got %d", opsgenieTeams, len(o.Teams))
	}
	for _, team := range o.Teams {
		if team == "" || Line(team) != team || len(team) > wire.MaxText {
			p.Addf("teams", "want names, got %q", wire.Clip(team, wire.MaxToken))
		}
	}
	if len(o.Tags) > opsgenieTags {
		p.Addf("tags", "want at most %d, got %d", opsgenieTags, len(o.Tags))
	}
	for _, tag := range o.Tags {
		if tag == "" || Line(tag) != tag || len([]rune(tag)) > opsgenieTag {
			p.Addf("tags", "want 1 to %d characters, got %q", opsgenieTag, wire.Clip(tag, wire.MaxToken))
		}
	}
	if o.Server != "" {
		p.Add("", checkURL("server", o.Server, "https", "http"))
	}
	return p.Err()
}

// To is the API.
func (o *Opsgenie) To() []Text {
	switch {
	case o.Server != "":
		return []Text{o.Server}
	case o.Region == "eu":
		return []Text{"https://api.eu.opsgenie.com"}
	}
	return []Text{"https://api.opsgenie.com"}
}

type opsgenieAlert struct {
	Message    string            `json:"message"`
	Alias      string            `json:"alias"`
	Text       string            `json:"description"`
	Responders []opsgenieTeamRef `json:"responders,omitempty"`
	Tags       []string          `json:"tags,omitempty"`
	Details    map[string]string `json:"details"`
	Entity     string            `json:"entity"`
	Source     string            `json:"source"`
	Priority   string            `json:"priority"`
}

type opsgenieTeamRef struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type opsgenieWord struct {
	User   string `json:"user,omitempty"`
	Source string `json:"source"`
	Note   string `json:"note"`
}

// Send creates the alert, which changes nothing while one of its alias is open, and says
// what is new in a note; or acknowledges it, or closes it.
func (o *Opsgenie) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	u, err := env.URL(o.To()[0])
	if err != nil {
		return Receipt{}, err
	}
	key, err := For(env, o.Key, u)
	if err != nil {
		return Receipt{}, err
	}
	call := opsgenieCall{env, u.JoinPath("v2", "alerts"), http.Header{"Authorization": {"GenieKey " + key}}, shortKey(m.Incident.ID, opsgenieAlias)}
	word := opsgenieWord{Source: Cut(m.Mesh, opsgenieSource), Note: m.Fit(opsgenieNote, utf16Len)}
	if m.over() {
		return call.about(ctx, "close", word, pagerTriggered)
	}
	receipt := Receipt{}
	if m.Notice.Reason != wire.ReasonAcknowledged || m.Thread == "" {
		a, err := env.PostJSON(ctx, call.alerts, call.header, o.alert(m, call.alias))
		if err != nil {
			return Receipt{}, err
		}
		receipt = Receipt{Answer: a.String(), Thread: pagerTriggered}
		if m.Thread != "" {
			if receipt, err = call.about(ctx, "notes", word, pagerTriggered); err != nil {
				return Receipt{}, err
			}
		}
	}
	if m.acknowledged() && (m.Notice.Reason == wire.ReasonAcknowledged || m.Thread != pagerAcknowledged) {
		word.User = Cut(Line(m.Incident.Ack.By), opsgenieSource)
		return call.about(ctx, "acknowledge", word, pagerAcknowledged)
	}
	if m.acknowledged() {
		receipt.Thread = pagerAcknowledged
	}
	if m.Test() {
		receipt.Answer += "; close the test there"
	}
	return receipt, nil
}

type opsgenieCall struct {
	env    *Env
	alerts *url.URL
	header http.Header
	alias  string
}

// about does something with the alert that is there.
func (c opsgenieCall) about(ctx context.Context, what string, word opsgenieWord, thread string) (Receipt, error) {
	u := c.alerts.JoinPath(url.PathEscape(c.alias), url.PathEscape(what))
	u.RawQuery = "identifierType=alias"
	a, err := c.env.PostJSON(ctx, u, c.header, word)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Answer: a.String(), Thread: thread}, nil
}

func (o *Opsgenie) alert(m *Message, alias string) opsgenieAlert {
	alert := opsgenieAlert{
		Message: cutUnits(m.Title, opsgenieMessage), Alias: alias, Text: m.Fit(opsgenieText, utf16Len), Tags: o.Tags,
		Entity: Cut(m.what(), opsgenieEntity), Source: Cut(m.Mesh, opsgenieSource), Priority: opsgeniePriority(m),
		Details: map[string]string{"incident": m.Incident.ID, "severity": string(m.Incident.Severity), "notice": m.Key()},
	}
	if c := causeText(&m.Incident); c != "" {
		alert.Details["cause"] = c
	}
	if b := blame(m); b != "" {
		alert.Details["blame"] = b
	}
	if m.Link != "" {
		alert.Details["link"] = m.Link
	}
	for _, team := range o.Teams {
		alert.Responders = append(alert.Responders, opsgenieTeamRef{team, "team"})
	}
	return alert
}

func opsgeniePriority(m *Message) string {
	return [...]string{"P5", "P3", "P2", "P1"}[m.level()]
}

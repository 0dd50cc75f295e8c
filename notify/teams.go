package notify

import (
	"context"
	"net/url"
	"strings"

	"netmon/wire"
)

// Teams posts an Adaptive Card into a channel or chat of Microsoft Teams, by a webhook
// of the Workflows app. The connectors that came before it are retired.
// https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
type Teams struct {
	URL Text `json:"url" help:"of the workflow \"When a Teams webhook request is received\", as a reference"`
}

func teamsKind() Kind {
	return newKind("teams", "posts a card to Microsoft Teams by a workflow's webhook", Teams{})
}

// teamsText is what the lines of a card may take, in bytes of JSON: Teams takes cards of
// 28 KB.
const teamsText = 16 << 10

// teamsLine is what a line of a card takes beside its text.
const teamsLine = 120

func (t *Teams) Validate() error {
	var p wire.Problems
	p.Add("", checkURL("url", t.URL, "https", "http"))
	if u, err := url.Parse(inText.ReplaceAllString(string(t.URL), "x")); err == nil && retiredConnector(u) {
		p.Addf("url", "%q is a connector of Office 365, which Microsoft retired: make a webhook in the Workflows app", wire.Clip(u.Hostname(), wire.MaxToken))
	}
	return p.Err()
}

func retiredConnector(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	return strings.HasSuffix(host, ".webhook.office.com") || host == "outlook.office.com" || host == "outlook.office365.com"
}

// To is the webhook.
func (t *Teams) To() []Text { return []Text{t.URL} }

// Send posts. A 202 says that the workflow began; whether it posted the card is in its
// history. There is no field against repeats, and there are no threads.
func (t *Teams) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	u, err := env.URL(t.URL)
	if err != nil {
		return Receipt{}, err
	}
	if retiredConnector(u) {
		return Receipt{}, Refuse("url is a connector of Office 365, which Microsoft retired: make a webhook in the Workflows app")
	}
	a, err := env.PostJSON(ctx, u, nil, teamsPost{Type: "message", Attachments: []teamsAttachment{{
		ContentType: "application/vnd.microsoft.card.adaptive", Content: teamsCardOf(m),
	}}})
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Answer: a.String()}, nil
}

type teamsPost struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	ContentURL  *string   `json:"contentUrl"`
	Content     teamsCard `json:"content"`
}

type teamsCard struct {
	Schema   string            `json:"$schema"`
	Type     string            `json:"type"`
	Version  string            `json:"version"`
	Fallback string            `json:"fallbackText"`
	Teams    map[string]string `json:"msteams"`
	Body     []teamsBlock      `json:"body"`
	Actions  []teamsAction     `json:"actions,omitempty"`
}

// teamsBlock is a RichTextBlock: other than a TextBlock it has no Markdown.
type teamsBlock struct {
	Type    string     `json:"type"`
	Spacing string     `json:"spacing,omitempty"`
	Inlines []teamsRun `json:"inlines"`
}

type teamsRun struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Weight string `json:"weight,omitempty"`
	Size   string `json:"size,omitempty"`
	Color  string `json:"color,omitempty"`
	Subtle bool   `json:"isSubtle,omitempty"`
}

type teamsAction struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

func teamsCardOf(m *Message) teamsCard {
	card := teamsCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		Fallback: m.Title, Teams: map[string]string{"width": "Full"},
		Body: []teamsBlock{teamsParagraph(teamsRun{Text: m.Title, Weight: "Bolder", Size: "Medium", Color: teamsColor(m)}, "")},
	}
	text := m.Fit(teamsText, func(s string) int { return jsonLen(s) + teamsLine*strings.Count(s, "\n") })
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" {
			card.Body = append(card.Body, teamsParagraph(teamsRun{Text: line}, "Small"))
		}
	}
	card.Body = append(card.Body, teamsParagraph(teamsRun{Text: m.Mesh + " · " + m.Incident.ID, Size: "Small", Subtle: true}, ""))
	if m.Link != "" {
		card.Actions = []teamsAction{{"Action.OpenUrl", "Open", m.Link}}
	}
	return card
}

func teamsParagraph(run teamsRun, spacing string) teamsBlock {
	run.Type = "TextRun"
	return teamsBlock{Type: "RichTextBlock", Spacing: spacing, Inlines: []teamsRun{run}}
}

func teamsColor(m *Message) string {
	switch {
	case m.over():
		return "Good"
	case m.acknowledged():
		return "Accent"
	case m.level() >= levelError:
		return "Attention"
	case m.level() == levelWarning:
		return "Warning"
	}
	return "Default"
}

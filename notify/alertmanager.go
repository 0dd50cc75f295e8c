package notify

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"netmon/wire"
)

// Alertmanager gives incidents to an Alertmanager of Prometheus, which notifies whom it
// likes. It forgets what it does not get again, so that what is wrong is sent each minute,
// and lapses there when nobody sends it any more.
// https://prometheus.io/docs/alerting/latest/alerts_api/
type Alertmanager struct {
	Server   Text              `json:"server" help:"such as http://alertmanager:9093"`
	Labels   map[string]string `json:"labels,omitempty" help:"labels of every alert, such as team: shop"`
	Silence  bool              `json:"silence,omitempty" help:"an incident that is acknowledged is silenced there, until it is over or of another severity"`
	User     string            `json:"user,omitempty" help:"with password"`
	Password Secret            `json:"password,omitempty" help:"of user"`
	Token    Secret            `json:"token,omitempty" help:"a bearer token, in place of user and password"`
}

func alertmanagerKind() Kind {
	return newKind("alertmanager", "gives incidents to an Alertmanager", Alertmanager{Silence: true})
}

// How often what is wrong is sent again, after how long without that it is over for
// Alertmanager, and for how long the end is sent again.
const (
	alertmanagerEvery  = time.Minute
	alertmanagerLapse  = 4 * time.Minute
	alertmanagerOver   = 5 * time.Minute
	alertmanagerSilent = 24 * time.Hour
	alertmanagerText   = 16 << 10
)

// alertmanagerOwn are the labels that say which alert it is.
var alertmanagerOwn = []string{"alertname", "incident", "instance", "severity", "mesh"}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (x *Alertmanager) Validate() error {
	var p wire.Problems
	p.Add("", checkURL("server", x.Server, "https", "http"))
	for _, name := range slices.Sorted(maps.Keys(x.Labels)) {
		switch {
		case !labelName.MatchString(name):
			p.Addf("labels", "want names of letters, digits and _, got %q", wire.Clip(name, wire.MaxToken))
		case slices.Contains(alertmanagerOwn, name):
			p.Addf("labels."+name, "is set by netmon: choose another name")
		case x.Labels[name] == "" || Line(x.Labels[name]) != x.Labels[name] || len(x.Labels[name]) > wire.MaxText:
			p.Addf("labels."+name, "want one line of text, got %q", wire.Clip(x.Labels[name], wire.MaxToken))
		}
	}
	if x.Token != "" && x.User != "" {
		p.Addf("user", "want token, or user and password, not both: got %q", wire.Clip(x.User, wire.MaxToken))
	}
	p.Add("", checkUser(x.User, x.Password))
	return p.Err()
}

// To is the server.
func (x *Alertmanager) To() []Text { return []Text{x.Server} }

// Resend keeps the alert alive, and its end known.
func (x *Alertmanager) Resend() (every, over time.Duration) {
	return alertmanagerEvery, alertmanagerOver
}

type alertmanagerAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Starts      time.Time         `json:"startsAt"`
	Ends        time.Time         `json:"endsAt"`
	Generator   string            `json:"generatorURL,omitempty"`
}

// Send posts the alert as it is now: sent twice it is the same.
func (x *Alertmanager) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	u, err := env.URL(x.Server)
	if err != nil {
		return Receipt{}, err
	}
	header, err := authorize(env, u, x.Token, x.User, x.Password)
	if err != nil {
		return Receipt{}, err
	}
	api := alertmanagerAPI{env, u.JoinPath("api", "v2"), header}
	alert := x.alert(m)
	receipt := Receipt{}
	if x.Silence && (m.acknowledged() || m.Thread != "") {
		if receipt.Thread, err = api.silence(ctx, m, alert.Labels); err != nil {
			return Receipt{}, err
		}
	}
	a, err := env.PostJSON(ctx, api.base.JoinPath("alerts"), header, []alertmanagerAlert{alert})
	if err != nil {
		return Receipt{}, err
	}
	receipt.Answer = a.String()
	return receipt, nil
}

// alert is the incident for Alertmanager. Its labels make it the alert that it is: they
// stay the same, but for the severity, whose change is another alert.
func (x *Alertmanager) alert(m *Message) alertmanagerAlert {
	alert := alertmanagerAlert{
		Labels: map[string]string{"alertname": "NetmonIncident", "incident": m.Incident.ID, "instance": m.what(), "severity": m.level().String(), "mesh": m.Mesh},
		Annotations: map[string]string{
			"summary": m.Title, "description": m.Fit(alertmanagerText, jsonLen), "about": string(m.Incident.Severity),
		},
		Starts: m.Incident.Opened.UTC(), Ends: m.At.Add(alertmanagerLapse).UTC(), Generator: m.Link,
	}
	maps.Copy(alert.Labels, x.Labels)
	maps.DeleteFunc(alert.Labels, func(_, v string) bool { return v == "" }) // an empty label is none
	if c := causeText(&m.Incident); c != "" {
		alert.Annotations["cause"] = c
	}
	if b := blame(m); b != "" {
		alert.Annotations["blame"] = b
	}
	if a := m.Incident.Ack; a != nil {
		alert.Annotations["acknowledged"] = Line("by " + a.By + ": " + a.Text)
	}
	if m.over() {
		alert.Ends = m.At.UTC()
		if at := m.Incident.Resolved.UTC(); !at.IsZero() && at.Before(m.At) {
			alert.Ends = at
		}
		if alert.Ends.Before(alert.Starts) {
			alert.Starts = alert.Ends
		}
	}
	return alert
}

type alertmanagerAPI struct {
	env    *Env
	base   *url.URL
	header http.Header
}

type alertmanagerSilence struct {
	ID       string                `json:"id,omitempty"`
	Matchers []alertmanagerMatcher `json:"matchers"`
	Starts   time.Time             `json:"startsAt"`
	Ends     time.Time             `json:"endsAt"`
	By       string                `json:"createdBy"`
	Comment  string                `json:"comment"`
	Status   *struct {
		State string `json:"state"`
	} `json:"status,omitempty"`
}

type alertmanagerMatcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual bool   `json:"isEqual"`
}

// silence makes one while the incident is acknowledged, and ends it when it is not. It
// looks first at those that are there, so that repeats make no second one. Severity is
// part of it: what gets worse is not silenced.
func (api alertmanagerAPI) silence(ctx context.Context, m *Message, labels map[string]string) (id string, err error) {
	want := []alertmanagerMatcher{{Name: "incident", Value: labels["incident"], IsEqual: true}, {Name: "severity", Value: labels["severity"], IsEqual: true}}
	u := api.base.JoinPath("silences")
	list := *u
	list.RawQuery = url.Values{"filter": {"incident=" + strconv.Quote(m.Incident.ID)}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, list.String(), nil)
	if err != nil {
		return "", err
	}
	req.Header = api.header.Clone()
	a, err := api.env.Do(req)
	if err != nil {
		return "", err
	}
	var there []alertmanagerSilence
	if err := a.Decode(&there); err != nil {
		return "", err
	}
	for _, s := range there {
		if s.Status == nil || s.Status.State == "expired" || !s.about(m.Incident.ID) {
			continue
		}
		if m.acknowledged() && slices.Equal(s.sorted(), want) {
			return s.ID, nil
		}
		if !m.acknowledged() {
			if err := api.endSilence(ctx, s.ID); err != nil {
				return "", err
			}
		}
	}
	if !m.acknowledged() {
		return "", nil
	}
	ack := m.Incident.Ack
	made, err := api.env.PostJSON(ctx, u, api.header, alertmanagerSilence{
		Matchers: want, Starts: m.At.UTC(), Ends: m.At.Add(alertmanagerSilent).UTC(), By: Line(ack.By) + alertmanagerBy, Comment: Line("acknowledged: " + ack.Text),
	})
	if err != nil {
		return "", err
	}
	var r struct {
		ID string `json:"silenceID"`
	}
	err = made.Decode(&r)
	return r.ID, err
}

// alertmanagerBy marks silences that netmon made: no others are ended.
const alertmanagerBy = " (netmon)"

func (s *alertmanagerSilence) about(incident string) bool {
	return strings.HasSuffix(s.By, alertmanagerBy) &&
		slices.ContainsFunc(s.Matchers, func(m alertmanagerMatcher) bool {
			return m.Name == "incident" && m.Value == incident && m.IsEqual && !m.IsRegex
		})
}

func (s *alertmanagerSilence) sorted() []alertmanagerMatcher {
	return slices.SortedFunc(slices.Values(s.Matchers), func(a, b alertmanagerMatcher) int { return strings.Compare(a.Name, b.Name) })
}

func (api alertmanagerAPI) endSilence(ctx context.Context, id string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, api.base.JoinPath("silence", url.PathEscape(id)).String(), nil)
	if err != nil {
		return err
	}
	req.Header = api.header.Clone()
	_, err = api.env.Do(req)
	return err
}

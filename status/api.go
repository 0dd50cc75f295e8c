package status

import (
	"encoding/json"
	"time"

	"netmon/console"
)

// The shapes of Statuspage's public API, version 2, as programs that read it expect them.
// What we do not have is null there, as it may be.
type (
	apiPage struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		URL      string `json:"url"`
		TimeZone string `json:"time_zone"`
		Updated  string `json:"updated_at"`
	}
	apiStatus struct {
		Indicator   string `json:"indicator"` // none, minor, major, critical, maintenance; unknown
		Description string `json:"description"`
	}
	apiComponent struct {
		ID           string   `json:"id"`
		Name         string   `json:"name"`
		Status       string   `json:"status"`
		Created      *string  `json:"created_at"`
		Updated      string   `json:"updated_at"`
		Position     int      `json:"position"`
		Description  *string  `json:"description"`
		Showcase     bool     `json:"showcase"`
		Start        *string  `json:"start_date"`
		GroupID      *string  `json:"group_id"`
		PageID       string   `json:"page_id"`
		Group        bool     `json:"group"`
		OnlyDegraded bool     `json:"only_show_if_degraded"`
		Components   []string `json:"components,omitempty"` // of a group
	}
	apiUpdate struct {
		ID         string     `json:"id"`
		Status     string     `json:"status"`
		Body       string     `json:"body"`
		IncidentID string     `json:"incident_id"`
		Created    string     `json:"created_at"`
		Updated    string     `json:"updated_at"`
		Display    string     `json:"display_at"`
		Affected   []struct{} `json:"affected_components"` // what each was is not kept
	}
	apiIncident struct {
		ID         string         `json:"id"`
		Name       string         `json:"name"`
		Status     string         `json:"status"` // investigating, resolved; of maintenance scheduled, in_progress, completed
		Created    string         `json:"created_at"`
		Updated    string         `json:"updated_at"`
		Monitoring *string        `json:"monitoring_at"`
		Resolved   *string        `json:"resolved_at"`
		Impact     string         `json:"impact"`
		Shortlink  string         `json:"shortlink"`
		Started    string         `json:"started_at"`
		PageID     string         `json:"page_id"`
		Updates    []apiUpdate    `json:"incident_updates"`
		Components []apiComponent `json:"components"`
		For        *string        `json:"scheduled_for,omitempty"`
		Until      *string        `json:"scheduled_until,omitempty"`
	}
)

func apiTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// impact is a state in Statuspage's words for incidents and pages.
func impact(s State) string {
	switch s {
	case Running:
		return "none"
	case Maintenance:
		return "maintenance"
	case Slow, Disturbed:
		return "minor"
	case Partly:
		return "major"
	case Down:
		return "critical"
	}
	return "unknown"
}

// api adds the files of the API.
func (b *builder) api(p *Page) error {
	page := apiPage{ID: p.ID, Name: p.Title, URL: p.URL, TimeZone: "Etc/UTC", Updated: apiTime(p.At)}
	is := apiStatus{impact(p.State), p.Headline}
	if p.Services == 0 || p.Blind {
		is.Indicator = "unknown"
	}
	components, byID := p.apiComponents()
	all, open := []apiIncident{}, []apiIncident{}
	for i := range p.Incidents {
		x := p.apiIncident(&p.Incidents[i], byID)
		if all = append(all, x); p.Incidents[i].Open() {
			open = append(open, x)
		}
	}
	plans, active, upcoming, ahead := []apiIncident{}, []apiIncident{}, []apiIncident{}, []apiIncident{}
	for i := range p.Maintenance {
		x := p.apiPlan(&p.Maintenance[i], byID)
		plans = append(plans, x)
		switch x.Status {
		case "in_progress":
			active, ahead = append(active, x), append(ahead, x)
		case "scheduled":
			upcoming, ahead = append(upcoming, x), append(ahead, x)
		}
	}
	type list map[string]any
	for name, v := range map[string]list{
		"summary":                         {"status": is, "components": components, "incidents": open, "scheduled_maintenances": ahead},
		"status":                          {"status": is},
		"components":                      {"components": components},
		"incidents":                       {"incidents": all},
		"incidents/unresolved":            {"incidents": open},
		"scheduled-maintenances":          {"scheduled_maintenances": plans},
		"scheduled-maintenances/active":   {"scheduled_maintenances": active},
		"scheduled-maintenances/upcoming": {"scheduled_maintenances": upcoming},
	} {
		v["page"] = page
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		b.add("api/v2/"+name+".json", kindJSON, console.EscapeJSON(data)).Shared = true
	}
	return nil
}

// apiComponents are the services, and before those of a heading the heading as a group.
func (p *Page) apiComponents() (list []apiComponent, byID map[string]apiComponent) {
	list, byID = []apiComponent{}, map[string]apiComponent{}
	for i := range p.Sections {
		sec := &p.Sections[i]
		var group *string
		at := len(list)
		if sec.Heading != "" {
			group = &sec.ID
			list = append(list, apiComponent{ID: sec.ID, Name: sec.Heading, Status: sec.worst().API(), Updated: apiTime(p.At), Position: at + 1, PageID: p.ID, Group: true})
		}
		for k := range sec.Services {
			one := &sec.Services[k]
			c := apiComponent{ID: one.ID, Name: one.Name, Status: one.State.API(), Updated: apiTime(p.At), Position: len(list) + 1, Showcase: true, GroupID: group, PageID: p.ID}
			if !one.Since.IsZero() {
				c.Updated = apiTime(one.Since)
			}
			list, byID[one.ID] = append(list, c), c
			if group != nil {
				list[at].Components = append(list[at].Components, one.ID)
			}
		}
	}
	return list, byID
}

// worst is the worst state of a section; what is not known is worse than running.
func (s *Section) worst() (worst State) {
	unknown := false
	for i := range s.Services {
		worst = max(worst, s.Services[i].State)
		unknown = unknown || s.Services[i].State == Unknown
	}
	if unknown && !worst.Wrong() {
		return Unknown
	}
	return worst
}

func (p *Page) apiIncident(x *Incident, byID map[string]apiComponent) apiIncident {
	a := apiIncident{ID: x.ID, Name: x.Title, Status: "investigating", Created: apiTime(x.Began), Updated: apiTime(x.Changed()), Impact: impact(x.State), Shortlink: p.URL + "history.html#incident-" + x.ID,
		Started: apiTime(x.Began), PageID: p.ID, Updates: []apiUpdate{}, Components: components(x.Services, byID)}
	if !x.Open() {
		at := apiTime(x.Ended)
		a.Status, a.Resolved = "resolved", &at
	}
	for i := len(x.Updates) - 1; i >= 0; i-- { // the newest first
		u := &x.Updates[i]
		line := apiUpdate{ID: publicID("update", x.ID+u.Text+apiTime(u.At)), Status: "investigating", Body: u.Text, IncidentID: x.ID, Created: apiTime(u.At), Updated: apiTime(u.At), Display: apiTime(u.At), Affected: []struct{}{}}
		if u.Over {
			line.Status = "resolved"
		}
		a.Updates = append(a.Updates, line)
	}
	return a
}

func (p *Page) apiPlan(o *Occurrence, byID map[string]apiComponent) apiIncident {
	from, to, announced := apiTime(o.From), apiTime(o.To), apiTime(o.From.Add(-soon))
	a := apiIncident{ID: o.ID, Name: o.Name, Status: o.Phase(p.At), Created: announced, Updated: announced, Impact: "maintenance", Shortlink: p.URL + "history.html#maintenance-" + o.ID, Started: from, PageID: p.ID,
		Updates: []apiUpdate{}, Components: components(o.Services, byID), For: &from, Until: &to}
	switch a.Status {
	case "in_progress":
		a.Updated = from
	case "completed":
		a.Resolved, a.Updated = &to, to
	}
	return a
}

func components(refs []Ref, byID map[string]apiComponent) []apiComponent {
	list := []apiComponent{}
	for _, r := range refs {
		list = append(list, byID[r.ID])
	}
	return list
}

package status

import (
	"encoding/xml"
	"strings"
	"time"
)

// feedMost is how many incidents a feed has.
const feedMost = 50

// The elements of Atom (RFC 4287) that a feed of ours has.
type (
	atomFeed struct {
		XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		ID      string      `xml:"id"`
		Title   string      `xml:"title"`
		Updated string      `xml:"updated"`
		Author  string      `xml:"author>name"`
		Links   []atomLink  `xml:"link"`
		Entries []atomEntry `xml:"entry"`
	}
	atomLink struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	}
	atomEntry struct {
		ID        string   `xml:"id"`
		Title     string   `xml:"title"`
		Published string   `xml:"published"`
		Updated   string   `xml:"updated"`
		Link      atomLink `xml:"link"`
		Content   atomText `xml:"content"`
	}
	atomText struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	}
)

// atom is the feed: incidents and maintenance, the newest first.
func atom(p *Page) ([]byte, error) {
	f := atomFeed{ID: "urn:netmon:status:" + p.ID, Title: p.Title, Author: p.Title, Links: []atomLink{{"alternate", p.URL + "./"}}}
	if p.URL != "" {
		f.Links = []atomLink{{"alternate", p.URL}, {"self", p.URL + "feed.atom"}}
	}
	updated := PastFrom(p.At) // where nothing happened
	for i := range p.Incidents[:min(len(p.Incidents), feedMost)] {
		x := &p.Incidents[i]
		var lines []string
		for _, u := range x.Updates {
			lines = append(lines, momentText(u.At, u.At.AddDate(1, 0, 0))+": "+u.Text)
		}
		f.Entries = append(f.Entries, atomEntry{ID: "urn:netmon:incident:" + x.ID, Title: x.Title, Published: x.Began.Format(time.RFC3339), Updated: x.Changed().Format(time.RFC3339),
			Link: atomLink{"alternate", p.URL + "history.html#incident-" + x.ID}, Content: atomText{"text", strings.Join(lines, "\n")}})
		if x.Changed().After(updated) {
			updated = x.Changed()
		}
	}
	for _, o := range p.plans("scheduled", "in_progress") {
		var names []string
		for _, s := range o.Services {
			names = append(names, s.Name)
		}
		at := o.From.Add(-soon).Format(time.RFC3339) // from when on it is announced
		f.Entries = append(f.Entries, atomEntry{ID: "urn:netmon:maintenance:" + o.ID, Title: "Maintenance: " + o.Name, Published: at, Updated: at,
			Link: atomLink{"alternate", p.URL + "history.html#maintenance-" + o.ID}, Content: atomText{"text", momentText(o.From, o.From.AddDate(1, 0, 0)) + " to " + momentText(o.To, o.From.AddDate(1, 0, 0)) + ": " + strings.Join(names, ", ")}})
	}
	f.Updated = updated.Format(time.RFC3339)
	text, err := xml.MarshalIndent(f, "", " ")
	return append([]byte(xml.Header), text...), err
}

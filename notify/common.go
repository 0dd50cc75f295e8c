package notify

import (
	"time"

	"netmon/wire"
)

// common are the settings that every kind has.
type common struct {
	Title string `json:"title,omitempty" help:"template of the title"`
	Text  string `json:"text,omitempty" help:"template of the text"`
	Zone  string `json:"zone,omitempty" help:"IANA name of the zone that times are written in, such as Europe/Oslo; default: UTC"`
}

func commonFields() []Field { return fieldsOf(common{}) }

// texts are the templates of a channel, nil for the default, and its zone.
type texts struct {
	title, text *textTemplate
	zone        *time.Location
}

func (c *common) prepare() (*texts, error) {
	var p wire.Problems
	t := &texts{zone: time.UTC}
	var err error
	if c.Title != "" {
		t.title, err = parseTemplate(c.Title, false)
		p.Add("title", err)
	}
	if c.Text != "" {
		t.text, err = parseTemplate(c.Text, false)
		p.Add("text", err)
	}
	if c.Zone != "" {
		if t.zone, err = time.LoadLocation(c.Zone); err != nil || c.Zone == "Local" {
			p.Addf("zone", "want an IANA name such as Europe/Oslo, got %q", wire.Clip(c.Zone, wire.MaxToken))
		}
	}
	return t, p.Err()
}

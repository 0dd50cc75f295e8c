package wire

import "time"

// Silence mutes notices from now on, for a while.
type Silence struct {
	ID    string    `json:"id"`             // a token
	Match Match     `json:"match,omitzero"` // what is muted; absent is everything
	From  time.Time `json:"from"`           // UTC
	Until time.Time `json:"until"`          // UTC
	Text  string    `json:"text,omitempty"` // why
	Saving
}

func (s *Silence) Sort() Sort          { return SortSilence }
func (s *Silence) SettingName() string { return s.ID }

// Validate reports every mistake.
func (s *Silence) Validate() error {
	var p Problems
	p.Add("id", CheckToken(s.ID))
	p.Add("match", s.Match.Validate())
	if s.From.IsZero() {
		p.Addf("from", "is missing")
	}
	if !s.Until.After(s.From) {
		p.Addf("until", "want a time after from, got %q", s.Until.Format(time.RFC3339))
	}
	if len(s.Text) > MaxText {
		p.Addf("text", "is %d bytes long: want at most %d", len(s.Text), MaxText)
	}
	p.Add("", s.check())
	return p.Err()
}

// Acknowledgement is somebody's word that they take care of an incident.
type Acknowledgement struct {
	Incident string    `json:"incident"`       // its id
	At       time.Time `json:"at"`             // UTC
	Text     string    `json:"text,omitempty"` // why, or what is done
	Saving
}

func (a *Acknowledgement) Sort() Sort          { return SortAck }
func (a *Acknowledgement) SettingName() string { return a.Incident }

// Validate reports every mistake.
func (a *Acknowledgement) Validate() error {
	var p Problems
	p.Add("incident", CheckToken(a.Incident))
	if len(a.Text) > MaxText {
		p.Addf("text", "is %d bytes long: want at most %d", len(a.Text), MaxText)
	}
	p.Add("", a.check())
	return p.Err()
}

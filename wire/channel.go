package wire

import "encoding/json"

// Channel is a way to notify somebody. Beside its name and kind it has the kind's own
// settings, in the same object: docs/alerts.md lists them.
type Channel struct {
	Name     string
	Kind     string // webhook, mail, exec, slack, ...
	Fallback string // channel that is notified where this one cannot be
	Paused   bool   // it gets no notices
	Settings map[string]json.RawMessage
	Saving
}

// KindDeadman is a channel that is called while all is well: it is notified of no incident.
const KindDeadman = "deadman"

// channelForm is what of a channel is the same for every kind.
type channelForm struct {
	Name     string `json:"name"`               // a token
	Kind     string `json:"kind"`               // webhook, mail, exec, slack, ...
	Fallback string `json:"fallback,omitempty"` // channel that is notified where this one cannot be
	Paused   bool   `json:"paused,omitempty"`   // it gets no notices
	Saving
}

// MarshalJSON writes everything into one object.
func (c Channel) MarshalJSON() ([]byte, error) {
	head, err := json.Marshal(channelForm{c.Name, c.Kind, c.Fallback, c.Paused, c.Saving})
	if err != nil || len(c.Settings) == 0 {
		return head, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(head, &fields); err != nil {
		return nil, err
	}
	for name, v := range c.Settings {
		if _, taken := fields[name]; !taken {
			fields[name] = v
		}
	}
	return json.Marshal(fields)
}

// UnmarshalJSON reads it. What is not common to all kinds is the kind's, which checks it.
func (c *Channel) UnmarshalJSON(data []byte) error {
	var form channelForm
	if err := json.Unmarshal(data, &form); err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	for _, name := range []string{"name", "kind", "fallback", "paused", "revision", "edition", "author", "change"} {
		delete(fields, name)
	}
	if len(fields) == 0 {
		fields = nil
	}
	*c = Channel{form.Name, form.Kind, form.Fallback, form.Paused, fields, form.Saving}
	return nil
}

// Own is the kind's own settings as one object.
func (c *Channel) Own() json.RawMessage {
	data, err := json.Marshal(c.Settings)
	if err != nil || c.Settings == nil {
		return json.RawMessage("{}")
	}
	return data
}

func (c *Channel) Sort() Sort          { return SortChannel }
func (c *Channel) SettingName() string { return c.Name }

// Validate checks what is common to all kinds. The settings are the kind's to check.
func (c *Channel) Validate() error {
	var p Problems
	p.Add("name", CheckToken(c.Name))
	if err := CheckToken(c.Kind); err != nil {
		p.Addf("kind", "%w", err)
	}
	if c.Fallback != "" {
		p.Add("fallback", CheckToken(c.Fallback))
		if c.Fallback == c.Name {
			p.Addf("fallback", "%q cannot be its own", c.Name)
		}
	}
	p.Add("", checkJSON(c.Own(), MaxOptions))
	p.Add("", c.check())
	return p.Err()
}
